"""What is worked out once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest

from meterhouse.live.once import Once


def kept(most: int = 100) -> Once[str]:
    return Once(most, len)


def test_a_value_stands_for_its_time_and_is_then_made_anew() -> None:
    cache, made = kept(), iter(["first", "second"])
    found = [cache.get("a", lambda: next(made), now=now, keep=10) for now in (0, 9.9, 10)]
    assert found == ["first", "first", "second"]


def test_a_value_may_say_itself_how_long_it_stands() -> None:
    cache, made = kept(), iter(["abc", "d"])
    found = [cache.get("a", lambda: next(made), now=now, keep=len) for now in (0, 2.9, 3)]
    assert found == ["abc", "abc", "d"]


def test_two_who_ask_at_once_share_one_making() -> None:
    cache, asked, go = kept(), Barrier(3), Event()
    makings = []

    def make() -> str:
        makings.append(1)
        go.wait(10)
        return "shared"

    def ask() -> str:
        asked.wait(10)
        return cache.get("a", make, now=0, keep=10)

    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(ask) for _ in range(2)]
        asked.wait(10)
        go.set()
        assert [answer.result(10) for answer in answers] == ["shared", "shared"]
    assert len(makings) == 1


def test_a_failure_is_nobody_elses() -> None:
    cache = kept()

    def fail() -> str:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        cache.get("a", fail, now=0, keep=10)
    assert cache.get("a", lambda: "well", now=0, keep=10) == "well"


def test_memory_is_bounded_and_what_was_not_used_goes_first() -> None:
    cache = kept(most=10)
    for key in ("a", "b", "a", "c"):
        cache.get(key, lambda: "1234", now=0, keep=100)
    assert len(cache) == 2
    assert cache.bytes == 8
    assert cache.get("a", lambda: "anew", now=0, keep=100) == "1234"
    assert cache.get("b", lambda: "anew", now=0, keep=100) == "anew"


def test_a_value_larger_than_all_memory_is_handed_out_and_not_kept() -> None:
    cache = kept(most=3)
    assert cache.get("a", lambda: "12345", now=0, keep=100) == "12345"
    assert cache.bytes == 0
