"""What a publisher says of itself arrives whole, or is refused."""

from dataclasses import replace

import pytest
from tests.conftest import NOON

from meterhouse.metering.errors import BadMessage
from meterhouse.sources.runner import SourceState, Status
from meterhouse.station.telling import LARGEST_BYTES, Said, pack, process_counts, unpack

STATE = SourceState(
    name="rack",
    kind="dummy",
    status=Status.FAILING,
    last_run=NOON,
    last_good=None,
    next_run=NOON,
    error="10.0.0.7: no answer",
    samples=12,
    bad_readings=1,
    reopenings=2,
    failures=3,
    lost=4,
    refused={"negative": 5},
    blocked=6,
)


def test_what_is_packed_comes_out_again() -> None:
    said = Said([STATE], {"bus": {"batches": 3.0}})
    assert unpack(pack(said)) == said


@pytest.mark.parametrize("garbage", [b"", b"no zlib", pack(Said([STATE], {}))[:-3]])
def test_what_is_not_whole_is_refused(garbage: bytes) -> None:
    with pytest.raises(BadMessage, match="format"):
        unpack(garbage)


def test_what_would_fill_the_memory_is_refused() -> None:
    with pytest.raises(BadMessage, match="more than"):
        unpack(pack(Said([replace(STATE, error="x" * LARGEST_BYTES)], {})))


def test_a_process_knows_what_it_uses() -> None:
    used = process_counts()
    assert used["cpu_s"] > 0
    assert used["memory_bytes"] > 1e6
