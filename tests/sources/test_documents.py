"""Figures inside documents, whatever the documents are."""

import contextlib
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterhouse.metering.errors import BadReading
from meterhouse.metering.meters import ENERGY, POWER
from meterhouse.sources.documents import Figures, Place, decode, found, number, steps

Json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def test_a_path_leads_through_keys_and_places() -> None:
    document = {"meters": [{"power": 1}, {"power": 2}], "a.b": 3}
    assert found(document, steps("meters.1.power")) == 2
    assert found(document, steps("meters.{channel}.power", "0")) == 1
    assert found(document, steps(("a.b",))) == 3
    assert found(7, steps("")) == 7


@pytest.mark.parametrize("path", ["meters.2.power", "meters.-1", "meters.x", "none.power", "w.x"])
def test_a_path_that_leads_nowhere_finds_nothing(path: str) -> None:
    assert found({"meters": [1, 2], "w": 5}, steps(path)) is None


@pytest.mark.parametrize("said", [True, [], {}, "lots", "nan", "1e999", 10**400, float("inf")])
def test_what_is_no_number_is_none(said: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        number(said)


@given(Json)
def test_no_document_does_any_harm(document: object) -> None:
    refused: Counter[str] = Counter()
    wanted = {POWER: Place(path="w"), ENERGY: Place(path="0.e", unit="Wh")}
    values = Figures(wanted).of(document, refused)
    assert set(values) <= set(wanted)
    assert set(refused) <= {"not a number"}


@given(st.binary())
def test_no_payload_does_any_harm(payload: bytes) -> None:
    with contextlib.suppress(BadReading):
        decode(payload)


@pytest.mark.parametrize(
    ("payload", "said"),
    [(b"", "an empty document"), (b"<html>\n", r"no JSON: '<html>\\n'"), (b"\xff", "'\ufffd'")],
)
def test_what_is_no_document_is_shown_by_its_beginning(payload: bytes, said: str) -> None:
    with pytest.raises(BadReading, match=said):
        decode(payload)
