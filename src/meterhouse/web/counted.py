"""What the parts of a house counted, and what publishers elsewhere say: written and read here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from django.db import connection, transaction

from meterhouse.bus.follow import PublisherState
from meterhouse.bus.links import Link
from meterhouse.metering.periods import from_ms
from meterhouse.sources.runner.records import SourceState, Status
from meterhouse.station.telling import Said
from meterhouse.web.models import PartCounts, PublisherStatus, SourceConfig, SourceStatus

LINKS = "links"
"""The part that counts how each endpoint that is followed is connected to: numbers of Link."""

HERE = ""
"""The publisher of the house's own sources, in a State."""

_CHANGING = ("epoch", "delivered", "acknowledged", "last", "heard_ms")
_SAID = ("told_ms", "sources", "counts")


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """How a source does, here or elsewhere. publisher: HERE, or who reads it."""

    publisher: str
    name: str
    kind: str
    status: str
    last_good: datetime | None
    error: str
    counts: Mapping[str, int]  # samples, failures, ...
    refused: Mapping[str, int]  # by reason


COUNTS = ("samples", "failures", "bad_readings", "reopenings", "lost", "blocked")


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was recorded of one publisher: batches, the samples kept of them, and batches lost."""

    batches: int
    samples: int
    lost: int


@transaction.atomic
def note(
    at_ms: int,
    parts: Mapping[str, Mapping[str, float]],
    publishers: Sequence[tuple[PublisherState, tuple[int, Said] | None]],
) -> None:
    """Write down what the parts counted and how publishers do, in three statements.

    What a publisher said before is kept as long as it says nothing new; what it said earlier than
    that, recorded and sent again by somebody, is passed over.
    """
    rows = [PartCounts(part=part, at_ms=at_ms, counts=words) for part, words in parts.items()]
    PartCounts.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["part"], update_fields=["at_ms", "counts"]
    )
    told = dict(PublisherStatus.objects.values_list("publisher", "told_ms"))
    silent, telling = [], []
    for state, said in publishers:
        row = _row(state, at_ms)
        if said and said[0] > (told.get(state.publisher) or 0):
            row.told_ms = said[0]
            row.sources = [msgspec.to_builtins(source) for source in said[1].sources]
            row.counts = said[1].counts
            telling.append(row)
        else:
            silent.append(row)
    _put(silent, _CHANGING)
    _put(telling, (*_CHANGING, *_SAID))


def _put(rows: list[PublisherStatus], fields: Sequence[str]) -> None:
    PublisherStatus.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["publisher"], update_fields=fields
    )


def _row(state: PublisherState, at_ms: int) -> PublisherStatus:
    return PublisherStatus(
        publisher=state.publisher,
        epoch=state.epoch,
        delivered=state.delivered,
        acknowledged=state.acknowledged,
        last=state.last,
        heard_ms=at_ms - int(state.silent_s * 1000),
    )


def parts() -> dict[str, dict[str, float]]:
    """Part to word to number, as they were told last."""
    return {row.part: row.counts for row in PartCounts.objects.order_by("part")}


def links() -> dict[str, Link]:
    """How each endpoint is connected to, by its address, as it was last."""
    row = PartCounts.objects.filter(part=LINKS).first()
    return {address: Link(int(number)) for address, number in row.counts.items()} if row else {}


def publishers() -> list[PublisherStatus]:
    return list(PublisherStatus.objects.order_by("publisher"))


def states() -> list[State]:
    """How every source does, those of this house first, then by publisher and name."""
    return [*_here(), *elsewhere()]


def elsewhere() -> list[State]:
    """How the sources do that other publishers read."""
    return [
        _there(row.publisher, msgspec.convert(source, SourceState))
        for row in publishers()
        for source in row.sources
    ]


def recorded() -> dict[str, Recorded]:
    """What was recorded of each publisher, by name."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT publisher, SUM(last - first + 1) FROM store_loss GROUP BY publisher"
        )
        lost = {publisher: int(count) for publisher, count in cursor.fetchall()}
        cursor.execute("SELECT publisher, batches, samples FROM store_position ORDER BY publisher")
        return {
            publisher: Recorded(batches, samples, lost.get(publisher, 0))
            for publisher, batches, samples in cursor.fetchall()
        }


def not_recorded() -> dict[str, int]:
    """How many samples the recorder did not believe, by reason."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reason, samples FROM store_refusal ORDER BY reason")
        return dict(cursor.fetchall())


def _here() -> list[State]:
    found = {row.source: row for row in SourceStatus.objects.all()}
    return [
        _state_of(config, found.get(config.name))
        for config in SourceConfig.objects.order_by("name")
    ]


def _state_of(config: SourceConfig, row: SourceStatus | None) -> State:
    status = row.status if row else Status.STARTING.value
    return State(
        publisher=HERE,
        name=config.name,
        kind=config.kind,
        status=status if config.enabled else Status.DISABLED.value,
        last_good=from_ms(row.last_good_ms) if row and row.last_good_ms else None,
        error=row.error if row else "",
        counts=_counts(row),
        refused=row.refused if row else {},
    )


def _there(publisher: str, state: SourceState) -> State:
    return State(
        publisher=publisher,
        name=state.name,
        kind=state.kind,
        status=state.status.value,
        last_good=state.last_good,
        error=state.error,
        counts=_counts(state),
        refused=state.refused,
    )


def _counts(of: Any) -> dict[str, int]:
    return {word: getattr(of, word) if of else 0 for word in COUNTS}
