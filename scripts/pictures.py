"""Draws the pictures of README and docs from the bundled recordings.

Usage: python scripts/pictures.py
"""

from __future__ import annotations

from pathlib import Path

from aiops import datasets, plots

OUT = Path(__file__).resolve().parents[1] / "docs" / "pictures"


def main() -> None:
    case = dict(datasets.load("shop-trial").cases())["r001"]
    figure = plots.service_graph(case.select("traces", "abnormal"), case.select("traces", "normal"))
    (OUT / "service-graph.png").write_bytes(plots.to_png(figure, 160))


if __name__ == "__main__":
    main()
