"""Runs come out the same in whatever order the moments are worked in."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from meterhouse.inventory.facts import FOREVER
from meterhouse.inventory.runs import Moment, Run, Seen, begin, insert

MADE = 25
"""When the thing says it was made, between the second moment and the third."""

histories = st.lists(st.one_of(st.none(), st.sampled_from("abc")), min_size=1, max_size=12)


def moment(at: int, taken: set[int], *, complete: bool = True) -> Moment:
    before = max((each for each in taken if each < at), default=None)
    after = min((each for each in taken if each > at), default=FOREVER)
    return Moment(at, before, after, complete)


def work(history: list[str | None], order: list[int], since: int = MADE) -> list[Run]:
    """Work in a history, one value every ten, in the order given."""
    runs: list[Run] = []
    taken: set[int] = set()
    for place in order:
        at, value = 10 * place, history[place]
        seen = Seen((value,), since) if value else None
        runs = insert(runs, moment(at, taken), seen)
        taken.add(at)
    return runs


@given(histories, st.data())
def test_the_order_of_arrival_does_not_matter(
    history: list[str | None], data: st.DataObject
) -> None:
    order = list(range(len(history)))
    shuffled = data.draw(st.permutations(order))
    assert work(history, shuffled) == work(history, order)


@given(histories, st.sampled_from([0, MADE]))
def test_runs_say_what_was_seen(history: list[str | None], since: int) -> None:
    runs = work(history, list(range(len(history))), since)
    for place, value in enumerate(history):
        at = 10 * place
        (covering,) = [run.value for run in runs if run.seen_ms <= at < run.end_ms] or [(None,)]
        assert covering == (value,)


@given(histories, st.data())
def test_runs_follow_each_other_and_begin_where_nothing_else_was(
    history: list[str | None], data: st.DataObject
) -> None:
    runs = work(history, data.draw(st.permutations(range(len(history)))))
    for earlier, later in pairwise(runs):
        assert earlier.start_ms <= earlier.seen_ms < earlier.end_ms <= later.start_ms
        assert earlier.end_ms < later.seen_ms or earlier.value != later.value


def test_the_same_again_changes_nothing() -> None:
    runs = work(["a", "b", None, "a"], [0, 1, 2, 3])
    taken = {0, 10, 20, 30}
    for at, value in ((0, "a"), (10, "b"), (30, "a")):
        assert insert(runs, moment(at, taken), Seen((value,), MADE)) == runs
    assert insert(runs, moment(20, taken), None) == runs


def test_a_run_keeps_its_row_when_its_end_moves() -> None:
    run = Run(10, FOREVER, ("a",), 10, id=7)
    kept, new = insert([run], moment(30, {10, 20}), Seen(("b",)))
    assert (kept.id, kept.end_ms, new.id, new.seen_ms) == (7, 30, 0, 30)


def test_an_incomplete_list_settles_nothing_about_the_time_before() -> None:
    runs = insert([], moment(30, {20}), Seen(("a",), 5))
    assert [run.start_ms for run in runs] == [20]
    (run,) = insert(runs, moment(25, {20, 30}, complete=False), Seen(("a",), 5))
    assert (run.seen_ms, run.start_ms) == (25, 20)


def test_a_late_list_without_it_moves_a_beginning_forward() -> None:
    (run,) = insert([], moment(30, {10}), Seen(("a",), 5))
    assert run.start_ms == 10
    (run,) = insert([run], moment(20, {10, 30}), None)
    assert run.start_ms == 20


def test_something_new_begins_no_earlier_than_somebody_watched() -> None:
    assert begin(30, 0, 10) == 30
    assert begin(30, 5, None) == 30
    assert begin(30, 5, 10) == 10
    assert begin(30, 20, 10) == 20
    assert begin(30, 40, 10) == 30
