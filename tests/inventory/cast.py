"""Alice runs debian at osl, Bob is in debian/cd below it, Carol has something else elsewhere."""

from collections.abc import Sequence

from meterhouse.metering.periods import EPOCH, Period, from_ms
from meterhouse.metering.snapshots import (
    Institution,
    Project,
    Resource,
    Snapshot,
    SnapshotObject,
    State,
    User,
)

T0 = 1_777_636_800_000
"""2026-05-01 12:00 UTC in milliseconds."""

QUARTER = 900_000
GIB = 2**30
ALWAYS = Period(EPOCH, from_ms(T0 + 10 * 365 * 86_400_000))


def at(quarter: int) -> int:
    """The moment so many quarters of an hour after T0."""
    return T0 + quarter * QUARTER


def snapshot(
    kind: str,
    at_ms: int,
    objects: Sequence[SnapshotObject],
    *,
    complete: bool = True,
    source: str = "cloud",
) -> Snapshot:
    return Snapshot(
        source=source, kind=kind, at_ms=at_ms, complete=complete, objects=tuple(objects)
    )


def instance(name: str, **values: object) -> Resource:
    given: dict[str, object] = {
        "id": f"cloud/{name}",
        "kind": "instance",
        "name": name,
        "state": State.RUNNING,
        "vcpus": 2,
        "ram_bytes": 4 * GIB,
        "disk_bytes": 20 * GIB,
    }
    return Resource(**(given | values))  # type: ignore[arg-type]


OSL = Institution(id="i-osl", name="Open Source Lab")
NSF = Institution(id="i-nsf", name="NSF")
DEBIAN = Project(id="p-debian", name="Debian", shares={"i-osl": 3, "i-nsf": 1})
CD = Project(id="p-cd", name="CD", parent="p-debian")
MOON = Project(id="p-moon", name="Moon", shares={"i-nsf": 1})
ALICE = User(id="u-alice", name="Alice", email="alice@example.org", projects=("p-debian",))
BOB = User(id="u-bob", name="Bob", projects=("p-cd",))
CAROL = User(id="u-carol", name="Carol", projects=("p-moon",))
MIRROR = instance("mirror", project="p-debian", user="u-alice")
BUILDER = instance("builder", project="p-cd", user="u-bob", vcpus=8)
ROCKET = instance("rocket", project="p-moon", user="u-carol")


def everybody(at_ms: int) -> list[Snapshot]:
    """One complete look at the cast's cloud."""
    return [
        snapshot("institution", at_ms, [OSL, NSF]),
        snapshot("project", at_ms, [CD, DEBIAN, MOON]),
        snapshot("user", at_ms, [ALICE, BOB, CAROL]),
        snapshot("instance", at_ms, [MIRROR, BUILDER, ROCKET]),
    ]


NOW = from_ms(T0)
