"""The cast's cloud as pages see it: owned, measured until now, and three people who log in.

Alice may see debian and what is below; Carol has the moon; root sees everything.
"""

from collections.abc import Sequence
from dataclasses import replace

from django.contrib.auth.models import User as Login
from django.test import Client
from tests.inventory.cast import everybody

from meterhouse.inventory.keep import keep
from meterhouse.metering.batches import Batch
from meterhouse.metering.clock import FixedClock, SystemClock
from meterhouse.metering.meters import CPU_TIME, POWER, Meter
from meterhouse.metering.periods import from_ms
from meterhouse.metering.samples import Columns, Sample
from meterhouse.metering.snapshots import Resource, Snapshot
from meterhouse.store.recorder import Recorder
from meterhouse.web.models import Grant, Person

PASSWORD = "correct horse battery"
HOUR_MS = 3_600_000
HOLD_MS = 15_000
OURS = ("mirror", "builder", "rocket")


def furnish() -> int:
    """Fill the house: two hours of history that end now. Returns now in milliseconds."""
    now_ms = SystemClock().now_ms()
    for ago in (2, 1, 0):
        keep(everybody(now_ms - ago * HOUR_MS))
    record([sample for name in OURS for sample in _readings(f"cloud/{name}", now_ms)], now_ms)
    return now_ms


def record(samples: Sequence[Sample], now_ms: int, *, sequence: int = 1) -> None:
    columns = Columns.of(samples, hold_ms=HOLD_MS)
    batch = Batch(publisher="cloud", epoch=1, sequence=sequence, sent_ms=now_ms, samples=columns)
    Recorder(lambda snapshots: None, clock=FixedClock(from_ms(now_ms))).record(batch)


def moved(snapshots: Sequence[Snapshot], resource: str, project: str) -> list[Snapshot]:
    """The same snapshots with one resource given to another project."""
    return [
        replace(
            snapshot,
            objects=tuple(
                replace(each, project=project, user="")
                if isinstance(each, Resource) and each.id == resource
                else each
                for each in snapshot.objects
            ),
        )
        for snapshot in snapshots
    ]


def logins() -> dict[str, Login]:
    """Everybody who may log in, by name."""
    root = Login.objects.create_superuser("root", password=PASSWORD)
    alice = Login.objects.create_user("alice", password=PASSWORD)
    carol = Login.objects.create_user("carol", password=PASSWORD)
    Grant.objects.create(login=alice, project="debian")
    Grant.objects.create(login=carol, project="moon")
    Person.objects.create(login=carol, user="carol")
    return {"root": root, "alice": alice, "carol": carol}


def session(login: Login) -> Client:
    client = Client()
    client.force_login(login)
    return client


def _readings(resource: str, now_ms: int) -> list[Sample]:
    """Ten minutes up to now, every five seconds: 100 W, and a CPU half busy."""
    moments = range(now_ms - 600_000, now_ms + 1, 5000)
    return [_sample(POWER, resource, 100.0, at) for at in moments] + [
        _sample(CPU_TIME, resource, (at - moments[0]) / 2000, at) for at in moments
    ]


def _sample(meter: Meter, resource: str, value: float, at_ms: int) -> Sample:
    return Sample(meter, resource, value, at_ms)
