"""Writes docs/cli.md from the command line's own help.

Usage: python scripts/cli_docs.py
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main

from aiops.cli import app

PAGE = Path(__file__).resolve().parents[1] / "docs" / "cli.md"
HEAD = """\
# The command line

Made by `make docs` from the program; do not edit.

Every command prints for people and, with `--json`, JSON alone on standard output (all else goes
to standard error). Exit codes, the reason of 1 and 2 being on standard error:

- 0: done.
- 1: failed, though rightly asked: bad data, a taken port, another run at work.
- 2: wrongly asked: an unknown option, a value that is not allowed, or a name or path of something
  that there is not.
- 10, 11, 12: of `aiops canary` alone: hold, roll back, not enough data (0: promote).
"""


def commands(group: Any = None, path: str = "aiops") -> Iterator[tuple[str, Any]]:
    """Every command as (its words, the command), groups left out."""
    group = group or typer.main.get_command(app)
    for name, command in sorted(group.commands.items()):
        words = f"{path} {name}"
        yield from commands(command, words) if hasattr(command, "commands") else [(words, command)]


def page() -> str:
    """The whole text of docs/cli.md."""
    return HEAD + "".join(section(words, command) for words, command in commands())


def section(words: str, command: Any) -> str:
    """One command: how it is called, what it does, its parameters."""
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    call = " ".join([words, *map(argument, arguments), "[OPTIONS]"])
    listed = "".join(f"- {parameter(p)}\n" for p in command.params if p.name != "help")
    return f"\n## {words}\n\n    {call}\n\n{inspect.cleandoc(command.help or '')}\n\n{listed}"


def argument(param: Any) -> str:
    """An argument as it is written in a call: in brackets where it may be left out."""
    name = (param.name or "").upper() + ("..." if param.nargs == -1 else "")
    return name if param.required else f"[{name}]"


def parameter(param: Any) -> str:
    """One parameter: its names, what it means, its default."""
    named = param.param_type_name == "argument"
    options = [*param.opts, *param.secondary_opts]
    names = [(param.name or "").upper()] if named else options
    default = "" if param.default in (None, False, ()) or param.required else str(param.default)
    text = f"{' '.join(f'`{name}`' for name in names)}: {param.help or ''}".rstrip()
    return f"{text} Default: `{default}`." if default else text


if __name__ == "__main__":
    PAGE.write_text(page())
