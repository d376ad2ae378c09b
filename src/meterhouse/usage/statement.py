"""The statement: who used what in a period, along any axis, always with the same total."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import numpy as np

from meterhouse.inventory.facts import Tree
from meterhouse.inventory.scope import Scope
from meterhouse.metering.meters import POWER
from meterhouse.metering.periods import Period
from meterhouse.usage.atoms import Atoms, attribute, total
from meterhouse.usage.counting import NOTES
from meterhouse.usage.cutting import Pieces, cut
from meterhouse.usage.estate import Estate
from meterhouse.usage.explaining import energy_notes
from meterhouse.usage.gaps import Gap, silences
from meterhouse.usage.ledger import Ledger
from meterhouse.usage.loading import load
from meterhouse.usage.quantities import Quantities
from meterhouse.usage.question import Question, choose
from meterhouse.usage.report import Axis, Report
from meterhouse.usage.shares import NOBODY, funding_in

__all__ = ["Axis", "statement"]


def statement(
    period: Period,
    *,
    by: Axis,
    institution: str | None = None,
    project: str | None = None,
    scope: Scope,
    now: datetime,
    using: str = "reports",
) -> Report:
    """Add up what was used in a period.

    institution: key of the one whose part is asked for; None: everybody's
    project:     key of the one asked for, with its sub-projects; None: all
    scope:       whose eyes it is for: they see their part, and sums of it

    Raises Mistake for an institution or project that is not there or not theirs to see.
    """
    question = Question(
        period=period, by=by, institution=institution, project=project, scope=scope, now=now
    )
    return answer(question, load(question, using))


def answer(question: Question, estate: Estate) -> Report:
    """Compute the report. The estate holds the part of the period that has been."""
    counted = question.counted
    order = {each: named.key for each, named in estate.names.institutions.items()}
    whole = Tree(counted.start_ms, counted.end_ms, estate.names.parents)
    funded = funding_in(estate.trees or (whole,), estate.shares, order)
    spread = estate.energize(cut(estate.stretches, funded))
    pieces, tariff = spread.pieces, estate.tariff
    atoms = attribute(spread, silences(estate.gaps), tariff)
    ledger = choose(question, atoms, estate.names)
    used = total(ledger.atoms)
    silent = _gaps(question, (*estate.gaps, *spread.gaps), ledger.atoms)
    return Report(
        title=f"Usage by {question.by}",
        subject=_subject(question, ledger),
        by=question.by,
        period=question.period,
        until=counted.end,
        generated_at=question.now,
        rows=tuple(ledger.rows(question.by)),
        total=used,
        gaps=tuple(gap for gap in silent if not gap.before_first),
        notes=(
            *_notes(question, ledger, pieces, used, silent),
            *energy_notes(used, tariff),
            *(spread.notes if question.is_all else ()),
            *NOTES,
        ),
    )


def _gaps(question: Question, gaps: Sequence[Gap], atoms: Atoms) -> tuple[Gap, ...]:
    """The gaps of what is in the report; of every source, if nothing is left out of it."""
    there = {atoms.origins[number] for number in np.unique(atoms.origin)}
    there |= {(source, POWER.name) for source, _ in there}
    return tuple(
        sorted(
            (gap for gap in gaps if question.is_all or (gap.source, gap.kind) in there),
            key=lambda gap: (gap.period, gap.source, gap.kind),
        )
    )


def _subject(question: Question, ledger: Ledger) -> str:
    parts = []
    if question.institution is not None:
        named = {each.key: each.name for each in ledger.names.institutions.values()}
        parts.append(named.get(question.institution, "Unassigned"))
    if question.project is not None:
        keys = {each.key: number for number, each in ledger.names.projects.items()}
        parts.append(ledger.paths[keys.get(question.project, NOBODY)])
    everything = "All institutions" if question.scope.everything else "All that is yours"
    return ", ".join(parts) or everything


def _notes(
    question: Question, ledger: Ledger, pieces: Pieces, used: Quantities, gaps: tuple[Gap, ...]
) -> Iterator[str]:
    """What is particular to this report."""
    if question.counted.end < question.period.end:
        yield f"The period is not over: usage is counted until {question.counted.end:%F %T} UTC."
    if not question.scope.everything:
        yield "Only what its reader may see is in this report, and in its sums."
    if any(len(plan) > 1 for plan in pieces.plans):
        yield (
            "Shared projects are split over institutions by the shares in force at each moment, "
            "to the second, the byte-second and the millijoule, by largest remainder."
        )
    if NOBODY in ledger.atoms.institution:
        yield "Unassigned is what belongs to projects that no institution has a share in."
    yield from _coverage_notes(used, gaps, question.counted.end)


def _coverage_notes(used: Quantities, gaps: tuple[Gap, ...], until: datetime) -> Iterator[str]:
    if used.measured_ms == 0:
        yield "Energy is unknown: no power was measured here."
    elif used.unmeasured_ms:
        yield (
            "Energy is what was measured. The time in which power could be drawn was not all "
            "metered: the rest is unknown, and is not in the figures."
        )
    for first, sources in sorted(_first_read(gaps).items()):
        names = ", ".join(sorted(sources))
        if first < until:
            yield (
                f"Read for the first time at {first:%F %T} UTC: {names}. "
                "What was there before is unknown."
            )
        else:
            yield f"Not read yet in this period: {names}. What was there is unknown."
    if any(gap.kind == POWER.name for gap in gaps):
        yield (
            "In gaps of power a source's meters said nothing for a minute or longer; shorter "
            "ones are in the coverage alone."
        )
    if not all(gap.before_first or gap.kind == POWER.name for gap in gaps):
        yield (
            "In the gaps listed, a source did not say what exists. What was there before and "
            "after is counted as having been there all the time; what came and went is unknown."
        )


def _first_read(gaps: tuple[Gap, ...]) -> dict[datetime, set[str]]:
    """When sources were read for the first time, if that was in the period."""
    found: dict[datetime, set[str]] = {}
    for gap in gaps:
        if gap.before_first:
            found.setdefault(gap.period.end, set()).add(gap.source)
    return found
