"""What followers and publishers say to each other besides batches. docs/wire.md tells the story.

Each is the outside of signing.py with its letter, then a msgpack array of its fields in order.
A field may be added at the end: readers pass over what they do not know.
"""

from typing import Annotated

from msgspec import Meta, Struct, msgpack

from meterhouse.bus import envelope
from meterhouse.bus.envelope import Moment, Publisher
from meterhouse.bus.signing import REST, UNREADABLE, Kind, opening, sign, verified
from meterhouse.metering.batches import Batch
from meterhouse.metering.errors import BadMessage

MOST_TOLD_BYTES = 4 * 2**20
Number = Annotated[int, Meta(ge=0, le=2**62)]  # of a batch; 0 is before the first
Token = Annotated[bytes, Meta(max_length=32)]  # random, so that an old message is known as old


class Hello(Struct, array_like=True, frozen=True):
    """Who is there? Every publisher that hears it answers with a Status and the same nonce."""

    nonce: Token


class Status(Struct, array_like=True, frozen=True):
    """How a publisher stands: as an answer to Hello, and once a second on the live side.

    acknowledged:  the last batch that was acknowledged
    first, last:   the batches that it has
    session:       a new one whenever the publisher is started; requests must bear it
    nonce:         that of the Hello; empty on the live side
    """

    publisher: Publisher
    epoch: Moment
    acknowledged: Number
    first: Number
    last: Number
    session: Token
    nonce: Token


class Replay(Struct, array_like=True, frozen=True):
    """Send again what came after a number: some batches or Gone, in order, then Done.

    follower:  random, one for each follower
    request:   1, 2, 3, ... of this follower: one that comes again is not answered again
    after:     the last number that the follower has
    batches:   at most so many
    size:      and no more of them when so many bytes are sent
    """

    publisher: Publisher
    epoch: Moment
    session: Token
    follower: Token
    request: Number
    after: Number
    batches: Number
    size: Number


class Gone(Struct, array_like=True, frozen=True):
    """These batches cannot be sent again: the journal outgrew its limit, or was damaged."""

    publisher: Publisher
    epoch: Moment
    first: Number
    last: Number


class Done(Struct, array_like=True, frozen=True):
    """That was the answer to a Replay. last: the newest batch there is."""

    publisher: Publisher
    epoch: Moment
    follower: Token
    request: Number
    last: Number


class Acknowledgement(Struct, array_like=True, frozen=True):
    """The recorder has everything up to a number for good: forget it."""

    publisher: Publisher
    epoch: Moment
    sequence: Number


class Told(Struct, array_like=True, frozen=True):
    """What a publisher says of itself, now and then, on the live side: it may be missed.

    at_ms:  when it said so, by its clock; an earlier one than was heard is old
    what:   packed by the publisher's own room, for the house's pages
    """

    publisher: Publisher
    epoch: Moment
    at_ms: Moment
    what: Annotated[bytes, Meta(max_length=MOST_TOLD_BYTES)]


Message = Hello | Status | Replay | Gone | Done | Acknowledgement | Told

_KINDS: dict[type[Message], Kind] = {
    Hello: Kind.HELLO,
    Status: Kind.STATUS,
    Replay: Kind.REPLAY,
    Gone: Kind.GONE,
    Done: Kind.DONE,
    Acknowledgement: Kind.ACKNOWLEDGEMENT,
    Told: Kind.TOLD,
}
_encode = msgpack.Encoder().encode
_DECODERS = {kind: msgpack.Decoder(word) for word, kind in _KINDS.items()}


def seal(message: Message, secret: bytes) -> bytes:
    return sign(opening(_KINDS[type(message)]) + _encode(message), secret)


def unseal(message: bytes, secret: bytes) -> Message | Batch:
    """Any message. Raises BadMessage: "signature", "version" or "format"."""
    kind = verified(message, secret)
    if kind is Kind.BATCH:
        return envelope.unpack(message)
    try:
        return _DECODERS[kind].decode(memoryview(message)[REST:])
    except UNREADABLE as error:
        raise BadMessage("format", f"{kind.name}: {error}") from error
