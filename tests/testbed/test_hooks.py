"""What a hook decides by itself; that it strikes is the shop's test."""

import asyncio
import subprocess
import sys
import time

from aiops.testbed.hooks import Hooks

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


async def waited(requests: int, cleared_s: float) -> list[float]:
    """Seconds until each of so many requests at once was through a queue of 20 ms each."""
    hooks = Hooks("1.4.2")
    await hooks.set("queue", {"ms": 20})
    began = time.monotonic()

    async def request() -> float:
        await hooks.before("GET /", "1.4.2")
        return time.monotonic() - began

    asked = [asyncio.create_task(request()) for _ in range(requests)]
    await asyncio.sleep(cleared_s)
    await hooks.clear("queue")
    return sorted(await asyncio.gather(*asked))


def test_a_queue_lets_one_through_at_a_time_until_it_is_cleared():
    waits = asyncio.run(waited(5, cleared_s=1))
    gaps = [late - early for early, late in zip(waits, waits[1:], strict=False)]
    assert min(gaps) > 0.008  # 20 ms, give or take
    assert asyncio.run(waited(50, cleared_s=0.05))[-1] < 0.5  # a second's worth, had it stayed
