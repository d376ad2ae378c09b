"""Snapshots as one blob: deflated msgpack, a list of maps by the fields' names.

The map of a snapshot has the fields of ``metering.snapshots.Snapshot``; its ``kind`` says what the
maps in its ``objects`` are: "institution", "project" and "user" are those, all others resources.
Fields that are not known are passed over, so that a publisher may be newer than a reader.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Raw, Struct, msgpack

from meterhouse.bus.deflating import deflate, inflate
from meterhouse.bus.signing import UNREADABLE
from meterhouse.metering.errors import BadMessage
from meterhouse.metering.snapshots import (
    Institution,
    Project,
    Resource,
    Snapshot,
    SnapshotObject,
    User,
)

MOST_BYTES = 256 * 2**20  # of one blob, unpacked


_Objects = tuple[type[SnapshotObject], msgpack.Decoder[Any]]


class _List(Struct):
    source: str
    kind: str
    at_ms: int
    complete: bool
    objects: Raw


def _plain(thing: Any) -> Any:
    if isinstance(thing, Mapping):  # a read-only view, say
        return dict(thing)
    raise TypeError(f"{type(thing).__name__} does not travel")


_encode = msgpack.Encoder(enc_hook=_plain).encode
_decode = msgpack.Decoder(list[_List]).decode
_RESOURCES: _Objects = Resource, msgpack.Decoder(tuple[Resource, ...])
_OBJECTS: dict[str, _Objects] = {
    "institution": (Institution, msgpack.Decoder(tuple[Institution, ...])),
    "project": (Project, msgpack.Decoder(tuple[Project, ...])),
    "user": (User, msgpack.Decoder(tuple[User, ...])),
}


def pack(snapshots: tuple[Snapshot, ...]) -> bytes:
    """The blob of some snapshots; empty if there are none.

    Raises ValueError if it could not be unpacked again: a source put something else into a field
    than the field is for. Better said there than found by the recorder.
    """
    if not snapshots:
        return b""
    try:
        _check(snapshots)
        plain = _encode(snapshots)
        _unpacked(plain)
    except (*UNREADABLE, TypeError, OverflowError) as error:
        raise ValueError(f"snapshots: {error}") from error
    if len(plain) > MOST_BYTES:
        raise ValueError(f"snapshots of {len(plain)} bytes are too large for one batch")
    return deflate(plain)


def unpack(blob: bytes) -> tuple[Snapshot, ...]:
    """The snapshots of a blob. Raises BadMessage."""
    if not blob:
        return ()
    try:
        return _unpacked(inflate(blob, MOST_BYTES))
    except UNREADABLE as error:
        raise BadMessage("format", f"snapshots: {error}") from error


def _unpacked(plain: bytes) -> tuple[Snapshot, ...]:
    return tuple(
        Snapshot(
            source=one.source,
            kind=one.kind,
            at_ms=one.at_ms,
            complete=one.complete,
            objects=_objects(one),
        )
        for one in _decode(plain)
    )


def _objects(one: _List) -> tuple[SnapshotObject, ...]:
    _, decoder = _OBJECTS.get(one.kind, _RESOURCES)
    objects: tuple[SnapshotObject, ...] = decoder.decode(one.objects)
    return objects


def _check(snapshots: tuple[Snapshot, ...]) -> None:
    for one in snapshots:
        expected, _ = _OBJECTS.get(one.kind, _RESOURCES)
        for thing in one.objects:
            if type(thing) is not expected:
                raise ValueError(f"a {type(thing).__name__} in a list of kind {one.kind!r}")
