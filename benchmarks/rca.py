"""Root-cause rankers on labelled incidents: python benchmarks/rca.py [NAME|FOLDER ...] [--json]"""

import argparse

from aiops.commands.output import show
from aiops.evaluation.figures import to_json
from aiops.workflows.bench import bench_rca, table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", default=["shop"], help="data sets (default: shop)")
    parser.add_argument("--json", action="store_true", help="print all figures as a JSON list")
    options = parser.parse_args()
    figures = [figure for target in options.targets for figure in bench_rca(target)]
    if options.json:
        print(to_json(figures))
    else:
        show(table(figures))


if __name__ == "__main__":
    main()
