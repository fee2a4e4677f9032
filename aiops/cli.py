"""The command line: each command makes one library call and reports its result.

Exit codes, the reason of 1 and 2 being on standard error:

    0  done
    1  failed, though rightly asked: bad data, a taken port, another run at work, ...
    2  wrongly asked: an unknown option, a value that is not allowed, or a name or path of
       something that there is not (every ``errors.UsageError``)

``aiops canary`` also ends with 10, 11 or 12: hold, roll back, not enough data.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from aiops import __version__
from aiops.commands.bench import bench
from aiops.commands.causal import causal
from aiops.commands.changes import canary, changes
from aiops.commands.doctor import doctor
from aiops.commands.features import featurize
from aiops.commands.lake import ingest, lake, receive
from aiops.commands.notebook import notebook
from aiops.commands.pipeline import pipeline
from aiops.commands.ranker import register_ranker
from aiops.commands.rca import rca
from aiops.commands.retrain import retrain
from aiops.commands.serve import models, serve
from aiops.commands.testbed import testbed
from aiops.errors import AiopsError, UsageError

app = typer.Typer(
    name="aiops",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (doctor, receive, ingest, featurize, notebook, retrain, register_ranker,
                models, serve, rca, causal, changes, canary):
    app.command()(command)
for name, group in {"lake": lake, "bench": bench, "testbed": testbed, "pipeline": pipeline}.items():
    app.add_typer(group, name=name)


# Said by the machine: no room, no right, or something else in the way. Any other is a fault of
# ours and keeps its traceback.
_REFUSED = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EEXIST,
            errno.ENOTDIR, errno.EISDIR, errno.ENOTEMPTY)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"aiops {__version__}")
        raise typer.Exit


@app.callback()
def _aiops(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """A research and MLOps workbench on OpenTelemetry data."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; always ends in ``SystemExit``."""
    try:
        app(args=arguments, prog_name="aiops")
    except AiopsError as error:
        typer.echo(f"aiops: {error}", err=True)
        sys.exit(2 if isinstance(error, UsageError) else 1)
    except OSError as error:
        if error.errno not in _REFUSED:
            raise
        where = f" ({error.filename})" if error.filename else ""
        typer.echo(f"aiops: {error.strerror}{where}. Mend that and run the same command again: it "
                   "begins anew whatever was not finished.", err=True)
        sys.exit(1)
