"""Who funds what, since when: dated shares along the project tree, and the exact split."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from meterhouse.inventory.facts import ShareRow, Tree
from meterhouse.metering.periods import Period

Whole = NDArray[np.int64] | NDArray[np.object_]
"""Whole numbers: int64 where they fit for certain, else Python's own, in an object array."""

Plan = tuple[tuple[int, int], ...]
"""Who funds a project at one moment: (institution's id, weight > 0), in order of their keys."""

NOBODY = 0
"""Stands for the institution, project or user that there is none of; no row has this id."""

UNFUNDED: Plan = ((NOBODY, 1),)


@dataclass(frozen=True, slots=True)
class Funded:
    """A stretch of time in which who funds a project does not change."""

    start_ms: int
    end_ms: int
    plan: Plan


def funding(
    parents: Mapping[int, int | None],
    shares: Iterable[ShareRow],
    order: Mapping[int, str],
    period: Period,
) -> dict[int, tuple[Funded, ...]]:
    """Say for every project, and for NOBODY, who funds it when in the period.

    parents: project to parent, None at the top
    order:   institution to key: ties of the split go by it

    The stretches of a project follow each other from the period's start to its end. At any
    moment it is funded by its own shares or, where it has none then, its nearest ancestor's.
    """
    mine: dict[int, list[ShareRow]] = {}
    for share in shares:
        if share.weight > 0 and share.start_ms < period.end_ms and share.end_ms > period.start_ms:
            mine.setdefault(share.project_id, []).append(share)
    found: dict[int, tuple[Funded, ...]] = {
        NOBODY: (Funded(period.start_ms, period.end_ms, UNFUNDED),)
    }
    for project in parents:
        chain = [mine[each] for each in _upwards(project, parents) if each in mine]
        found[project] = tuple(_stretches(chain, order, period))
    return found


def funding_in(
    trees: Sequence[Tree], shares: Sequence[ShareRow], order: Mapping[int, str]
) -> dict[int, tuple[Funded, ...]]:
    """The same where projects move: funding comes down the tree that stands at each moment.

    trees: one after the other, without a hole, of the same projects
    """
    found: dict[int, list[Funded]] = {}
    for tree in trees:
        period = Period.from_ms(tree.start_ms, tree.end_ms)
        for project, stretches in funding(tree.parents, shares, order, period).items():
            mine = found.setdefault(project, [])
            for each in stretches:
                _join(mine, each)
    return {project: tuple(stretches) for project, stretches in found.items()}


def _join(stretches: list[Funded], following: Funded) -> None:
    """Append one; where the plan stays the same, the last goes on instead."""
    if stretches and stretches[-1].plan == following.plan:
        following = Funded(stretches.pop().start_ms, following.end_ms, following.plan)
    stretches.append(following)


def _upwards(project: int, parents: Mapping[int, int | None]) -> Iterable[int]:
    at: int | None = project
    passed: set[int] = set()
    while at is not None and at not in passed:  # moves dated by different clocks can cross
        yield at
        passed.add(at)
        at = parents[at]


def _stretches(
    chain: Sequence[Sequence[ShareRow]], order: Mapping[int, str], period: Period
) -> Iterable[Funded]:
    """Cut the period where any share in the chain begins or ends; join what stays the same."""
    moments = {moment for shares in chain for s in shares for moment in (s.start_ms, s.end_ms)}
    inside = {moment for moment in moments if period.start_ms < moment < period.end_ms}
    begun, last = period.start_ms, None
    for start, end in pairwise(sorted({period.start_ms, period.end_ms, *inside})):
        plan = _plan(chain, order, start)
        if last not in (None, plan):
            yield Funded(begun, start, last or UNFUNDED)
            begun = start
        last = plan
        if end == period.end_ms:
            yield Funded(begun, end, plan)


def _plan(chain: Sequence[Sequence[ShareRow]], order: Mapping[int, str], at_ms: int) -> Plan:
    for shares in chain:
        weights: dict[int, int] = {}
        for share in shares:
            if share.start_ms <= at_ms < share.end_ms:
                weights[share.institution_id] = weights.get(share.institution_id, 0) + share.weight
        if weights:
            return tuple(sorted(weights.items(), key=lambda item: order[item[0]]))
    return UNFUNDED


def split(totals: Whole, weights: Whole) -> Whole:
    """Split each total by its weights so that the parts sum to it, by largest remainder.

    totals:  whole[n], none negative
    weights: whole[n, k], each > 0; of equal remainders the one that comes first gets the unit

    Returns whole[n, k].
    """
    # Below, rest x weight < whole x whole, which has to fit.
    if weights.astype(np.float64).sum(axis=1).max(initial=0) >= 2**31:
        weights = weights.astype(object)
    whole = weights.sum(axis=1, keepdims=True)
    times = totals[:, None] // whole
    rest = (totals[:, None] - times * whole).astype(weights.dtype)
    floor = rest * weights // whole
    remainder = rest * weights - floor * whole
    missing = rest - floor.sum(axis=1, keepdims=True)
    by_remainder = np.argsort(-remainder, axis=1, kind="stable")
    rank = np.argsort(by_remainder, axis=1, kind="stable")
    parts: Whole = times * weights + (floor + (rank < missing))
    return parts
