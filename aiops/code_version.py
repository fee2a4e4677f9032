"""What code a result was made by: a hash of a module and of all of aiops that it imports.

Comments, docstrings and layout of the code do not count, so that only a change of what is
computed makes a kept result stale. A process reads all sources once: what is edited while it
runs is not what it has loaded.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent
WORDS = {"aiops.errors"}  # what messages say is no result


def code_version(modules: Iterable[str], alone: Iterable[str] = (), root: Path = ROOT) -> str:
    """A hash (10 hex digits) of these modules and of what they import, however far down.

    Args:
        modules: names such as ``aiops.rca.baro``. A package's own ``__init__`` counts where a
            name is imported from it, not where a module below it is.
        alone: modules that count without what they import.
        root: the folder of the package that they begin with.
    """
    counted = reached(modules, root) | set(alone)
    told = "".join(f"{name} {_read(name, root)[1]}\n" for name in sorted(counted))
    return hashlib.sha1(told.encode(), usedforsecurity=False).hexdigest()[:10]


def reached(modules: Iterable[str], root: Path = ROOT) -> set[str]:
    """These modules, and all of the package that they import, however far down."""
    found: set[str] = set()
    left = list(modules)
    while left:
        name = left.pop()
        if name not in found | WORDS:
            found.add(name)
            left += _read(name, root)[0]
    return found


@cache
def sources(root: Path = ROOT) -> dict[str, str]:
    """The text of every module of the package by name, as it is at the first call."""
    found = {}
    for file in sorted(root.rglob("*.py")):
        parts = [root.name, *file.relative_to(root).with_suffix("").parts]
        found[".".join(parts).removesuffix(".__init__")] = file.read_text()
    return found


@cache
def _read(name: str, root: Path) -> tuple[tuple[str, ...], str]:
    """What a module imports of the package, and a hash of its code without docstrings."""
    known = sources(root)
    if name not in known:  # of another package
        return (), ""
    tree = ast.parse(known[name])
    imported = tuple(dict.fromkeys(_imported(tree, known)))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
                node, clean=False) is not None:
            node.body = node.body[1:]
    return imported, hashlib.sha1(ast.dump(tree).encode(), usedforsecurity=False).hexdigest()


def _imported(tree: ast.Module, known: dict[str, str]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names if each.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module in known:
            for each in node.names:
                below = f"{node.module}.{each.name}"
                yield below if below in known else node.module
