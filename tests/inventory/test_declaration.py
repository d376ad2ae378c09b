"""What a file may say, and how it is told what it may not."""

from pathlib import Path

import pytest
from tests.inventory.cast import NOW

from meterhouse.inventory.declaration import parse, parse_text
from meterhouse.inventory.declared import Mistakes
from meterhouse.inventory.export import export
from meterhouse.inventory.facts import FOREVER
from meterhouse.inventory.plan import apply, plan
from meterhouse.metering.errors import Mistake
from meterhouse.metering.periods import from_ms

FOLDER = Path(__file__).parent / "declarations"
GOOD = sorted(FOLDER.glob("*.good.toml"))
BAD = sorted(FOLDER.glob("*.bad.toml"))


def test_there_are_three_bad_examples_for_each_good_one() -> None:
    assert len(BAD) >= 3 * len(GOOD) > 0


@pytest.mark.django_db
@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.name)
def test_a_good_file_is_applied_and_changes_nothing_the_second_time(path: Path) -> None:
    first = apply(parse(path), now=NOW)
    assert bool(first) == ("empty" not in path.name)
    assert not plan(parse(path), now=NOW)
    assert not apply(parse(path), now=NOW)


@pytest.mark.django_db
@pytest.mark.parametrize("path", BAD, ids=lambda path: path.name)
def test_a_bad_file_is_refused_with_all_its_mistakes(path: Path) -> None:
    expected = path.with_name(path.name.replace(".bad.toml", ".txt")).read_text()
    with pytest.raises(Mistakes) as caught:
        apply(parse(path), now=NOW)
    assert "".join(f"{line}\n" for line in caught.value.lines) == expected
    assert str(caught.value) == expected.rstrip("\n")
    assert isinstance(caught.value, Mistake)


@pytest.mark.django_db
def test_nothing_is_applied_if_anything_is_wrong() -> None:
    with pytest.raises(Mistakes):
        apply(parse(FOLDER / "references.bad.toml"), now=NOW)
    assert export() == ""


def test_a_file_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(Mistakes, match=r"estate\.toml: No such file"):
        parse(tmp_path / "estate.toml")


def test_a_file_that_is_not_text_is_a_mistake(tmp_path: Path) -> None:
    path = tmp_path / "estate.toml"
    path.write_bytes(b"# \xff")
    with pytest.raises(Mistakes, match=r"estate\.toml: not UTF-8 at byte 2"):
        parse(path)


def test_sources_are_passed_through_with_their_places() -> None:
    (source,) = parse(FOLDER / "estate.good.toml").sources
    assert str(source.where) == '[[sources]] "host" (line 66)'
    assert source.values == {"name": "host", "kind": "host", "anything": {"goes": ["here"]}}


def test_moments_are_read_to_the_millisecond() -> None:
    declaration = parse(FOLDER / "estate.good.toml")
    (membership,) = declaration.memberships
    assert from_ms(membership.start_ms or 0).isoformat() == "2026-01-01T00:00:00+00:00"
    assert from_ms(membership.end_ms).isoformat() == "2026-07-01T10:00:00+00:00"
    first = declaration.shares[0]
    assert (first.start_ms, first.end_ms) == (None, FOREVER)


def test_lines_are_found_after_texts_and_comments_that_look_like_tables() -> None:
    text = """
a = '[[users]]'
# [[users]]
[[users]] # "
key = "alice"
name = '''
[[users]]
'''
[[users]]
key = "A"
"""
    declaration = parse_text(text, "x")
    assert [str(user.where) for user in declaration.users] == [
        '[[users]] "alice" (line 4)',
        '[[users]] "A" (line 9)',
    ]


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "windows.toml"
    file.write_bytes(b'\xef\xbb\xbf[[institutions]]\r\nkey = "osl"\r\nname = "Lab"\r\n')
    declaration = parse(file)
    assert not declaration.flaws
    assert [institution.key for institution in declaration.institutions] == ["osl"]


def test_values_too_deep_inside_each_other_are_a_mistake() -> None:
    with pytest.raises(Mistakes, match="too deep"):
        parse_text("a = " + "[" * 100_000, "deep.toml")


def test_numbers_of_sources_stay_plain_numbers() -> None:
    text = '[[sources]]\nname = "x"\nscale = 0.5\ndeep = { list = [1.5, 2] }\n'
    (source,) = parse_text(text, "x").sources
    assert source.values == {"name": "x", "scale": 0.5, "deep": {"list": [1.5, 2]}}
    assert isinstance(source.values["scale"], float)


def test_a_number_and_a_text_say_the_same_exactly() -> None:
    texts = ("0.1", '"0.10"', "1e-1", "0.1000000000000000")
    for text in texts:
        (term,) = parse_text(f'[[prices]]\nper_kwh = {text}\ncurrency = "EUR"', "x").terms
        assert term.value == ("0.1", "EUR")
