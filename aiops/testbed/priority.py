"""Priority of whole sessions: the scheduler shares a core first between them (autogroups)."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_AUTOGROUP = Path("/proc/self/autogroup")
HIGHEST = -20  # 87 times the share of a session at 0


def raise_session(nice: int = HIGHEST) -> bool:
    """Set this session's priority against other sessions; False where not permitted."""
    try:
        _AUTOGROUP.write_text(str(nice))
    except OSError:
        return False
    return True


@contextmanager
def raised_session() -> Iterator[None]:
    """This session has the highest priority within the block, and its own after it."""
    before = _session_nice()
    raised = before is not None and raise_session()
    try:
        yield
    finally:
        if raised:
            raise_session(before or 0)


def _session_nice() -> int | None:
    """From a line such as ``/autogroup-71 nice 0``; None where the kernel has no autogroups."""
    try:
        found = re.search(r"nice (-?\d+)", _AUTOGROUP.read_text())
    except OSError:
        return None
    return int(found[1]) if found else None
