"""What a hook decides by itself; that it strikes is the shop's test."""

import subprocess
import sys

SERVED = """
import asyncio, sys
from aiops.testbed.hooks import Hooks
hooks = Hooks("1.4.2")
asyncio.run(hooks.set("canary", {"version": "1.5.0", "share": 0.3}))
print(*[hooks.version(session) for session in sys.argv[1:]])
"""


def served(sessions: list[str]) -> list[str]:
    """The version that a service just started gives each session, of a canary of 30 %."""
    done = subprocess.run([sys.executable, "-c", SERVED, *sessions], check=True, text=True,
                          stdout=subprocess.PIPE, timeout=30)
    return done.stdout.split()


def test_a_session_keeps_its_version_and_the_canary_gets_its_share_of_them():
    sessions = [str(user) for user in range(1, 2001)]
    versions = served(sessions)
    assert set(versions) == {"1.4.2", "1.5.0"}
    assert 0.25 < versions.count("1.5.0") / len(versions) < 0.35
    assert served(sessions[::-1]) == versions[::-1]  # after a restart, in another order
