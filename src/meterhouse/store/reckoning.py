"""Answers questions about stretches of time: plans them, fetches what they need, works it out."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import numpy as np

from meterhouse.metering.meters import Kind
from meterhouse.store import blocks, heads, raw
from meterhouse.store.blocks import WIDTH_MS, Granularity, Span
from meterhouse.store.bridging import SETTLED_MS
from meterhouse.store.folding import Floats, Ints, Rows, fold, gather, share
from meterhouse.store.merging import Part, by_series
from meterhouse.store.planning import Piece, pieces
from meterhouse.store.shelves import Shelf
from meterhouse.store.states import State, hour_of

RAW, MINUTE, HOUR = Granularity
COLUMNS = frozenset(field.name for field in fields(Rows))
_EVER = np.iinfo(np.int64).max
_SUMS = frozenset({"start", "integral", "covered_ms"})
_GROWTH = frozenset({"start", "increase", "covered_ms"})


@dataclass(frozen=True, slots=True)
class Question:
    """A stretch of one series, and the coarsest granularity that may answer it."""

    state: State
    start_ms: int
    end_ms: int
    coarsest: Granularity


Fresh = Mapping[int, Part]


def fresh(cursor: Any, questions: Sequence[Question]) -> Fresh:
    """What the head holds of the series asked for.

    Fetched before any block: sealing moves samples from head to blocks, so those that move in
    between are seen twice and merged, where the other order would not see them at all.
    """
    ids = {question.state.id for question in questions}
    start_ms = min((_matters_from(question) for question in questions), default=0)
    end_ms = max((_matters_until(question) for question in questions), default=0)
    samples = heads.within(cursor, start_ms, end_ms, ids)
    return {part.series: part for part in by_series(samples)}


def _matters_from(question: Question) -> int:
    """The oldest moment at which a reading can change the answer."""
    state = question.state
    return 0 if state.kind is Kind.CUMULATIVE else state.reach(question.start_ms)


def _matters_until(question: Question) -> int:
    return _EVER if question.state.bridges else question.end_ms


def rows(cursor: Any, question: Question, cuts: Ints, fresh: Fresh) -> Rows:
    """The buckets between cuts; the first is the question's start and the last its end."""
    return next(rows_of(cursor, [(question, cuts)], fresh))


def rows_of(
    cursor: Any,
    asked: Sequence[tuple[Question, Ints]],
    fresh: Fresh,
    wanted: Collection[str] = COLUMNS,
) -> Iterator[Rows]:
    """The buckets of many questions, each between its cuts; few queries whatever their number.

    wanted: columns that are looked at; of the others, what is read from coarser rows holds zeros
    """
    plans = [list(_plan(cursor, question, fresh)) for question, _ in asked]
    needed = [
        (q.state, piece) for (q, _), plan in zip(asked, plans, strict=True) for piece in plan
    ]
    shelves = _Shelves(cursor, needed, partial(blocks.rows, wanted=frozenset(wanted)))
    for (question, cuts), plan in zip(asked, plans, strict=True):
        parts = [
            _folded(cursor, question.state, piece, cuts, shelves=shelves, fresh=fresh)
            for piece in plan
        ]
        yield parts[0] if len(parts) == 1 else gather(Rows.join(parts), cuts)


def _folded(
    cursor: Any, state: State, piece: Piece, cuts: Ints, *, shelves: "_Shelves", fresh: Fresh
) -> Rows:
    """One piece as buckets between those cuts that lie in it."""
    inner = cuts[(cuts > piece.start_ms) & (cuts < piece.end_ms)]
    edges = np.concatenate(([piece.start_ms], inner, [piece.end_ms])).astype(np.int64)
    span = Span(state.id, piece.start_ms, piece.end_ms)
    if piece.granularity is RAW:
        at, value = raw.standing(cursor, state, span, shelves.raw, fresh)
        hold_ms = state.holds_at(at)
        return fold(at, value, edges, hold_ms=hold_ms, kind=state.kind, bridges=state.bridges)
    return gather(shelves.rows(piece, span, edges), edges)


def integrals(
    cursor: Any, questions: Sequence[Question], fresh: Fresh
) -> Iterator[tuple[float, int]]:
    """Value x seconds, and for how many milliseconds a reading stood, of each question."""
    plans = [list(_plan(cursor, question, fresh)) for question in questions]
    asked = [(q.state, piece) for q, plan in zip(questions, plans, strict=True) for piece in plan]
    shelves = _Shelves(cursor, asked, partial(blocks.rows, wanted=_SUMS))
    for question, plan in zip(questions, plans, strict=True):
        integral, covered = 0.0, 0
        for piece in plan:
            more = _total(question.state, piece, shelves, fresh)
            integral, covered = integral + more[0], covered + more[1]
        yield integral, covered


def _plan(cursor: Any, question: Question, fresh: Fresh) -> Iterator[Piece]:
    state = question.state
    closed_ms = _closed(cursor, state, fresh)
    return pieces(question.coarsest, question.start_ms, question.end_ms, state, closed_ms)


def _closed(cursor: Any, state: State, fresh: Fresh) -> int:
    """Before when minutes and hours hold everything: not where late samples wait in the head."""
    part = fresh.get(state.id)
    if part is None:
        return state.folded_ms
    late = int(np.searchsorted(part.at, state.pruned_ms))
    if late == len(part.at) or not state.remakes(int(part.at[late])):
        return state.folded_ms
    first = int(part.at[late])
    if state.bridges:  # what was spread since the reading before is to be spread anew
        first -= SETTLED_MS
        first = raw.last_before(cursor, state, first, fresh) or first
    return min(state.folded_ms, hour_of(first))


class _Shelves:
    """All blocks that a list of pieces needs: one fetch for each granularity."""

    def __init__(self, cursor: Any, asked: Sequence[tuple[State, Piece]], decode: Any) -> None:
        wanted: dict[Granularity, list[tuple[State, Span]]] = {each: [] for each in Granularity}
        for state, piece in asked:
            span = Span(state.id, piece.start_ms, piece.end_ms)
            wanted[piece.granularity].append((state, span))
        self.raw = raw.shelf_for(cursor, wanted[RAW])
        self._coarse: dict[Granularity, Shelf[Rows]] = {
            each: Shelf(blocks.touching(cursor, each, [span for _, span in wanted[each]]), decode)
            for each in (MINUTE, HOUR)
        }

    def rows(self, piece: Piece, span: Span, edges: Ints) -> Rows:
        """The buckets of a piece, cut where an edge falls into one."""
        found = self._coarse[piece.granularity].contents(span)
        if not found:
            return Rows.none()
        width = WIDTH_MS[piece.granularity]
        whole = Rows.join(found)
        low, high = np.searchsorted(whole.start, (span.start_ms - width + 1, span.end_ms))
        return share(whole.take(slice(low, high)), width, edges)


def increases(
    cursor: Any, questions: Sequence[Question], fresh: Fresh
) -> Iterator[tuple[float, int]]:
    """How much a cumulative meter grew, and how much of the time is covered, of each question."""
    cuts = [np.array([q.start_ms, q.end_ms], np.int64) for q in questions]
    asked = list(zip(questions, cuts, strict=True))
    for found in rows_of(cursor, asked, fresh, _GROWTH):
        yield float(found.increase[0]), int(found.covered_ms[0])


def _total(state: State, piece: Piece, shelves: _Shelves, fresh: Fresh) -> tuple[float, int]:
    span = Span(state.id, piece.start_ms, piece.end_ms)
    if piece.granularity is RAW:
        longer = raw.reaching_back(state, span)
        at, value = raw.with_fresh(raw.within(shelves.raw, longer), state, longer, fresh)
        return _integral(at, value, state.holds_at(at), span)
    found = shelves.rows(piece, span, np.array(span[1:], np.int64))
    return float(found.integral.sum()), int(found.covered_ms.sum())


def _integral(at: Ints, value: Floats, hold_ms: "int | Ints", span: Span) -> tuple[float, int]:
    if not len(at):
        return 0.0, 0
    until = np.minimum(np.append(at[1:], span.end_ms), at + hold_ms)
    stands = np.minimum(until, span.end_ms) - np.maximum(at, span.start_ms)
    np.maximum(stands, 0, out=stands)
    return float(value @ stands) / 1000, int(stands.sum())
