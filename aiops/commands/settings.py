"""Options that are NAME=VALUE, given any number of times."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import typer


def named(texts: Iterable[str] | None, option: str) -> dict[str, Any]:
    """The values, read as YAML, by name.

    Raises:
        typer.BadParameter: a text of ``option`` has no name, no ``=``, or no YAML after it.
    """
    return dict(_split(text, option) for text in texts or ())


def _split(text: str, option: str) -> tuple[str, Any]:
    import yaml

    name, found, value = text.partition("=")
    if not (name and found):
        raise typer.BadParameter(f"{text!r} is no NAME=VALUE.", param_hint=option)
    try:
        return name, yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise typer.BadParameter(f"The value of {text!r} is no YAML; quote it where it is text: "
                                 f"{name}='\"...\"'.", param_hint=option) from error
