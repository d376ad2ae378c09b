"""Batches that the tests of the bus send to each other."""

import numpy as np

from meterhouse.metering.batches import Batch
from meterhouse.metering.samples import Columns, Series
from meterhouse.metering.snapshots import Project, Resource, Snapshot, State, User

SECRET = b"Change This Or Be Hacked"
NOON_MS = 1_777_636_800_000


def power(*watts: float, at_ms: int = NOON_MS, names: tuple[str, ...] = ()) -> Columns:
    """One reading of each of so many wattmeters."""
    names = names or tuple(f"dc/outlet-{number}" for number in range(len(watts)))
    return Columns(
        tuple(Series(name, "power", 3000) for name in names),
        np.arange(len(watts), dtype=np.uint32),
        np.full(len(watts), at_ms, np.int64),
        np.array(watts, np.float64),
    )


def debian() -> tuple[Snapshot, ...]:
    """What a source lists of Alice's project, Bob's sub-project and one server."""
    projects = (
        Project(id="1", name="debian", shares={"osl": 3}),
        Project(id="2", name="cd", parent="1"),
    )
    users = (User(id="a", name="Alice", email="alice@osl.example", projects=("1",)),)
    servers = (
        Resource(
            id="cloud/7",
            kind="instance",
            name="cd-builder",
            project="2",
            user="b",
            state=State.RUNNING,
            vcpus=2,
            ram_bytes=2**31,
            tags=("ci",),
            details={"flavor": "m1.small"},
        ),
    )
    return tuple(
        Snapshot(source="cloud", kind=kind, at_ms=NOON_MS, complete=True, objects=objects)
        for kind, objects in (("project", projects), ("user", users), ("instance", servers))
    )


def batch(sequence: int = 1, samples: Columns | None = None) -> Batch:
    return Batch(
        publisher="osl-dc1",
        epoch=NOON_MS,
        sequence=sequence,
        sent_ms=NOON_MS + sequence,
        samples=power(212.4, 80.0) if samples is None else samples,
    )


def same(one: Columns, other: Columns) -> bool:
    return (
        one.series == other.series
        and np.array_equal(one.key, other.key)
        and np.array_equal(one.at, other.at)
        and np.array_equal(one.value, other.value, equal_nan=True)
    )
