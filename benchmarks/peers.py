"""Published peers on the same Cases: python benchmarks/peers.py [NAME|FOLDER ...] [--json]

`make peers` sets up their environments; nothing of them is imported here. See peers/README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from aiops import datasets
from aiops.case import Case
from aiops.commands.output import show
from aiops.datasets import Dataset
from aiops.errors import AiopsError, CaseError, DependencyError, UsageError
from aiops.evaluation import ranking
from aiops.evaluation.figures import Figure, to_json
from aiops.rca.series import Columns, columns
from aiops.workflows.bench import bench_rca, table

HERE = Path(__file__).resolve().parent
RUNNER = HERE / "peers" / "run.py"
ENVIRONMENTS = HERE.parent / "experiments" / "peers"
OWN = ("baro", "nsigma")  # our re-implementations, in the same run
_OF_REQUESTS = {"latency": "span_latency_p95", "errors": "span_error_rate"}
_ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")}

Peers = Mapping[str, Sequence[str | Path]]  # name -> command, to which the folder is added
Known = dict[str, tuple[str, Case, dict[str, str]]]  # folder -> case's id, Case, column -> suspect


def installed(environments: Path = ENVIRONMENTS) -> dict[str, list[str | Path]]:
    """The peers whose environment is there.

    Raises:
        DependencyError: none is.
    """
    adapters = {path.stem.removeprefix("of_"): path for path in RUNNER.parent.glob("of_*.py")}
    there: dict[str, list[str | Path]] = {
        name: [environments / name / "bin" / "python", RUNNER, path]
        for name, path in sorted(adapters.items())
        if (environments / name / "bin" / "python").exists()}
    if not there:
        raise DependencyError(f"{environments} has no environment of {', '.join(adapters)}. "
                              "Run `make peers`.")
    return there


def bench_peers(target: str | Path, peers: Peers) -> list[Figure]:
    """Figures of every peer's methods on a data set, scored as ``bench_rca`` scores.

    A suspect takes the blame of its most blamed column. A method that fails on a case or runs
    out of time has missed it.

    Args:
        peers: name -> command that reads a folder in the neutral form and prints answers.

    Raises:
        CaseError: no Case with culprits, or an answer names a column that is none.
        DependencyError: a peer's command ended with an error.
    """
    dataset = datasets.load(target)
    with TemporaryDirectory() as folder:
        known = export_all(dataset, Path(folder))
        return [figure for name, command in peers.items()
                for figure in _scored(name, ask(name, command, Path(folder)), known, dataset)]


def export_all(dataset: Dataset, folder: Path) -> Known:
    """Write every Case that is an incident; the folders are numbered, and tell nothing.

    Returns: folder -> (the case's id, the Case, column -> suspect).
    """
    scored = [(name, read) for name, read in dataset.readers().items()
              if dataset.truth[name]["culprits"]]
    known: Known = {}
    for number, (name, read) in enumerate(scored):
        case = read()
        known[f"{number:04}"] = name, case, export(case, folder / f"{number:04}")
    if not known:
        raise CaseError(f"{dataset.root} has no Case whose truth names culprits.")
    return known


def export(case: Case, folder: Path) -> dict[str, str]:
    """One Case in the neutral form: what our rankers of metrics see, wide, as CSV.

    ``normal.csv`` and ``abnormal.csv`` have ``time`` (s) and columns ``<service>_<metric>`` with
    no other underscore; ``case.json`` names the symptom's column, if one is stated.

    Returns: column -> the suspect that it tells about.
    """
    folder.mkdir(parents=True)
    made = columns(case)
    names = _names(made)
    for side in ("normal", "abnormal"):
        _wide(getattr(made, side), names).to_csv(folder / f"{side}.csv")
    told = {"symptom": _symptom(case, made, names)}
    (folder / "case.json").write_text(json.dumps(told))
    return dict(zip(names, made.about["owner"], strict=True))


def _names(made: Columns) -> pd.Series:
    """A name a column: CIRCA of RCAEval reads no more than two parts, so each has to be one."""
    service, name = (made.about[part].str.replace("_", "-") for part in ("service", "name"))
    again = made.about.groupby([service, name]).cumcount()
    suffix = ("." + (again + 1).astype(str)).where(again > 0, "")
    return service + suffix + "_" + name


def _wide(side: pd.DataFrame, names: pd.Series) -> pd.DataFrame:
    """A row a time, all columns; two values of one time (of two instances) become their mean."""
    wide = side.groupby(["time", "column"])["value"].mean().unstack()
    wide = wide.reindex(columns=names.index).rename(columns=names)
    wide.index = (wide.index - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1)
    return wide.rename_axis(index="time", columns=None)


def _symptom(case: Case, made: Columns, names: pd.Series) -> str | None:
    if not case.symptom:
        return None
    own = made.about[made.about["service"] == case.symptom["service"]]
    metric = case.symptom["metric"]
    fitting = own.index[own["name"].isin([metric, _OF_REQUESTS.get(metric, metric)])]
    return None if fitting.empty else str(names[fitting[0]])


def ask(name: str, command: Sequence[str | Path], folder: Path) -> list[dict[str, Any]]:
    """A peer's answers; what else it writes goes to standard error."""
    done = subprocess.run([*command, folder], stdout=subprocess.PIPE, check=False,
                          env={**os.environ, **_ONE_THREAD})
    if done.returncode != 0:
        raise DependencyError(f"The peer {name} ended with {done.returncode}; what it said stands "
                              "above. Set it up anew: `make peers`.")
    answers: list[dict[str, Any]] = json.loads(done.stdout)
    return answers


def _scored(peer: str, answers: list[dict[str, Any]], known: Known,
            dataset: Dataset) -> Iterator[Figure]:
    for method in dict.fromkeys(answer["method"] for answer in answers):
        model, outcomes = f"{peer}:{method}", []
        for answer in (each for each in answers if each["method"] == method):
            name, case, suspect_of = known[answer["case"]]
            if answer["error"]:
                _say(f"{model} failed on {name}: {answer['error']}")
            outcomes.append(ranking.Outcome(
                blame(answer["blame"], suspect_of), case.suspects, dataset.truth[name],
                answer["seconds"], answer["error"]))
        yield from ranking.figures(outcomes, dataset.name, model)


def blame(by_column: Mapping[str, float] | None, suspect_of: Mapping[str, str]) -> pd.Series | None:
    """Suspect -> blame of its most blamed column; None where the method failed.

    Raises:
        CaseError: a column that was not handed out.
    """
    if by_column is None:
        return None
    if unknown := sorted(set(by_column) - set(suspect_of)):
        raise CaseError(f"A peer may blame only columns it was given. Got {', '.join(unknown)}.")
    suspects = [suspect_of[column] for column in by_column]
    return pd.Series(list(by_column.values()), suspects, dtype=float).groupby(level=0).max()


def _say(line: str) -> None:
    print(line, file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("targets", nargs="*", default=["shop"], help="data sets (default: shop)")
    parser.add_argument("--json", action="store_true", help="print all figures as a JSON list")
    parser.add_argument("--peer", action="append", help="only this peer (may be given again)")
    parser.add_argument("--methods", default="", help="only these of one --peer, with commas")
    parser.add_argument("--limit", default="60", help="seconds a case (default: 60)")
    options = parser.parse_args()
    if options.methods and len(options.peer or ()) != 1:
        parser.error("--methods names methods of one peer: give one --peer as well.")
    try:
        figures = list(_asked(options))
    except AiopsError as error:
        sys.exit(str(error))
    if options.json:
        print(to_json(figures))
    else:
        show(table(figures))


def _asked(options: argparse.Namespace) -> Iterator[Figure]:
    words = ["--limit", options.limit, "--methods", options.methods]
    there = installed()
    if unknown := set(options.peer or ()) - set(there):
        raise UsageError(f"--peer must be of {', '.join(there)}. Got {', '.join(sorted(unknown))}.")
    peers = {name: [*there[name], *words] for name in options.peer or there}
    for target in options.targets:
        yield from bench_rca(target, OWN)
        yield from bench_peers(target, peers)


if __name__ == "__main__":
    main()
