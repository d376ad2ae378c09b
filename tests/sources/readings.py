"""What a reading says, as tests compare it."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import msgspec

from meterhouse.metering.clock import Clock
from meterhouse.sources import Configured, Reading, Source, configure
from meterhouse.sources.runner import Run, Runner

Opener = Callable[..., AbstractAsyncContextManager[Source]]


def figures(reading: Reading, meter: str) -> dict[str, float]:
    """Of one meter, what each resource has."""
    samples = reading.samples
    return {
        samples.series[key].resource: value
        for key, value in zip(samples.key.tolist(), samples.value.tolist(), strict=True)
        if samples.series[key].meter == meter
    }


def moments(reading: Reading) -> dict[str, int]:
    """When each resource was read."""
    samples = reading.samples
    return {
        samples.series[key].resource: at
        for key, at in zip(samples.key.tolist(), samples.at.tolist(), strict=True)
    }


def lines(reading: Reading) -> Iterator[str]:
    """A line a snapshot, followed by its resources; a line a sample; what was refused."""
    for snapshot in reading.snapshots:
        plain = msgspec.to_builtins(snapshot)
        objects = plain.pop("objects")
        yield json.dumps(plain)
        yield from map(json.dumps, objects)
    samples = reading.samples
    for key, at, value in zip(samples.key, samples.at, samples.value, strict=True):
        series = samples.series[key]
        yield json.dumps([series.resource, series.meter, float(value), int(at), series.hold_ms])
    if reading.refused:
        yield json.dumps(dict(reading.refused))


def configured(name: str, **table: Any) -> Configured:
    return configure(name, table, where="test")


async def run(made: Configured, clock: Clock) -> Run:
    """Open it, read it once and close it, as the runner does."""
    return await Runner(lambda samples, snapshots: None, clock).once(made)
