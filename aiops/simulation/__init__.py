"""Made systems: drawn topologies whose requests queue, time out, are tried again, and fail.

``incidents(seed)`` draws a system, runs it event by event (simpy) in normal operation and through
incidents, and gives Cases with their truth. Nothing is recorded here and no kernel is real: what
it is good for, and what it is not, is measured against recorded incidents (docs/graph-ranker.md).

    topology   a system: services, stores, hosts, operations and their calls
    faults     what goes wrong, and what only looks like it
    requests   the run: every request, event by event
    metrics    what a service's metrics show of a run
    telemetry  what of it is seen: spans, logs, samples, services that tell nothing
    alerts     a run as the alerts that it raises, nothing else
    incident   all of it put together
"""

from aiops.simulation.incident import SEVERAL, Made, incidents, of_several_parts

__all__ = ["SEVERAL", "Made", "incidents", "of_several_parts"]
