"""Snapshots of resources become revisions."""

import secrets
from collections.abc import Iterable, Sequence
from itertools import islice
from operator import attrgetter
from typing import NamedTuple

import msgspec
from django.db import connection

from meterhouse.inventory.facts import FOREVER
from meterhouse.inventory.ledger import REVISIONS, Key, observe
from meterhouse.inventory.models import Listing, Resource
from meterhouse.inventory.ownership import Owners, owners
from meterhouse.inventory.runs import Moment, Seen
from meterhouse.metering import snapshots
from meterhouse.metering.snapshots import Snapshot

CHUNK = 500
"""Keys asked for at once: below every database's limit of parameters."""

_json = msgspec.json.Encoder(order="sorted")

_STANDING = """
SELECT resource.key, resource.id, resource.name, resource.tags, resource.listing_id
FROM inventory_revision AS revision
JOIN inventory_resource AS resource ON resource.id = revision.resource_id
WHERE revision.listing_id = %s AND revision.end_ms = %s
"""

_BY_KEY = "SELECT key, id, name, tags, listing_id FROM inventory_resource WHERE key IN ({})"


class _Row(NamedTuple):
    id: int
    name: str
    tags: str
    listing_id: int


def keep_resources(snapshot: Snapshot, listing: Listing, moment: Moment) -> list[str]:
    """Work a list of resources into the revisions. Returns what was wrong with it."""
    listed = list(
        {
            each.id: each for each in snapshot.objects if isinstance(each, snapshots.Resource)
        }.values()
    )
    rows = _rows(listing, listed)
    renamed = moment.after == FOREVER and _rename(listing, listed, rows)
    owned = owners(snapshot.source, listed)
    seen: dict[Key, Seen] = {(rows[each.id].id,): _seen(each, owned) for each in listed}
    if observe(REVISIONS, listing.pk, moment, seen, lambda _: moment.complete) or renamed:
        Listing.objects.filter(pk=listing.pk).update(mark=secrets.randbits(62))
    others = sorted(each.id for each in listed if rows[each.id].listing_id != listing.pk)
    if not others:
        return []
    return [f'{len(others)} listed by another source first, such as "{others[0]}"']


def _seen(resource: snapshots.Resource, owned: Owners) -> Seen:
    project, user = owned.of(resource)
    return Seen(
        (
            project,
            user,
            resource.state.value,
            resource.vcpus,
            resource.ram_bytes,
            resource.disk_bytes,
            _text(dict(resource.details)) if resource.details else "{}",
        ),
        resource.since_ms,
    )


def _text(value: object) -> str:
    return _json.encode(value).decode()


def _rows(listing: Listing, listed: Sequence[snapshots.Resource]) -> dict[str, _Row]:
    """The rows of what is listed, by key; what is new gets one."""
    with connection.cursor() as cursor:
        cursor.execute(_STANDING, [listing.pk, FOREVER])
        rows = {row[0]: _Row._make(row[1:]) for row in cursor.fetchall()}
    missing = {each.id: each for each in listed if each.id not in rows}
    rows |= _find(missing)
    new = [
        Resource(
            key=each.id,
            kind=listing.kind,
            name=each.name,
            tags=_text(each.tags),
            listing=listing,
        )
        for each in missing.values()
        if each.id not in rows
    ]
    for row in Resource.objects.bulk_create(new, batch_size=CHUNK):
        rows[row.key] = _Row(row.pk, row.name, row.tags, listing.pk)
    return rows


def _find(keys: Iterable[str]) -> dict[str, _Row]:
    found: dict[str, _Row] = {}
    rest = iter(keys)
    with connection.cursor() as cursor:
        while chunk := list(islice(rest, CHUNK)):
            cursor.execute(_BY_KEY.format(", ".join(["%s"] * len(chunk))), chunk)
            found.update((row[0], _Row._make(row[1:])) for row in cursor.fetchall())
    return found


def _rename(listing: Listing, listed: Sequence[snapshots.Resource], rows: dict[str, _Row]) -> bool:
    """Names and tags are as last listed; they make no revisions. Returns whether any changed."""
    changed = []
    for each in sorted(listed, key=attrgetter("id")):
        row = rows[each.id]
        said = (each.name, _text(each.tags) if each.tags else "[]")
        if row.listing_id == listing.pk and said != (row.name, row.tags):
            changed.append(Resource(id=row.id, name=said[0], tags=said[1]))
    if changed:
        Resource.objects.bulk_update(changed, ["name", "tags"], batch_size=CHUNK)
    return bool(changed)
