"""Runs a peer's methods on Cases in the neutral form, in the peer's own environment.

    python run.py ADAPTER FOLDER [--methods NAME,NAME] [--limit SECONDS] [--patience CASES]

Seconds are those of the processor, so that other work on the machine decides nothing.

Needs pandas and what ADAPTER imports, and nothing of aiops. ADAPTER is a Python file with
``METHODS``: name -> what takes an ``Incident`` and returns its columns, the most blamed first,
or column -> blame. Prints a JSON list, an answer a case and method:
{"case", "method", "blame": {column: blame} or null, "seconds", "error"}.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import multiprocessing
import os
import random
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

SEED = 0
IDLE = 20  # as many times the limit may pass by the clock: of a method that waits, or is starved


@dataclass(frozen=True)
class Incident:
    """One Case as peers read it: a row a time, a column ``<service>_<metric>`` each.

    Args:
        normal, abnormal: ``time`` in seconds, then the columns; cells may be empty.
        symptom: the column that the alert stated, if any.
    """

    normal: pd.DataFrame
    abnormal: pd.DataFrame
    symptom: str | None = None


Ranking = Sequence[str] | Mapping[str, float]
Method = Callable[[Incident], Ranking]


def read(folder: Path) -> Incident:
    """An incident from ``normal.csv``, ``abnormal.csv`` and ``case.json``."""
    normal, abnormal = (pd.read_csv(folder / f"{side}.csv", float_precision="round_trip")
                        for side in ("normal", "abnormal"))
    about = json.loads((folder / "case.json").read_text())
    return Incident(normal, abnormal, about["symptom"])


def answers(methods: Mapping[str, Method], folder: Path, limit_s: float,
            patience: int) -> Iterator[dict[str, Any]]:
    """Every method on every case; one that ran out of time ``patience`` times running is let be."""
    cases = sorted(path.parent for path in folder.glob("*/case.json"))
    late = dict.fromkeys(methods, 0)
    for path in cases:
        incident = read(path)
        for name, method in methods.items():
            if late[name] >= patience:
                answer = _failed(f"not tried: the {patience} cases before took over {limit_s:g} s")
            else:
                answer = limited(method, incident, limit_s)
                late[name] = late[name] + 1 if answer["error"] == _over(limit_s) else 0
            yield {"case": path.name, "method": name, **answer}


def limited(method: Method, incident: Incident, limit_s: float) -> dict[str, Any]:
    """One method on one case, in a process of its own that is ended when its time is up."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    worker = context.Process(target=_work, args=(method, incident, limit_s, theirs), daemon=True)
    worker.start()
    theirs.close()
    try:
        if ours.poll(IDLE * limit_s):
            answer: dict[str, Any] = ours.recv()
            return answer
    except EOFError:
        worker.join()
        if worker.exitcode != -signal.SIGXCPU:
            return _failed(f"its process ended with {worker.exitcode}")
    finally:
        worker.kill()
        worker.join()
    return _failed(_over(limit_s), limit_s)


def _work(method: Method, incident: Incident, limit_s: float, answer: Any) -> None:
    """What the process does: peers say much, and draw bars; only the answer leaves it."""
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(limit_s), resource.RLIM_INFINITY))
    for stream in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    random.seed(SEED)
    np.random.seed(SEED)
    started = time.process_time()
    try:
        found = method(incident)
        seconds = time.process_time() - started
        answer.send({"blame": _blame(found), "seconds": seconds, "error": None})
    except Exception as error:  # noqa: BLE001  a peer's failure is a miss, and is counted
        seconds = time.process_time() - started
        answer.send(_failed(f"{type(error).__name__}: {error}"[:300], seconds))


def _blame(found: Ranking) -> dict[str, float]:
    """Column -> blame; of a list the first has most."""
    if isinstance(found, Mapping):
        return {str(column): float(value) for column, value in found.items()}
    return {str(column): float(-place) for place, column in enumerate(found)}


def _failed(error: str, seconds: float = 0.0) -> dict[str, Any]:
    return {"blame": None, "seconds": seconds, "error": error}


def _over(limit_s: float) -> str:
    return f"took over {limit_s:g} s"


def load(adapter: Path) -> dict[str, Method]:
    """The methods of an adapter."""
    spec = importlib.util.spec_from_file_location("adapter", adapter)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{adapter} is no Python file: name one that has METHODS.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    methods: dict[str, Method] = module.METHODS
    return methods


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("adapter", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--methods", default="", help="names with commas between (default: all)")
    parser.add_argument("--limit", type=float, default=60.0, help="seconds a case")
    parser.add_argument("--patience", type=int, default=2, help="cases over the limit, then stop")
    options = parser.parse_args()
    answer = os.dup(1)
    os.dup2(2, 1)  # peers print: standard output is for the answers alone
    methods = load(options.adapter)
    wanted = [name for name in options.methods.split(",") if name] or list(methods)
    if unknown := [name for name in wanted if name not in methods]:
        raise SystemExit(f"--methods must be of {', '.join(methods)}. Got {', '.join(unknown)}.")
    made = list(answers({name: methods[name] for name in wanted}, options.folder,
                        options.limit, options.patience))
    sys.stdout.flush()
    with open(answer, "w", encoding="utf-8") as stream:
        json.dump(made, stream)


if __name__ == "__main__":
    main()
