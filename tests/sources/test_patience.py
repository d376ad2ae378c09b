from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterhouse.sources.runner.patience import Patience, Rhythm


@pytest.mark.parametrize(("failures", "longest"), [(1, 1), (2, 2), (3, 4), (7, 60), (5000, 60)])
def test_a_pause_doubles_up_to_its_ceiling(failures: int, longest: float) -> None:
    pauses = [Patience().pause(failures, Random(seed)) for seed in range(50)]
    assert all(0.75 * longest <= pause <= longest for pause in pauses)
    assert len(set(pauses)) > 1  # what failed together is not tried together


@given(st.integers(0, 1000), st.integers(1, 900_000), st.floats(0, 1e6))
def test_every_interval_has_one_reading(seed: int, interval_ms: int, start: float) -> None:
    interval = interval_ms / 1000
    rhythm = Rhythm(timedelta(seconds=interval), Random(seed))
    moments = [start]
    for _ in range(20):
        moments.append(rhythm.after(moments[-1]))
    assert start < moments[1] <= start + interval * 1.06
    assert moments[-1] - moments[1] == pytest.approx(19 * interval, abs=0.06 * interval)


def test_a_reading_longer_than_the_interval_skips_what_it_missed() -> None:
    rhythm = Rhythm(timedelta(seconds=10), Random(1))
    first = rhythm.after(100.0)
    assert 0 < rhythm.after(first + 35) - (first + 35) < 11


def test_the_same_seed_gives_the_same_rhythm() -> None:
    rhythms = [Rhythm(timedelta(seconds=10), Random(7)) for _ in range(2)]
    assert rhythms[0].after(5.0) == rhythms[1].after(5.0)


def test_sources_of_one_interval_do_not_march_in_step() -> None:
    chance = Random(3)
    moments = [Rhythm(timedelta(seconds=1), chance).after(0.0) for _ in range(100)]
    assert min(moments) < 0.1
    assert max(moments) > 0.9
