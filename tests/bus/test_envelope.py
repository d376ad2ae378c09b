import hmac
import zlib
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw, msgpack
from tests.bus.cast import NOON_MS, SECRET, batch, debian, power, same

from meterhouse.bus.envelope import seal, unseal
from meterhouse.bus.signing import MOST_BYTES, Kind, opening, sign
from meterhouse.metering.batches import Batch
from meterhouse.metering.errors import BadMessage
from meterhouse.metering.samples import Columns, Series
from meterhouse.metering.snapshots import Institution, Resource, Snapshot

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=9)
moments = st.integers(0, 2**62)


@st.composite
def columns(draw: st.DrawFn) -> Columns:
    series = draw(st.lists(st.builds(Series, text, text, st.integers(0, 2**53)), unique=True))
    count = draw(st.integers(0, 40)) if series else 0
    keys = st.lists(st.integers(0, max(len(series) - 1, 0)), min_size=count, max_size=count)
    ats = st.lists(
        draw(st.sampled_from([st.integers(-(2**63), 2**63 - 1), st.integers(0, 70_000)])),
        min_size=count,
        max_size=count,
    )
    values = st.lists(st.floats(), min_size=count, max_size=count)
    return Columns(
        tuple(series),
        np.array(draw(keys), np.uint32),
        np.array(draw(ats), np.int64),
        np.array(draw(values), np.float64),
    )


batches = st.builds(
    Batch,
    publisher=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=9),
    epoch=moments,
    sequence=st.integers(1, 2**62),
    sent_ms=moments,
    samples=columns(),
    snapshots=st.sampled_from([(), debian(), debian()[:1]]),
)


def refused(message: bytes, secret: bytes = SECRET) -> str:
    with pytest.raises(BadMessage) as caught:
        unseal(message, secret)
    return caught.value.reason


def with_head(*fields: object, columns: bytes = b"") -> bytes:
    """A signed batch with any head at all."""
    head = msgpack.encode(fields)
    padding = bytes(-(40 + len(head)) % 8)
    body = len(head).to_bytes(4, "little") + head + padding + columns
    return sign(opening(Kind.BATCH) + body, SECRET)


@given(batches)
def test_a_batch_comes_out_as_it_went_in(sent: Batch) -> None:
    received = unseal(seal(sent, SECRET), SECRET)
    assert same(received.samples, sent.samples)
    empty = Columns()
    assert replace(received, samples=empty) == replace(sent, samples=empty)


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_no_byte_can_be_changed(place: int, change: int) -> None:
    message = bytearray(seal(batch(), SECRET))
    message[place % len(message)] ^= change
    assert refused(bytes(message)) in {"signature", "format", "version"}


@given(st.integers(0, 10_000))
def test_nothing_can_be_cut_off_or_added(length: int) -> None:
    message = seal(batch(), SECRET)
    assert refused(message[: length % len(message)]) in {"signature", "format"}
    assert refused(message + b"\0") == "signature"


def test_another_secret_does_not_open_it() -> None:
    assert refused(seal(batch(), SECRET), b"another secret") == "signature"


def test_a_message_of_another_version_is_not_guessed_at() -> None:
    message = bytearray(seal(batch(), SECRET))
    message[34] = 2
    assert refused(bytes(message)) == "version"


def test_what_is_larger_than_any_message_is_not_even_hashed() -> None:
    assert refused(bytes(MOST_BYTES + 1)) == "format"


def test_other_kinds_of_messages_are_not_batches() -> None:
    assert refused(sign(opening(Kind.HELLO), SECRET)) == "format"
    assert refused(sign(b"MH\x01?", SECRET)) == "format"


def test_the_signature_is_as_documented() -> None:
    message = seal(batch(), SECRET)
    assert message[:32] == hmac.digest(SECRET, message[32:], "sha256")
    assert message[32:36] == b"MH\x01B"


def test_equal_series_come_out_as_the_same_object() -> None:
    first, second = (
        unseal(seal(batch(number, power(1.0, 2.0, 3.0)), SECRET), SECRET) for number in (1, 2)
    )
    assert first.samples.series is second.samples.series


def test_values_are_seen_in_place_and_aligned() -> None:
    value = unseal(seal(batch(), SECRET), SECRET).samples.value
    assert not value.flags.owndata
    assert value.flags.aligned
    assert not value.flags.writeable


def test_a_round_of_a_thousand_wattmeters_is_small() -> None:
    names = tuple(f"dc1/rack{number // 40}/outlet-{number:04}" for number in range(1000))
    message = seal(batch(1, power(*range(1000), names=names)), SECRET)
    assert len(message) < 12_000


@pytest.mark.parametrize("span", [0, 1, 2**16 - 1, 2**16, 2**32 - 1, 2**32, 2**60])
def test_times_of_any_span_travel(span: int) -> None:
    sent = replace_times(power(1.0, 2.0, 3.0), NOON_MS, NOON_MS + span, NOON_MS)
    assert same(unseal(seal(batch(1, sent), SECRET), SECRET).samples, sent)


def replace_times(samples: Columns, *at_ms: int) -> Columns:
    return Columns(samples.series, samples.key, np.array(at_ms, np.int64), samples.value)


@pytest.mark.parametrize("names", [2, 2**8, 2**8 + 1, 2**16, 2**16 + 1])
def test_keys_of_any_size_travel(names: int) -> None:
    series = tuple(Series(str(number), "power", 1) for number in range(names))
    keys = np.array([names - 1, 0, names - 1], np.uint32)
    sent = Columns(series, keys, np.full(3, NOON_MS, np.int64), np.zeros(3))
    assert same(unseal(seal(batch(1, sent), SECRET), SECRET).samples, sent)


def test_very_many_series_with_a_sample_each_need_no_keys() -> None:
    names = 2**16 + 1
    series = tuple(Series(str(number), "power", 1) for number in range(names))
    keys = np.arange(names, dtype=np.uint32)
    sent = Columns(series, keys, np.full(names, NOON_MS, np.int64), np.zeros(names))
    assert same(unseal(seal(batch(1, sent), SECRET), SECRET).samples, sent)


def keyed(*keys: int, series: tuple[Series, ...] = power(1.0, 2.0).series) -> Columns:
    count = len(keys)
    return Columns(series, np.array(keys, np.uint32), np.full(count, NOON_MS), np.ones(count))


UNSENDABLE = {
    "a sample without its series": keyed(0, 2),
    "a sample without any series": keyed(0, series=()),
    "a series named twice": keyed(0, series=(Series("a", "power", 1),) * 2),
    "a name with a zero byte": keyed(0, series=(Series("a\0", "power", 1),)),
    "a name that is not Unicode": keyed(0, series=(Series("\ud800", "power", 1),)),
    "a hold below nothing": keyed(0, series=(Series("a", "power", -1),)),
    "a hold that is no number": keyed(0, series=(Series("a", "power", "1"),)),  # type: ignore[arg-type]
    "names beyond all bounds": keyed(0, series=(Series("a" * 2**24, "power", 1),)),
    "samples beyond all bounds": keyed(*([0, 1] * 2**22)),
}


@pytest.mark.parametrize("what", UNSENDABLE)
def test_what_no_reader_would_accept_is_refused_where_it_is_sent(what: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        seal(batch(1, UNSENDABLE[what]), SECRET)


@pytest.mark.parametrize(
    "wrong",
    [
        replace(batch(), publisher=""),
        replace(batch(), publisher="p" * 201),
        replace(batch(), sequence=0),
        replace(batch(), epoch=-1),
    ],
)
def test_a_batch_without_name_or_number_is_not_sent(wrong: Batch) -> None:
    with pytest.raises(ValueError, match="Expected"):
        seal(wrong, SECRET)


def listed(*objects: object, kind: str = "instance") -> Snapshot:
    return Snapshot(source="cloud", kind=kind, at_ms=1, complete=True, objects=objects)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong",
    [
        listed(Resource(id="a", kind="instance", name="n", vcpus="two")),  # type: ignore[arg-type]
        listed(Institution(id="osl", name="OSL")),
        listed(Resource(id="a", kind="instance", name="n"), kind="project"),
        listed(object()),
        listed(Resource(id="a", kind="instance", name="n", details=["m1.small"])),  # type: ignore[arg-type]
        listed(Resource(id="a", kind="instance", name="n", details=object())),  # type: ignore[arg-type]
        listed(Resource(id="a", kind="instance", name="n", ram_bytes=2**70)),
    ],
)
def test_a_snapshot_that_could_not_be_read_is_refused_where_it_is_sent(wrong: Snapshot) -> None:
    with pytest.raises(ValueError, match="snapshots"):
        seal(replace(batch(), snapshots=(wrong,)), SECRET)


def test_snapshots_beyond_all_bounds_are_refused() -> None:
    endless = listed(Resource(id="a" * 2**28, kind="instance", name="n"))
    with pytest.raises(ValueError, match="too large"):
        seal(replace(batch(), snapshots=(endless,)), SECRET)


def test_a_view_travels_as_what_it_shows() -> None:
    view = MappingProxyType({"flavor": "m1.small"})
    sent = listed(Resource(id="a", kind="instance", name="n", details=view))
    received = unseal(seal(replace(batch(), snapshots=(sent,)), SECRET), SECRET)
    assert received.snapshots == (
        listed(Resource(id="a", kind="instance", name="n", details={"flavor": "m1.small"})),
    )


ONE = zlib.compress(msgpack.encode([["a", "power", 1]]))
NOT_UTF8 = Raw(b"\xa3o\xffl")
GOOD = ("osl-dc1", 1, 1, 1, ONE, 1, 1, 0, 0, b"")


@pytest.mark.parametrize(
    ("field", "value", "columns"),
    [
        (0, "", 8),
        (0, "osl\0dc1", 8),  # no database keeps it
        (0, "osl-dc1\n", 8),
        (0, NOT_UTF8, 8),
        (2, 0, 8),
        (4, b"", 8),
        (4, ONE[:-1], 8),
        (4, ONE + b"more", 8),
        (4, zlib.compress(bytes(2**24 + 1)), 8),
        (4, zlib.compress(msgpack.encode([["a", "power"]])), 8),
        (4, zlib.compress(msgpack.encode([["a", "power", 1]] * 2)), 8),
        (5, 2, 16),  # more samples than series
        (5, 2, 8),  # a column too short
        (6, 2**63, 8),
        (7, 3, 11),
        (7, -8, 0),
        (8, 3, 11),
        (4, zlib.compress(b"\x91\x93\xa1\xff\xa5power\x01"), 8),  # a name that is no UTF-8
        (9, b"not deflated", 8),
        (9, zlib.compress(b"\x91\x85\xa6source\xa1\xff"), 8),
        (9, zlib.compress(msgpack.encode([{"source": "cloud"}])), 8),
    ],
)
def test_a_signed_message_of_the_wrong_form_is_refused(
    field: int, value: object, columns: int
) -> None:
    assert unseal(with_head(*GOOD, columns=bytes(8)), SECRET).samples.series[0].resource == "a"
    fields = [*GOOD[:field], value, *GOOD[field + 1 :]]
    assert refused(with_head(*fields, columns=bytes(columns))) == "format"


def test_a_signed_key_without_its_series_is_refused() -> None:
    keyed = (*GOOD[:8], 1, b"")
    assert unseal(with_head(*keyed, columns=bytes(9)), SECRET).samples.key.tolist() == [0]
    assert refused(with_head(*keyed, columns=bytes(8) + b"\1")) == "format"


def test_a_signed_message_without_a_head_is_refused() -> None:
    assert refused(sign(opening(Kind.BATCH), SECRET)) == "format"
