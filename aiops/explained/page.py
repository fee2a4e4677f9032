"""An explanation as HTML."""

from __future__ import annotations

import base64
import html
from typing import TYPE_CHECKING

from aiops import plots
from aiops.explained.pictures import figures
from aiops.explained.words import headline, ranked, spoken, way
from aiops.plots.tables import to_html as table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from aiops.explained import Explanation


def to_html(told: Explanation, rows: int = 5) -> str:
    """A fragment of HTML: who is blamed and why, the way there, pictures as PNG within."""
    parts = [f"<p><b>{html.escape(headline(told))}</b></p>", table(ranked(told, rows))]
    if len(told.path):
        parts += ["<p>The way from where it was felt to the first suspect, with the strongest "
                  "signal of each step:</p>", table(way(told))]
    named = list(told.culprits or told.ranks.index[:1])
    against = spoken(told.reasons[told.reasons["suspect"].isin(named)])
    if len(against):
        parts += [f"<p>What speaks against {html.escape(' and '.join(named))}:</p>",
                  table(against if len(named) > 1 else against.drop(columns="suspect"))]
    parts += [_image(figure) for figure in figures(told).values()]
    return f"<div class='explanation'>{''.join(parts)}</div>"


def _image(figure: Figure) -> str:
    data = base64.b64encode(plots.to_png(figure, dpi=160)).decode()
    title = html.escape(str(figure.get_label()), quote=True)
    return (f'<p class="output_png"><img alt="{title}" style="width:100%;max-width:800px" '
            f'src="data:image/png;base64,{data}"></p>')
