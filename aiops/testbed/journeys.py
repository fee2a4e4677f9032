"""What users do in the shop, drawn beforehand: who comes when, and what each asks for.

A schedule is fixed before the first request is sent, so a slow shop cannot slow its users
down (an open loop), and the same seed gives the same users.
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

DAY_S = 600.0  # a day of traffic is pressed into ten minutes
DAY_SWING = 0.4
PRODUCTS, USERS, WORDS = 2000, 2000, 50
THINK_S = 0.3  # mean pause between the steps of a session
# journey: (share of sessions, steps). A third and more buy, so that even the rarest
# service (payment, notifier) sees about one request a second.
JOURNEYS: dict[str, tuple[float, tuple[str, ...]]] = {
    "browse": (0.30, ("home", "product", "product")),
    "search": (0.20, ("search", "product")),
    "cart": (0.15, ("product", "add", "cart")),
    "buy": (0.35, ("home", "product", "add", "checkout")),
}
ROUTES = {
    "home": "GET /", "product": "GET /product/{id}", "search": "GET /search",
    "add": "POST /cart", "cart": "GET /cart", "checkout": "POST /checkout",
}
STEPS_PER_SESSION = sum(share * len(steps) for share, steps in JOURNEYS.values())


@dataclass(frozen=True)
class Request:
    """One request due ``at`` seconds after the start of the load."""

    at: float
    user: int
    route: str
    method: str
    path: str
    body: dict[str, int] | None


def schedule(
    seed: int, seconds: float, requests_per_s: float = 10.0, offset_s: float = 0.0
) -> list[list[Request]]:
    """Sessions of ``seconds`` of traffic, each a list of requests in order.

    ``requests_per_s`` is the mean over a day; ``offset_s`` says how far into the traffic's
    own day the load starts. Steps due after the end are left out.
    """
    rng = random.Random(seed)
    sessions = (_session(rng, at) for at in _arrivals(rng, seconds, requests_per_s, offset_s))
    cut = ([request for request in session if request.at < seconds] for session in sessions)
    return [session for session in cut if session]


def day_factor(at_s: float) -> float:
    """The day's share of the mean rate: between 0.6 and 1.4."""
    return 1 + DAY_SWING * math.sin(2 * math.pi * at_s / DAY_S)


def _arrivals(
    rng: random.Random, seconds: float, requests_per_s: float, offset_s: float
) -> Iterator[float]:
    """Poisson arrivals whose rate follows the day times AR(1) log-normal noise, a second each."""
    noise = 0.0
    for second in range(math.ceil(seconds)):
        noise = 0.9 * noise + rng.gauss(0, 0.05)
        rate = requests_per_s / STEPS_PER_SESSION * day_factor(offset_s + second) * math.exp(noise)
        at = second + rng.expovariate(rate)
        while at < min(second + 1, seconds):
            yield at
            at += rng.expovariate(rate)


def _session(rng: random.Random, at: float) -> list[Request]:
    user = rng.randrange(1, USERS + 1)
    journey = rng.choices(list(JOURNEYS), [share for share, _ in JOURNEYS.values()])[0]
    requests = []
    for step in JOURNEYS[journey][1]:
        requests.append(_request(rng, at, user, step))
        at += rng.expovariate(1 / THINK_S)
    return requests


def _request(rng: random.Random, at: float, user: int, step: str) -> Request:
    method, _, path = ROUTES[step].partition(" ")
    body: dict[str, int] | None = {} if method == "POST" else None
    if step == "product":
        path = f"/product/{_popular(rng)}"
    elif step == "search":
        path = f"/search?q=k{rng.randrange(WORDS)}"
    elif step == "add":
        body = {"sku": _popular(rng)}
    return Request(at, user, ROUTES[step], method, path, body)


def _popular(rng: random.Random) -> int:
    """A product by Pareto popularity: half of all requests ask for the first two."""
    return min(PRODUCTS, int(rng.paretovariate(0.9)))
