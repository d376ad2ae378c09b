from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import msgpack
from tests.bus.cast import SECRET, batch, same

from meterhouse.bus import envelope
from meterhouse.bus.messages import (
    Acknowledgement,
    Done,
    Gone,
    Hello,
    Message,
    Replay,
    Status,
    Told,
    seal,
    unseal,
)
from meterhouse.bus.signing import Kind, opening, sign
from meterhouse.metering.batches import Batch
from meterhouse.metering.errors import BadMessage

MESSAGES: list[Message] = [
    Hello(b"nonce"),
    Status("osl-dc1", 1, 2, 3, 4, b"session", b"nonce"),
    Replay("osl-dc1", 1, b"session", b"follower", 2, 3, 4, 5),
    Gone("osl-dc1", 1, 2, 3),
    Done("osl-dc1", 1, b"follower", 2, 3),
    Acknowledgement("osl-dc1", 1, 2),
    Told("osl-dc1", 1, 2, b"what"),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_what_is_said_is_heard(message: Message) -> None:
    assert unseal(seal(message, SECRET), SECRET) == message


def test_batches_are_heard_the_same_way() -> None:
    heard = unseal(envelope.seal(batch(), SECRET), SECRET)
    assert isinstance(heard, Batch)
    assert same(heard.samples, batch().samples)


@pytest.mark.parametrize("body", [b"", msgpack.encode(["", 1, 2, 3]), msgpack.encode(["a", -1])])
def test_a_signed_message_of_the_wrong_form_is_refused(body: bytes) -> None:
    with pytest.raises(BadMessage, match="format: GONE"):
        unseal(sign(opening(Kind.GONE) + body, SECRET), SECRET)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
@given(data=st.data())
def test_a_signed_message_changed_anywhere_is_heard_or_refused(
    message: Message, data: st.DataObject
) -> None:
    """Who knows the secret may still be broken: a text that is not UTF-8, say."""
    unsigned = bytearray(seal(message, SECRET)[32:])
    for _ in range(data.draw(st.integers(1, 3))):
        unsigned[data.draw(st.integers(4, len(unsigned) - 1))] = data.draw(st.integers(0, 255))
    with suppress(BadMessage):
        assert isinstance(unseal(sign(bytes(unsigned), SECRET), SECRET), Message)


@pytest.mark.parametrize(
    "body", [b"\x94\xa2a\xff\x01\x02\x03", b"\x95\xa1a\x01\x02\x03" + b"\x91" * 200_000]
)
def test_texts_that_are_none_and_lists_without_end_are_refused(body: bytes) -> None:
    with pytest.raises(BadMessage, match="format: GONE"):
        unseal(sign(opening(Kind.GONE) + body, SECRET), SECRET)


def test_a_field_added_by_a_newer_publisher_is_passed_over() -> None:
    newer = sign(opening(Kind.GONE) + msgpack.encode(["a", 1, 2, 3, "new"]), SECRET)
    assert unseal(newer, SECRET) == Gone("a", 1, 2, 3)
