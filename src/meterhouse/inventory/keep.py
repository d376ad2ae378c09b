"""Snapshots become history: the recorder calls ``keep`` inside its transaction.

A listing is what one source lists of one kind. Its complete snapshots give the same history in
whatever order they arrive, and each counts once, by its moment. A thing that a complete snapshot
lacks has ended at that snapshot's moment; an incomplete one ends nothing.

Two things follow the order of arrival: keys, which are given once, and ownership, which is
worked out when a snapshot arrives by the rules that there are then. Names, tags, emails and
places in the tree are not dated: the newest snapshot decides.
"""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import F

from meterhouse.inventory.door import admitted
from meterhouse.inventory.facts import FOREVER
from meterhouse.inventory.models import Listing
from meterhouse.inventory.moments import Moments
from meterhouse.inventory.organization import keep_institutions, keep_projects, keep_users
from meterhouse.inventory.resources import keep_resources
from meterhouse.metering.snapshots import Snapshot

KEEPERS = {"institution": keep_institutions, "project": keep_projects, "user": keep_users}
_ORDER = {kind: place for place, kind in enumerate(KEEPERS)}


def keep(snapshots: Sequence[Snapshot]) -> None:
    """Work snapshots into the inventory.

    Repeated ones change nothing but a counter. Unchanged ones cost one row, whatever their size.
    Of one batch, institutions, projects and users go first, so that owners are known by name.
    """
    with transaction.atomic():
        for snapshot in sorted(snapshots, key=_rank):
            _keep(snapshot)


def _rank(snapshot: Snapshot) -> tuple[int, int]:
    return _ORDER.get(snapshot.kind, len(_ORDER)), snapshot.at_ms


def _keep(snapshot: Snapshot) -> None:
    # Locked, so that two recorders do not work on one listing at once.
    snapshot, odd = admitted(snapshot)
    listing, _ = Listing.objects.select_for_update().get_or_create(
        source=snapshot.source, kind=snapshot.kind
    )
    moments = Moments(listing.pk, snapshot.at_ms)
    if snapshot.at_ms in moments:
        _count(listing, repeated=F("repeated") + 1)
        return
    moment = moments.moment(complete=snapshot.complete)
    keeper = KEEPERS.get(snapshot.kind, keep_resources)
    problem = "; ".join([*odd, *keeper(snapshot, listing, moment)])
    if snapshot.complete:
        moments.add()
    if moment.after != FOREVER:
        _count(listing, late=F("late") + 1)
    elif problem != listing.problem:
        _count(listing, problem=problem)


def _count(listing: Listing, **values: object) -> None:
    Listing.objects.filter(pk=listing.pk).update(**values)
