"""What of a source's list comes in: what has a key that holds everywhere, its texts made plain.

An object without such a key is left out, and only it; a text that cannot be shown is kept with
what is odd in it escaped. Both are said in the listing's problem, and neither costs the rest.
"""

from collections.abc import Sequence
from dataclasses import replace

from meterhouse.metering.names import escaped, is_line, is_plain, is_reachable, plain
from meterhouse.metering.snapshots import (
    Project,
    Resource,
    Snapshot,
    SnapshotObject,
    User,
)

MOST = 2**63 - 1
"""The largest whole number that either database keeps."""


def admitted(snapshot: Snapshot) -> tuple[Snapshot, list[str]]:
    """The snapshot as it can be kept, and what was wrong with it, in sentences."""
    good = [each for each in snapshot.objects if _is_good(each)]
    out = [] if len(good) == len(snapshot.objects) else _bad(snapshot)
    objects = tuple(_cleaned(each) for each in good)
    changed = [new for old, new in zip(good, objects, strict=True) if new is not old]
    if not out and not changed:
        return snapshot, []
    return replace(snapshot, objects=objects), [
        *_told(out, "left out, as their keys hold nowhere"),
        *_told(changed, "with texts that cannot be shown as they are"),
    ]


def _bad(snapshot: Snapshot) -> list[SnapshotObject]:
    return [each for each in snapshot.objects if not _is_good(each)]


def _told(objects: Sequence[SnapshotObject], what: str) -> list[str]:
    return [f'{len(objects)} {what}, such as "{plain(objects[0].id)}"'] if objects else []


def _is_good(each: SnapshotObject) -> bool:
    if not isinstance(each, Resource):
        return bool(each.id) and is_plain(each.id)
    sizes = (each.vcpus, each.ram_bytes, each.disk_bytes, each.since_ms)
    return is_reachable(each.id) and all(size <= MOST for size in sizes)


def _cleaned(each: SnapshotObject) -> SnapshotObject:
    """The same with plain texts; the very object if they are plain already."""
    if isinstance(each, Resource):
        return _resource(each)
    each = each if is_plain(each.name) else replace(each, name=plain(each.name))
    if isinstance(each, Project):
        shares = {key: weight for key, weight in each.shares.items() if is_plain(key)}
        same = len(shares) == len(each.shares) and is_plain(each.parent)
        return each if same else replace(each, shares=shares, parent=_reference(each.parent))
    if isinstance(each, User):
        projects = tuple(filter(is_plain, each.projects))
        same = len(projects) == len(each.projects) and is_line(each.email)
        return each if same else replace(each, projects=projects, email=escaped(each.email))
    return each


def _resource(each: Resource) -> Resource:
    names = (each.name, each.project, each.user)
    lines = (*each.tags, *each.details, *each.details.values())
    if all(map(is_plain, names)) and all(map(is_line, lines)):
        return each
    return replace(
        each,
        name=plain(each.name),
        project=_reference(each.project),
        user=_reference(each.user),
        tags=tuple(map(escaped, each.tags)),
        details={escaped(word): escaped(text) for word, text in each.details.items()},
    )


def _reference(key: str) -> str:
    """Whom an object names; nobody if there can be no such one."""
    return key if is_plain(key) else ""
