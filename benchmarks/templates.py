"""Log templates on the samples of Loghub: python benchmarks/templates.py [FOLDER] [--json]

FOLDER holds <System>/<System>_2k.log_structured_corrected.csv[.gz] (logpai/loghub-2.0); without
it the folder logs/loghub2k of the environment's AIOPS_DATA. Where drain3 is installed, it
is scored beside, with its default settings, on the same lines.
"""

import argparse
import os
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

from aiops.commands.output import show
from aiops.errors import InputError
from aiops.evaluation.figures import Figure, to_json
from aiops.logs import templates
from aiops.logs.accuracy import METRICS, accuracy
from aiops.workflows.bench import table

Miner = Callable[[pd.Series], pd.Series]
SUFFIX = "_2k.log_structured_corrected.csv"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=default_folder())
    parser.add_argument("--json", action="store_true", help="print all figures as a JSON list")
    options = parser.parse_args()
    figures = bench(options.folder)
    if options.json:
        print(to_json(figures))
    else:
        show(table(figures))


def default_folder() -> Path:
    return Path(os.environ.get("AIOPS_DATA", "."), "logs", "loghub2k")


def bench(folder: Path) -> list[Figure]:
    """Figures of each miner on each system below the folder, and their mean over systems."""
    miners: dict[str, Miner] = {"templates": templates}
    if find_spec("drain3"):
        miners["drain3"] = drain3
    files = sorted(folder.glob(f"*/*{SUFFIX}*"))
    if not files:
        raise InputError(f"{folder} has no <System>/<System>{SUFFIX}[.gz]. Name the folder of "
                         "logpai/loghub's samples, or set AIOPS_DATA.")
    return [figure for model, mine in miners.items() for figure in _figures(files, model, mine)]


def _figures(files: list[Path], model: str, mine: Miner) -> list[Figure]:
    scored = pd.DataFrame({path.parent.name: _scores(path, mine) for path in files}).T
    scored.loc["mean"] = scored.mean()
    return [Figure("templates", "loghub2k", model, system, metric, float(row[metric]), None, None,
                   len(files) if system == "mean" else int(row["n"]), None,
                   "share" if metric in METRICS else "1/s")
            for system, row in scored.iterrows() for metric in (*METRICS, "lines_per_s")]


def _scores(path: Path, mine: Miner) -> dict[str, float]:
    lines = pd.read_csv(path, dtype=str, keep_default_na=False)
    start = time.perf_counter()
    mined = mine(lines["Content"])
    seconds = time.perf_counter() - start
    return {**accuracy(mined, lines["EventTemplate"]), "n": len(lines),
            "lines_per_s": len(lines) / seconds}


def drain3(bodies: pd.Series) -> pd.Series:
    """Drain as its authors' successors maintain it; the template that each line ends up with."""
    from drain3 import TemplateMiner

    miner = TemplateMiner()
    cluster = [miner.add_log_message(body)["cluster_id"] for body in bodies]
    final = {each.cluster_id: each.get_template() for each in miner.drain.clusters}
    return pd.Series(cluster, index=bodies.index).map(final)


if __name__ == "__main__":
    main()
