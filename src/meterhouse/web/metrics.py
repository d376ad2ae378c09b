"""How the house itself does, as Prometheus' text format 0.0.4.

Written by hand: what is told here lies in the database, so that one scrape tells of every process
and of publishers elsewhere; a client library's counters live in one process. Tests read it with
Prometheus' own parser.

Source: prometheus/docs, content/docs/instrumenting/exposition_formats.md.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from meterhouse import __version__
from meterhouse.bus.links import Link
from meterhouse.metering.periods import to_ms
from meterhouse.sources.runner.records import Status
from meterhouse.web import counted
from meterhouse.web.counted import COUNTS, State

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = dict[str, str]
_ESCAPED = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


@dataclass
class Family:
    """One metric: counters end in ``_total``, everything else is a gauge."""

    name: str
    about: str
    rows: list[tuple[Labels, float]] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        full = f"meterhouse_{self.name}"
        yield f"# HELP {full} {self.about}"
        yield f"# TYPE {full} {'counter' if full.endswith('_total') else 'gauge'}"
        for labels, value in self.rows:
            inside = ",".join(
                f'{key}="{text.translate(_ESCAPED)}"' for key, text in labels.items()
            )
            yield f"{full}{{{inside}}} {value!r}" if inside else f"{full} {value!r}"


def text(now: datetime) -> str:
    """Everything, a few questions to the database whatever their number."""
    families = [
        Family("info", "The version that runs.", [({"version": __version__}, 1)]),
        *_of_sources(counted.states(), now),
        *_of_recording(),
        *_of_publishers(now),
        *_of_parts(),
    ]
    return "".join(f"{line}\n" for family in families for line in family.lines())


_ABOUT = {
    "samples": "Samples published.",
    "failures": "Runs that were not good.",
    "bad_readings": "Readings that were dropped.",
    "reopenings": "Tries to open it again.",
    "lost": "Samples that could not be published before it was stopped.",
    "blocked": "Times it held up all other sources.",
}


def _of_sources(states: list[State], now: datetime) -> Iterable[Family]:
    by_status = dict.fromkeys((status.value for status in Status), 0)
    for state in states:
        by_status[state.status] = by_status.get(state.status, 0) + 1
    yield Family(
        "sources",
        "Sources by how they do.",
        [({"status": status}, count) for status, count in by_status.items()],
    )
    for word in COUNTS:
        rows = [(_named(state), float(state.counts[word])) for state in states]
        yield Family(f"source_{word}_total", _ABOUT[word], rows)
    yield Family(
        "source_refused_total",
        "Numbers that were not believed.",
        [
            ({**_named(state), "reason": reason}, count)
            for state in states
            for reason, count in sorted(state.refused.items())
        ],
    )
    yield Family(
        "source_last_good_age_seconds",
        "Since the last good run.",
        [
            (_named(state), (now - state.last_good).total_seconds())
            for state in states
            if state.last_good
        ],
    )


def _named(state: State) -> Labels:
    return {"publisher": state.publisher, "source": state.name, "kind": state.kind}


def _of_recording() -> Iterable[Family]:
    of = {"publisher": ""}
    known = counted.recorded()
    for word, about in {
        "batches": "Batches recorded.",
        "samples": "Samples recorded.",
        "lost": "Batches lost before they were recorded.",
    }.items():
        rows = [({**of, "publisher": name}, getattr(row, word)) for name, row in known.items()]
        yield Family(f"recorded_{word}_total", about, rows)
    yield Family(
        "recorder_refused_total",
        "Samples that the recorder did not believe.",
        [({"reason": reason}, count) for reason, count in counted.not_recorded().items()],
    )


def _of_publishers(now: datetime) -> Iterable[Family]:
    rows, now_ms = counted.publishers(), to_ms(now)
    yield Family(
        "publisher_behind",
        "Batches it has that are not recorded yet.",
        [({"publisher": row.publisher}, max(row.last - row.acknowledged, 0)) for row in rows],
    )
    yield Family(
        "publisher_heard_age_seconds",
        "Since it was heard.",
        [({"publisher": row.publisher}, (now_ms - row.heard_ms) / 1000) for row in rows],
    )
    yield Family(
        "publisher_count_total",
        "What a publisher elsewhere counted, as it says itself.",
        [
            ({"publisher": row.publisher, "part": part, "what": what}, number)
            for row in rows
            for part, words in sorted(row.counts.items())
            for what, number in sorted(words.items())
            if part not in {"process", "journal"}
        ],
    )
    for what, about in {"bytes": "Size of its journal.", "waiting": "Batches in it."}.items():
        yield Family(
            f"publisher_journal_{what}",
            about,
            [
                ({"publisher": row.publisher}, row.counts["journal"][what])
                for row in rows
                if what in row.counts.get("journal", {})
            ],
        )


def _of_parts() -> Iterable[Family]:
    services, rest, process, links = [], [], dict[str, float](), dict[str, float]()
    for part, words in counted.parts().items():
        if part == "process":
            process = words
        elif part == counted.LINKS:
            links = words
        elif part.startswith("service "):
            services.append((part.removeprefix("service "), words))
        else:
            rest += [({"part": part, "what": what}, each) for what, each in sorted(words.items())]
    yield Family(
        "service_running",
        "1 while a service runs, 0 while it waits to be started again.",
        [({"service": name}, words["running"]) for name, words in services],
    )
    yield Family(
        "service_failures_total",
        "How often a service failed.",
        [({"service": name}, words["failures"]) for name, words in services],
    )
    yield Family(
        "endpoint_up",
        "1 while an endpoint that is followed is connected to.",
        [({"endpoint": at}, float(link == Link.UP)) for at, link in sorted(links.items())],
    )
    yield Family("counted_total", "What the parts of this house counted, by word.", rest)
    yield Family("process_cpu_seconds_total", "CPU time.", _one(process, "cpu_s"))
    yield Family("process_memory_bytes", "Memory at present.", _one(process, "memory_bytes"))


def _one(words: dict[str, float], word: str) -> list[tuple[Labels, float]]:
    return [({}, words[word])] if word in words else []
