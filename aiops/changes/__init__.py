"""Which change did it: releases, flags and configurations as treatments of requests."""

from aiops.changes.impact import Impact, impact, impacts
from aiops.changes.treatments import Change, find

__all__ = ["Change", "Impact", "find", "impact", "impacts"]
