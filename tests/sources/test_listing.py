from meterhouse.metering.snapshots import Resource
from meterhouse.sources import Listing

NODE = Resource(id="here/alice", kind="node", name="alice")
GROWN = Resource(id="here/alice", kind="node", name="alice", vcpus=2)


def test_what_changes_is_listed_at_once() -> None:
    listing = Listing("here", "node")
    assert [len(listing.of([each], at)) for each, at in ((NODE, 1), (NODE, 2), (GROWN, 3))] == [
        1,
        0,
        1,
    ]


def test_nothing_is_listed_as_well() -> None:
    (snapshot,) = Listing("here", "node").of([], 1)
    assert (snapshot.objects, snapshot.complete) == ((), True)


def test_a_clock_that_steps_back_does_not_silence_a_source() -> None:
    listing = Listing("here", "node")
    assert listing.of([NODE], 10_000_000)
    assert listing.of([NODE], 1)
