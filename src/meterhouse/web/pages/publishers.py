"""Publishers: how far each is recorded, how sources elsewhere do, and what the bus refused."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from meterhouse.metering.periods import from_ms
from meterhouse.sources.runner.records import Status
from meterhouse.web import counted
from meterhouse.web.counted import Recorded, State
from meterhouse.web.models import PublisherStatus
from meterhouse.web.pages.tables import Column, Table
from meterhouse.web.pages.tones import TONES
from meterhouse.web.templatetags.house import ago

NOTHING = Recorded(0, 0, 0)
WORDS = {
    "signature": "without the secret, or changed on the way",
    "format": "no message at all",
    "version": "of another version of Meterhouse",
    "repeated": "heard before: sent twice, or recorded by somebody and sent again",
    "early": "came before their turn; asked for again",
    "epoch": "of a journal older than the recorded one: do two publishers have one name?",
    "stale": "meant for another journal, or from before a restart",
    "timeouts": "asked, and not answered in time",
    "losses": "told as lost by a publisher",
    "dropped": "a slow reader was passed by",
    "garbled": "said of a publisher's sources, and cannot be read",
    "disk": "could not be read from the journal",
}
"""What the bus counts that somebody should look at; the rest is how much went well."""


class Refused(NamedTuple):
    part: str
    word: str
    times: int


def of_publishers() -> Iterator[Table[Any]]:
    """The tables; those that have nothing to say are left out, but not the publishers."""
    rows = counted.publishers()
    yield publishers(rows)
    there = counted.elsewhere()
    if there:
        yield sources_elsewhere(there)
    refused = list(_refused(rows))
    if refused:
        yield refusals(refused)


def publishers(rows: list[PublisherStatus]) -> Table[PublisherStatus]:
    known = counted.recorded()

    def of(row: PublisherStatus) -> Recorded:
        return known.get(row.publisher, NOTHING)

    return Table(
        "publishers",
        (
            Column("Name", lambda row: row.publisher, kind="name"),
            Column(
                "Heard",
                lambda row: from_ms(row.heard_ms),
                shown=lambda row: ago(from_ms(row.heard_ms)),
                kind="moment",
            ),
            Column("Last batch", lambda row: row.last, kind="number", later=True),
            Column(
                "Behind",
                lambda row: max(row.last - row.acknowledged, 0),
                kind="number",
            ),
            Column("Batches", lambda row: of(row).batches, kind="number", later=True),
            Column("Samples", lambda row: of(row).samples, kind="number"),
            Column("Batches lost", lambda row: of(row).lost, kind="number", later=True),
        ),
        rows,
        title="Publishers",
        about="behind: batches that a publisher has and that are not recorded yet",
        empty="Nobody was heard yet",
    )


def sources_elsewhere(rows: list[State]) -> Table[State]:
    return Table(
        "sources-elsewhere",
        (
            Column("Name", lambda row: row.name, kind="name", note=lambda row: row.error),
            Column("Publisher", lambda row: row.publisher),
            Column("Kind", lambda row: row.kind, later=True),
            Column(
                "Status",
                lambda row: row.status,
                kind="state",
                tone=lambda row: TONES.get(row.status, "plain"),
            ),
            Column(
                "Last good run",
                lambda row: row.last_good,
                shown=lambda row: ago(row.last_good),
                kind="moment",
            ),
            Column("Samples", lambda row: row.counts["samples"], kind="number", later=True),
            Column("Failures", lambda row: row.counts["failures"], kind="number", later=True),
            Column(
                "Not believed",
                lambda row: sum(row.refused.values()),
                kind="number",
                later=True,
            ),
            Column("Error", lambda row: row.error, kind="error", later=True),
        ),
        sorted(rows, key=lambda row: (row.status == Status.GOOD, row.publisher, row.name)),
        title="Sources elsewhere",
        about="as their publishers say",
    )


def refusals(rows: list[Refused]) -> Table[Refused]:
    return Table(
        "refused",
        (
            Column("Where", lambda row: row.part, kind="name"),
            Column("Reason", lambda row: row.word),
            Column("Count", lambda row: row.times, kind="number"),
            Column("What it means", lambda row: WORDS[row.word], later=True),
        ),
        rows,
        title="Refused on the bus",
        about="messages and requests that were not believed, since each process was started",
    )


def _refused(rows: list[PublisherStatus]) -> Iterator[Refused]:
    told = {part: words for part, words in counted.parts().items() if part in _HERE}
    for row in rows:
        told |= {f"{row.publisher}: {part}": words for part, words in row.counts.items()}
    for part, words in sorted(told.items()):
        for word, count in sorted(words.items()):
            if word in WORDS and count:
                yield Refused(part, word, int(count))


_HERE = ("bus", "recorder", "live", "told")
