"""What is exported declares the same again."""

from datetime import timedelta
from itertools import pairwise

import pytest
import tomlkit
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.inventory.cast import BUILDER, NOW, at, everybody, snapshot

from meterhouse.inventory import reading
from meterhouse.inventory.declaration import parse_text
from meterhouse.inventory.export import export
from meterhouse.inventory.keep import keep
from meterhouse.inventory.models import (
    CarbonFactor,
    Feed,
    IdlePower,
    Institution,
    Membership,
    OwnershipRule,
    Price,
    Project,
    Revision,
    Share,
    User,
)
from meterhouse.inventory.plan import apply, plan
from meterhouse.inventory.scope import Scope

pytestmark = pytest.mark.django_db
ALL = Scope.all()


def clear() -> None:
    Project.objects.update(parent=None)
    terms = (Price, CarbonFactor, Feed, IdlePower)
    people = (Project, User, Institution)
    for model in (*terms, OwnershipRule, Membership, Share, Revision, *people):
        model.objects.all().delete()


names = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="\u2028\u2029"),
    min_size=1,
    max_size=8,
)
days = st.dates(NOW.date() - timedelta(100), NOW.date() + timedelta(100))


@st.composite
def houses(draw: st.DrawFn) -> str:
    """A declaration of a few of everything, as TOML."""
    few = st.integers(0, 3)
    payers = [{"key": f"i{n}", "name": draw(names)} for n in range(draw(few))]
    people = [{"key": f"u{n}", "name": draw(names), "email": f"{n}@x"} for n in range(draw(few))]
    tree: list[dict[str, object]] = []
    for number in range(draw(few)):
        above = draw(st.sampled_from(["", *(each["key"] for each in tree)]))
        tree.append({"key": f"p{number}", "name": draw(names), "parent": above})
    pairs = st.booleans()
    shares = [
        row
        for project in tree
        for payer in payers
        if draw(pairs)
        for row in _dated(draw, {"project": project["key"], "institution": payer["key"]}, "weight")
    ]
    memberships = [
        row
        for person in people
        for project in tree
        if draw(pairs)
        for row in _dated(draw, {"user": person["key"], "project": project["key"]}, "role")
    ]
    rules = [
        {
            "tag": draw(st.sampled_from(["a", "a:*", "*"])),
            "project": draw(st.sampled_from([each["key"] for each in tree])),
        }
        for _ in range(draw(few) if tree else 0)
    ]
    document = {
        "institutions": payers,
        "projects": tree,
        "users": people,
        "shares": shares,
        "memberships": memberships,
        "rules": rules,
        "prices": draw(terms({"currency": "EUR"}, "per_kwh")),
        "carbon": draw(terms({"source": "grid operator"}, "g_per_kwh")),
        "feeds": draw(terms({"outlet": "pdu/1", "node": "node-1"})),
        "idle": draw(terms({"node": "node-1"}, "watts")),
    }
    return tomlkit.dumps({name: rows for name, rows in document.items() if rows})


@st.composite
def terms(draw: st.DrawFn, row: dict[str, object], column: str = "") -> list[dict[str, object]]:
    if not draw(st.booleans()):
        return []
    rows = _dated(draw, row, column or "role")
    for each in rows:
        value = each.pop(column or "role")
        if column:
            each[column] = draw(st.sampled_from(["0.1", 0.25, 3])) if value == "a" else "17.050"
    return rows


def _dated(draw: st.DrawFn, pair: dict[str, object], column: str) -> list[dict[str, object]]:
    """One to three stretches that follow each other, the outer ends open or not."""
    cuts = sorted(draw(st.sets(days, min_size=2, max_size=4)))
    rows = []
    for start, end in pairwise(cuts):
        value = draw(st.integers(1, 5) if column == "weight" else st.sampled_from(["a", "b"]))
        rows.append({**pair, column: value, "from": start, "until": end})
    if draw(st.booleans()):
        del rows[0]["from"]
    if draw(st.booleans()):
        del rows[-1]["until"]
    return rows


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(houses(), st.integers(0, 60))
def test_what_is_exported_makes_an_empty_house_the_same(text: str, later: int) -> None:
    clear()
    apply(parse_text(text, "x"), now=NOW)
    assert not plan(parse_text(text, "x"), now=NOW + timedelta(later))
    exported = export()
    assert not plan(parse_text(exported, "x"), now=NOW + timedelta(later))
    clear()
    apply(parse_text(exported, "x"), now=NOW + timedelta(later))
    assert export() == exported


def test_what_sources_found_is_left_to_them() -> None:
    keep(everybody(at(0)))
    assert export() == ""


def test_what_something_declared_refers_to_is_written_with_its_sources_id() -> None:
    keep(everybody(at(0)))
    text = '[[users]]\nkey = "dora"\n[[memberships]]\nuser = "dora"\nproject = "debian/cd"\n'
    apply(parse_text(text, "x"), now=NOW)
    exported = export()
    clear()
    apply(parse_text(exported, "x"), now=NOW)
    assert [(each.key, each.external_id) for each in reading.projects(ALL)] == [
        ("debian", "p-debian"),
        ("debian/cd", "p-cd"),
    ]
    keep([snapshot("instance", at(5), [BUILDER])])
    assert [each.key for each in reading.projects(ALL)] == ["debian", "debian/cd"]


def test_sources_stand_at_the_end() -> None:
    sources = [{"name": "host", "kind": "host", "config": {"deep": [1, 2]}}]
    (table,) = parse_text(export(sources), "x").sources
    assert table.values == sources[0]
