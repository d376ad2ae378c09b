"""Every power reading on Kwapi's wire as well, for plug-ins that exist.

There a probe has one name. That is its own, without the source's, as plug-ins know it; two probes
of one name go by their whole keys both, so that neither is taken for the other.
"""

from collections.abc import Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from meterhouse.bus.endpoints import Endpoint, require_free
from meterhouse.bus.kwapi import KwapiPublisher
from meterhouse.bus.listen import listen
from meterhouse.metering.errors import Mistake
from meterhouse.metering.meters import CURRENT, POWER, VOLTAGE
from meterhouse.metering.samples import Columns, Series

SENT = frozenset({POWER.name, VOLTAGE.name, CURRENT.name})


class Names:
    """What probes are called on Kwapi's wire; worked out once for each tuple of series."""

    def __init__(self) -> None:
        self._keys: dict[str, set[str]] = {}  # a probe's name to the resources that have it
        self._made: dict[int, tuple[tuple[Series, ...], tuple[Series, ...]]] = {}

    def of(self, series: tuple[Series, ...]) -> tuple[Series, ...]:
        """The same series, their resources called as on the wire."""
        found = self._made.get(id(series))
        if found is None:
            if self._learn(series) or len(self._made) > 64:
                self._made.clear()
            renamed = tuple(each._replace(resource=self._name(each.resource)) for each in series)
            found = self._made[id(series)] = series, renamed
        return found[1]

    def _learn(self, series: Iterable[Series]) -> bool:
        """Take note of names; returns whether one became another's too."""
        shared = False
        for each in series:
            if each.meter == POWER.name:
                keys = self._keys.setdefault(_short(each.resource), set())
                shared |= len(keys) == 1 and each.resource not in keys
                keys.add(each.resource)
        return shared

    def _name(self, resource: str) -> str:
        short = _short(resource)
        return short if len(self._keys.get(short, ())) < 2 else resource


def _short(resource: str) -> str:
    return resource.partition("/")[2] or resource


@dataclass(frozen=True, slots=True)
class KwapiWire:
    """Where to send. secret None: messages are not signed."""

    address: str
    secret: bytes | None

    @classmethod
    def wanted(cls, address: str | None, secret: str | None) -> Self | None:
        """From a command's options: None unless an address is given. Raises Mistake.

        secret:  a file that holds Kwapi's metering_secret
        """
        if address is None:
            if secret is not None:
                raise Mistake("--kwapi-secret is for --kwapi tcp://host:port")
            return None
        require_free(address)
        return cls(address, _secret_in(Path(secret)) if secret else None)


def _secret_in(path: Path) -> bytes:
    try:
        secret = path.read_bytes().strip()
    except OSError as error:
        raise Mistake(f"--kwapi-secret {path}: {error.strerror}") from error
    if not secret:
        raise Mistake(f"--kwapi-secret {path}: it is empty")
    return secret


async def keep_sending(kwapi: KwapiWire, endpoints: Sequence[Endpoint], key: bytes) -> None:
    """Send on what is published at some endpoints, until this is cancelled."""
    names = Names()
    with KwapiPublisher(kwapi.address, secret=kwapi.secret) as publisher:
        async with aclosing(listen(endpoints, key)) as batches:
            async for batch in batches:
                publisher.publish(power_of(batch.samples, names))


def power_of(samples: Columns, names: Names) -> Columns:
    """Of samples those that Kwapi knows, under Kwapi's names."""
    sent = np.array([each.meter in SENT for each in samples.series], np.bool_)
    good = sent[samples.key] if len(samples) else np.empty(0, np.bool_)
    return Columns(
        names.of(samples.series), samples.key[good], samples.at[good], samples.value[good]
    )
