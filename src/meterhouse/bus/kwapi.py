"""Kwapi's own wire, for its drivers and plug-ins that exist: one reading, two frames.

    frame 0   the probe's id and a dot: a subscription to "A." is not one to probe AB
    frame 1   a JSON object
                probe_id            text
                w                   number, watts
                v, a                numbers, volts and amperes; optional
                message_signature   64 hexadecimal digits, if messages are signed

Grid'5000's Kwapi writes the second frame otherwise, and is understood as well:

                measure             number, in place of w
                data_type           {"name": "power", "type": "Gauge", "unit": "W"}
                timestamp, probes_names, ...   are not looked at

The signature is HMAC-SHA256 over the name and the text of every field but the signature itself,
sorted by name, nested names joined by colons, nothing between them. There is no time in it:
readings are stamped when they arrive, and an old message cannot be told from a new one. Use the
batches of envelope.py between Meterhouses.

Source: openstack-archive/kwapi, kwapi/security.py, kwapi/drivers/driver.py and
kwapi/plugins/__init__.py; SimonDelamare/kwapi-g5k @ f2261d4, kwapi/drivers/driver.py.
"""

import asyncio
import hmac
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import lru_cache
from hashlib import sha256
from types import TracebackType
from typing import Any, NamedTuple, Self

import numpy as np
import zmq

from meterhouse.bus.endpoints import Endpoint, bind, checked, opened
from meterhouse.bus.links import Link
from meterhouse.bus.subscription import Subscription
from meterhouse.metering.clock import Clock
from meterhouse.metering.errors import BadMessage
from meterhouse.metering.meters import CURRENT, POWER, VOLTAGE
from meterhouse.metering.samples import Columns, Series

__all__ = ["KwapiListener", "KwapiPublisher", "Power", "checked", "decode", "encode"]

EVERY = timedelta(milliseconds=200)
MOST_WAITING = 100_000
SIGNATURE = "message_signature"
WATTS = {"W": 1.0, "kW": 1000.0, "mW": 0.001}


class Power(NamedTuple):
    """A reading of a probe, in watts."""

    probe: str
    watts: float


def encode(
    probe: str,
    watts: float,
    volts: float | None = None,
    amps: float | None = None,
    *,
    secret: bytes | None,
) -> list[bytes]:
    """The two frames of a reading; secret None: not signed."""
    fields: dict[str, Any] = {"probe_id": probe, "w": _short(watts)}
    if volts is not None:
        fields["v"] = _short(volts)
    if amps is not None:
        fields["a"] = _short(amps)
    if secret is not None:
        fields[SIGNATURE] = _signature(fields, secret, _python_2)
    return [f"{probe}.".encode(), json.dumps(fields).encode()]


def decode(frames: Sequence[bytes], *, secret: bytes | None) -> Power:
    """The reading in a message; secret None: signatures are not looked at.

    Raises BadMessage: "format" (not two frames, no JSON object, no name), "signature", "missing"
    (no probe_id, w or measure), "other" (it measures something else than power), "power" (it is no
    finite number, or in a unit that is not known).
    """
    fields = _fields(frames)
    if secret is not None:
        _check(fields, secret)
    if "probe_id" not in fields or not fields.keys() & {"w", "measure"}:
        raise BadMessage("missing", "no probe_id, or neither w nor measure")
    probe = fields["probe_id"]
    if not isinstance(probe, str) or not probe or not probe.isprintable():
        raise BadMessage("format", f"{probe!r} is no probe's name")
    return Power(probe, _watts(fields["w"]) if "w" in fields else _measured(fields))


def _measured(fields: Mapping[str, Any]) -> float:
    """The watts of a message as Grid'5000 has it."""
    said = fields.get("data_type")
    kind = said if isinstance(said, dict) else {}
    if (name := kind.get("name", POWER.name)) != POWER.name:
        raise BadMessage("other", f"{name!r} is measured")
    unit = kind.get("unit") or "W"
    if not isinstance(unit, str) or unit not in WATTS:
        raise BadMessage("power", f"unit {unit!r}")
    return _watts(fields["measure"]) * WATTS[unit]


def _fields(frames: Sequence[bytes]) -> dict[str, Any]:
    if len(frames) != 2:
        raise BadMessage("format", f"{len(frames)} frames")
    try:
        fields = json.loads(frames[1])
    except (ValueError, RecursionError) as error:
        raise BadMessage("format", str(error)) from error
    if not isinstance(fields, dict):
        raise BadMessage("format", "no JSON object")
    return fields


def _watts(value: Any) -> float:
    try:
        watts = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise BadMessage("power", f"{value!r}") from error
    if not math.isfinite(watts):
        raise BadMessage("power", f"{value!r}")
    return watts


def _check(fields: Mapping[str, Any], secret: bytes) -> None:
    signature = fields.get(SIGNATURE)
    # Peers on Python 2 sign 12 digits of a float, ports to Python 3 as many as it needs.
    if not isinstance(signature, str) or not any(
        hmac.compare_digest(_signature(fields, secret, text).encode(), _bytes(signature))
        for text in (_python_2, str)
    ):
        raise BadMessage("signature")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _signature(fields: Mapping[str, Any], secret: bytes, text: Callable[[Any], str]) -> str:
    signing = hmac.new(secret, digestmod=sha256)
    for name, value in _flat(fields):
        if name != SIGNATURE:
            signing.update(_bytes(name))
            signing.update(_bytes(text(value)))
    return signing.hexdigest()


def _flat(fields: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Names and values sorted by name, the names of nested objects joined by colons."""
    for name, value in sorted(fields.items()):
        if isinstance(value, dict):
            for inner, content in _flat(value):
                yield f"{name}:{inner}", content
        else:
            yield name, value


def _python_2(value: Any) -> str:
    """The text of a value as Python 2 writes it: floats with 12 digits and always a point."""
    if not isinstance(value, float):
        return str(value)
    digits = f"{value:.12g}"
    return digits if any(sign in digits for sign in ".en") else f"{digits}.0"


def _short(value: float) -> float:
    """A number with 12 digits: then all peers write, and so sign, the same text."""
    return value if type(value) is int else float(f"{value:.12g}")


class KwapiListener:
    """Hears Kwapi's drivers or forwarders; use it as an asynchronous context and iterate.

    Yields the power samples that arrive within ``every`` of each other as Columns, stamped with
    their arrival. Their resource is the probe's id.

    addresses:  where to connect
    secret:     of the signatures; None: they are not looked at
    hold:       how long a reading stands for when no next one comes
    probes:     which probes to hear, or prefixes of theirs that end before a dot; none: all
    every:      readings are gathered for so long; one round of many probes becomes one batch
    most:       readings that may wait for a slow reader; then the oldest go, and are counted
    counts:     readings "heard"; "dropped"; and what was not believed, by BadMessage's reason

    To be used in the event loop only. Raises Mistake if an address is none.
    """

    def __init__(
        self,
        addresses: Sequence[str],
        *,
        secret: bytes | None,
        hold: timedelta,
        clock: Clock,
        probes: Sequence[str] = (),
        every: timedelta = EVERY,
        most: int = MOST_WAITING,
    ) -> None:
        self._secret = secret
        self._hold_ms = hold // timedelta(milliseconds=1)
        self._clock = clock
        self._every_s = every.total_seconds()
        topics = [f"{probe}.".encode() for probe in probes] or [b""]
        self._subscription = Subscription(
            [Endpoint(address) for address in addresses], topics, self._read, most
        )
        self.counts = self._subscription.counts

    async def __aenter__(self) -> Self:
        await self._subscription.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._subscription.__aexit__(kind, error, trace)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Columns:
        first = await self._subscription.next()
        await asyncio.sleep(self._every_s)
        return _columns([first, *self._subscription.rest()], self._hold_ms)

    def nobody(self) -> str:
        """The addresses, where not one of them is connected to; "" if one is."""
        links = self._subscription.links()
        return "" if Link.UP in links.values() else ", ".join(links)

    def _read(self, frames: Sequence[bytes]) -> tuple[int, Power]:
        return self._clock.now_ms(), decode(frames, secret=self._secret)


class KwapiPublisher:
    """Sends power samples on Kwapi's wire; use it as a context.

    address:   where to bind; a port of * is a free one
    secret:    of the signatures; None: messages are not signed
    endpoint:  where it is reached

    Raises Mistake if the address is none or cannot be bound.
    """

    def __init__(self, address: str, *, secret: bytes | None) -> None:
        self._secret = secret
        self._context = zmq.Context()
        self._socket = opened(self._context, zmq.PUB)
        try:
            self.endpoint = bind(self._socket, address)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()
        self._context.term()

    def publish(self, samples: Columns) -> None:
        """Send each reading of power, with voltage and current if they were read with it."""
        for (resource, _), values in _by_reading(samples).items():
            if math.isfinite(values.get(POWER.name, math.nan)):
                frames = encode(
                    resource,
                    values[POWER.name],
                    values.get(VOLTAGE.name),
                    values.get(CURRENT.name),
                    secret=self._secret,
                )
                with suppress(zmq.Again):  # PUB drops what a slow peer cannot take; never waits
                    self._socket.send_multipart(frames, zmq.NOBLOCK)


def _columns(readings: Sequence[tuple[int, Power]], hold_ms: int) -> Columns:
    # Sorted, so that each round names the same series in the same order, however they arrived.
    names = tuple(sorted({reading.probe for _, reading in readings}))
    number = {name: place for place, name in enumerate(names)}
    count = len(readings)
    return Columns(
        _series(names, hold_ms),
        np.fromiter((number[reading.probe] for _, reading in readings), np.uint32, count),
        np.fromiter((at_ms for at_ms, _ in readings), np.int64, count),
        np.fromiter((reading.watts for _, reading in readings), np.float64, count),
    )


@lru_cache(maxsize=16)
def _series(names: tuple[str, ...], hold_ms: int) -> tuple[Series, ...]:
    return tuple(Series(name, POWER.name, hold_ms) for name in names)


def _by_reading(samples: Columns) -> dict[tuple[str, int], dict[str, float]]:
    """Resource and moment to meter to value."""
    readings: dict[tuple[str, int], dict[str, float]] = {}
    columns = (samples.key.tolist(), samples.at.tolist(), samples.value.tolist())
    for key, at_ms, value in zip(*columns, strict=True):
        series = samples.series[key]
        readings.setdefault((series.resource, at_ms), {})[series.meter] = value
    return readings
