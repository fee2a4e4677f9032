"""Puts a trained graph network into the package, and its hash into the code.

Usage: python scripts/bundle_network.py experiments/graph-ranker/network.onnx
"""

import hashlib
import re
import shutil
import sys
from pathlib import Path

ROOM = Path(__file__).resolve().parents[1] / "aiops" / "rca"


def bundle(network: Path, room: Path = ROOM) -> str:
    """Copy the network beside its ranker; the ranker's code then names its hash, which is given."""
    code = room / "graph_network.py"
    told = hashlib.sha256(network.read_bytes()).hexdigest()
    shutil.copyfile(network, room / "graph_network.onnx")
    code.write_text(re.sub(r'(?m)^SHA256 = ".*"$', f'SHA256 = "{told}"', code.read_text()))
    return told


if __name__ == "__main__":
    print(bundle(Path(sys.argv[1])))
