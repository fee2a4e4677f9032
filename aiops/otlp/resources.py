"""Resources and scopes: told apart by a hash of all that they carry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import xxhash

from aiops.otlp import attributes
from aiops.otlp.leftovers import leftover
from aiops.otlp.tables import Tables

Source = tuple[int, int, str | None]  # resource_id, scope_id, service_name


class Sources:
    """Adds each resource and scope of a batch once, with the earliest time seen under it."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.resources: dict[int, tuple[Any, int | None]] = {}
        self.scopes: dict[int, tuple[Any, int | None]] = {}

    def walk(self, groups: Any, scope_groups: str, items: str, time: Any,
             ) -> Iterator[tuple[Source, Any]]:
        """Yield (source, items of one scope) for each scope of each resource."""
        for group in groups:
            resource_id, resource = _identify(group, scope_groups)
            name = attributes.text(resource.resource.attributes, "service.name")
            _see(self.resources, resource_id, resource, None)
            for scope_group in getattr(group, scope_groups):
                scope_id, scope = _identify(scope_group, items)
                found = getattr(scope_group, items)
                first = min((t for item in found if (t := time(item))), default=None)
                _see(self.resources, resource_id, resource, first)
                _see(self.scopes, scope_id, scope, first)
                yield (resource_id, scope_id, name), found

    def finish(self) -> None:
        for resource_id, (group, first) in self.resources.items():
            self._add_resource(resource_id, group, first)
        for scope_id, (group, first) in self.scopes.items():
            scope = group.scope
            self.tables.rows["scopes"].append((
                scope_id, first, scope.name or None, scope.version or None,
                group.schema_url or None, scope.dropped_attributes_count, leftover(group)))
            attributes.add(self.tables.rows["scope_attributes"], scope_id, first, scope.attributes)

    def _add_resource(self, resource_id: int, group: Any, first: int | None) -> None:
        found = group.resource.attributes
        keys = ("service.name", "service.namespace", "service.version",
                "service.instance.id", "host.name")
        self.tables.rows["resources"].append((
            resource_id, first, *(attributes.text(found, key) for key in keys),
            group.schema_url or None, group.resource.dropped_attributes_count, leftover(group)))
        attributes.add(self.tables.rows["resource_attributes"], resource_id, first, found)


def _identify(group: Any, content: str) -> tuple[int, Any]:
    """The hash of a group without its content, and that group."""
    head = type(group)()
    head.CopyFrom(group)
    head.ClearField(content)
    return xxhash.xxh64_intdigest(head.SerializeToString(deterministic=True)), head


def _see(seen: dict[int, tuple[Any, int | None]], key: int, head: Any, first: int | None) -> None:
    before = seen.get(key, (head, None))[1]
    times = [t for t in (before, first) if t is not None]
    seen[key] = (head, min(times, default=None))
