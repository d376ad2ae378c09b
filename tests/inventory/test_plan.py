"""What applying a declaration changes, and what it leaves."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from tests.inventory.cast import ALWAYS, NOW, T0, at, everybody, instance, snapshot

from meterhouse.inventory import reading
from meterhouse.inventory.declaration import parse_text
from meterhouse.inventory.declared import Mistakes
from meterhouse.inventory.facts import FOREVER
from meterhouse.inventory.keep import keep
from meterhouse.inventory.models import Price, Share
from meterhouse.inventory.plan import apply, plan
from meterhouse.inventory.scope import Scope

pytestmark = pytest.mark.django_db
ALL = Scope.all()
DAY = timedelta(days=1)
HOUSE = """
[[institutions]]
key = "osl"
[[institutions]]
key = "nsf"
[[projects]]
key = "debian"
name = "Debian"
[[users]]
key = "alice"
email = "a@x"
"""
PRUNE = "[options]\nprune = true\n"


def lines(text: str, now: datetime = NOW) -> list[str]:
    """Apply, and give the difference; what was planned is what was done."""
    declaration = parse_text(text, "estate.toml")
    planned = plan(declaration, now=now)
    assert apply(declaration, now=now) == planned
    assert not plan(declaration, now=now)
    return list(planned.lines)


def share(weight: int, dates: str = "", institution: str = "osl") -> str:
    return (
        f'[[shares]]\nproject = "debian"\ninstitution = "{institution}"\n'
        f"weight = {weight}\n{dates}\n"
    )


def weights() -> list[tuple[str, int, int, int]]:
    """(institution, weight, start, end) of debian, in days after T0; -1 always, 99 for ever."""
    names = {each.id: each.key for each in reading.institutions(ALL)}

    def day(ms: int) -> int:
        return {0: -1, FOREVER: 99}.get(ms) or (ms - T0) // 86_400_000

    return sorted(
        (names[row.institution_id], row.weight, day(row.start_ms), day(row.end_ms))
        for row in reading.shares(ALL)
    )


def test_the_difference_is_told_line_by_line() -> None:
    assert lines(HOUSE + '[[projects]]\nkey = "debian/cd"\nname = "CD images"\n') == [
        '+ institution osl "osl"',
        '+ institution nsf "nsf"',
        '+ project debian "Debian"',
        '+ project debian/cd "CD images" (parent debian)',
        '+ user alice "alice"',
    ]
    changed = (
        '[[users]]\nkey = "alice"\nemail = "a@y"\n[[projects]]\nkey = "debian/cd"\nparent = ""'
    )
    assert lines(changed) == [
        "~ user alice: email a@x -> a@y",
        "~ project debian/cd: parent debian -> none from 2026-05-01T12:00:00Z",
    ]


def test_a_dry_run_changes_nothing() -> None:
    plan(parse_text(HOUSE, "estate.toml"), now=NOW)
    assert reading.projects(ALL) == ()


def test_what_a_file_leaves_out_stays_and_is_counted() -> None:
    lines(HOUSE + share(1))
    difference = apply(parse_text('[[users]]\nkey = "alice"', "x"), now=NOW)
    assert difference.lines == ()
    (note,) = difference.notes
    assert note.startswith("Declared before, not in the file, left as they are: 4.")


def test_the_first_undated_shares_hold_since_always() -> None:
    assert lines(HOUSE + share(3) + share(1, institution="nsf"))[-2:] == [
        "+ share osl in debian: 3",
        "+ share nsf in debian: 1",
    ]
    assert weights() == [("nsf", 1, -1, 99), ("osl", 3, -1, 99)]


def test_a_changed_undated_share_ends_the_old_and_appends_the_new() -> None:
    lines(HOUSE + share(3))
    assert lines(share(4), NOW + DAY) == [
        "~ share osl in debian: 3, now until 2026-05-02T12:00:00Z",
        "+ share osl in debian: 4 from 2026-05-02T12:00:00Z",
    ]
    assert weights() == [("osl", 3, -1, 1), ("osl", 4, 1, 99)]
    assert lines(share(4), NOW + 2 * DAY) == []


def test_a_later_undated_share_does_not_change_the_past_of_others() -> None:
    lines(HOUSE + share(3))
    lines(share(1, institution="nsf"), NOW + DAY)
    assert weights() == [("nsf", 1, 1, 99), ("osl", 3, -1, 99)]


def test_a_dated_share_holds_for_its_time_and_others_stay_for_theirs() -> None:
    lines(HOUSE + share(3))
    lines(share(5, "from = 2026-05-11T12:00:00Z\nuntil = 2026-05-21T12:00:00Z"))
    assert weights() == [("osl", 3, -1, 10), ("osl", 3, 20, 99), ("osl", 5, 10, 20)]


def test_a_corrected_share_is_withdrawn_and_not_forgotten() -> None:
    dates = "from = 2026-05-01T12:00:00Z"
    lines(HOUSE + share(3, dates))
    assert lines(share(4, dates), NOW + DAY) == [
        "- share osl in debian: 3 from 2026-05-01T12:00:00Z",
        "+ share osl in debian: 4 from 2026-05-01T12:00:00Z",
    ]
    assert weights() == [("osl", 4, 0, 99)]
    (withdrawn,) = Share.objects.exclude(withdrawn_ms=None)
    assert (withdrawn.weight, withdrawn.withdrawn_ms) == (3, T0 + 86_400_000)


def test_a_membership_has_a_role_and_dates() -> None:
    member = '[[memberships]]\nuser = "alice"\nproject = "debian"\nrole = "{}"\n{}\n'
    lines(HOUSE + member.format("manager", "from = 2026-01-01"))
    assert lines(member.format("member", ""), NOW + DAY) == [
        "~ membership alice in debian: manager from 2026-01-01, now until 2026-05-02T12:00:00Z",
        "+ membership alice in debian: member from 2026-05-02T12:00:00Z",
    ]
    assert [each.role for each in reading.memberships(ALL)] == ["manager", "member"]


def test_pruning_deletes_what_nothing_refers_to_and_ends_the_rest() -> None:
    keep([snapshot("instance", at(0), [instance("a")])])
    rule = '[[rules]]\nname = "a"\nproject = "debian"\nuser = "alice"\n'
    lines(HOUSE + share(1) + rule)
    keep([snapshot("instance", at(1), [instance("a")])])
    assert lines(PRUNE, NOW + DAY) == [
        "~ share osl in debian: 1, now until 2026-05-02T12:00:00Z",
        '- rule 1: name "a" -> project debian, user alice',
        "- institution nsf",
        "- institution osl (ended)",
        "- project debian (ended)",
        "- user alice (ended)",
    ]
    assert [each.key for each in reading.institutions(ALL)] == ["osl"]
    assert [each.ended_ms - T0 for each in reading.projects(ALL)] == [86_400_000]


def test_what_was_pruned_can_be_declared_again() -> None:
    lines(HOUSE + share(1))
    lines(PRUNE, NOW + DAY)
    assert lines(HOUSE, NOW + 2 * DAY) == [
        "~ institution osl: declared again, no longer ended",
        '+ institution nsf "nsf"',
        "~ project debian: declared again, no longer ended",
        '+ user alice "alice"',
    ]


def test_pruning_leaves_alone_what_sources_found() -> None:
    keep(everybody(at(0)))
    before = reading.projects(ALL)
    assert lines(PRUNE) == []
    assert reading.projects(ALL) == before


def test_what_prune_removes_cannot_be_referred_to() -> None:
    lines(HOUSE)
    with pytest.raises(Mistakes) as caught:
        apply(parse_text(PRUNE + '[[projects]]\nkey = "b"\nparent = "debian"', "x"), now=NOW)
    assert caught.value.lines == (
        'x: [[projects]] "b" (line 3): parent "debian" is not in the file, and prune removes it',
    )


RULES = """
[[rules]]
tag = "project:*"
project = "*"
[[rules]]
source = "cloud"
project = "debian"
"""


def test_the_files_rules_replace_all_rules_and_no_rules_leave_them() -> None:
    assert lines(HOUSE + RULES)[-2:] == [
        '+ rule 1: tag "project:*" -> project *',
        "+ rule 2: anything of cloud -> project debian",
    ]
    assert lines(HOUSE) == []
    assert lines('[[rules]]\nsource = "cloud"\nproject = "debian"') == [
        '- rule 1: tag "project:*" -> project *',
        "~ rule 2: now 1: anything of cloud -> project debian",
    ]
    assert lines("rules = []") == ["- rule 1: anything of cloud -> project debian"]


ADOPT = '[[projects]]\nkey = "{}"\nsource = "cloud"\nexternal_id = "p-debian"\n'


def test_a_declared_project_adopts_what_a_source_lists_later() -> None:
    lines(ADOPT.format("deb"))
    keep(everybody(at(0)))
    keys = {each.key: each.name for each in reading.projects(ALL)}
    assert keys == {"deb": "deb", "deb/cd": "CD", "moon": "Moon"}


def test_a_declared_project_adopts_what_a_source_listed_before() -> None:
    keep(everybody(at(0)))
    assert lines(ADOPT.format("deb")) == [
        "~ project debian: key debian -> deb, found by cloud, now declared"
    ]
    assert {each.key for each in reading.projects(ALL)} == {"deb", "debian/cd", "moon"}
    keep(everybody(at(1)))
    assert {each.key for each in reading.projects(ALL)} == {"deb", "debian/cd", "moon"}


def test_a_project_declared_and_found_apart_becomes_one() -> None:
    lines(HOUSE + share(1) + '[[rules]]\nsource = "other"\nproject = "debian"\n')
    keep(everybody(at(0)))
    assert [each.key for each in reading.projects(ALL)] == [
        "debian",
        "debian-2",
        "debian-2/cd",
        "moon",
    ]
    keep([snapshot("instance", at(0), [instance("x", id="other/x")], source="other")])
    assert lines(ADOPT.format("debian")) == [
        "~ project debian: takes over all of debian-2",
        "~ project debian: source none -> cloud, external_id none -> p-debian",
    ]
    debian, cd, _ = reading.projects(ALL)
    assert (debian.key, cd.key, cd.parent_id) == ("debian", "debian-2/cd", debian.id)
    owners = {row.key: row.project_id for row in reading.resources(ALL).rows}
    assert owners["cloud/mirror"] == owners["other/x"] == debian.id


def test_a_key_that_a_source_found_can_be_declared_in_place() -> None:
    keep(everybody(at(0)))
    assert lines('[[users]]\nkey = "alice"\nname = "Alice A."') == [
        "~ user alice: name Alice -> Alice A., found by cloud, now declared"
    ]
    keep(everybody(at(1)))
    assert [each.name for each in reading.users(ALL)] == ["Alice A.", "Bob", "Carol"]


def test_one_project_cannot_adopt_two() -> None:
    keep(everybody(at(0)))
    with pytest.raises(Mistakes) as caught:
        apply(parse_text(ADOPT.format("moon"), "x"), now=NOW)
    assert caught.value.lines == ('x: [[projects]] "moon" (line 1): is p-moon of cloud already',)


def test_undeclaring_what_a_source_lists_leaves_it_to_the_source() -> None:
    keep(everybody(at(0)))
    lines('[[users]]\nkey = "alice"\nname = "Alice A."')
    assert lines(PRUNE) == ["- user alice (still found by cloud)"]
    keep(everybody(at(1)))
    assert [each.name for each in reading.users(ALL)] == ["Alice", "Bob", "Carol"]


def test_declared_shares_count_before_a_sources_own() -> None:
    keep(everybody(at(0)))
    lines('[[institutions]]\nkey = "osl"\n' + share(9, "from = 2026-05-02T12:00:00Z"))
    debian = next(each.id for each in reading.projects(ALL) if each.key == "debian")
    found = [row for row in reading.shares(ALL) if row.project_id == debian]
    assert sorted((row.weight, row.start_ms - T0, row.end_ms) for row in found) == [
        (1, 0, T0 + 86_400_000),
        (3, 0, T0 + 86_400_000),
        (9, 86_400_000, FOREVER),
    ]


def test_applying_is_bounded_in_queries(
    django_assert_max_num_queries: Callable[[int], object],
) -> None:
    many = "".join(f'[[projects]]\nkey = "p{n}"\n' for n in range(50))
    apply(parse_text(many, "x"), now=NOW)
    with django_assert_max_num_queries(10):  # type: ignore[attr-defined]
        assert not plan(parse_text(many, "x"), now=NOW)


def price(per_kwh: str, dates: str = "") -> str:
    return f'[[prices]]\nper_kwh = {per_kwh}\ncurrency = "EUR"\n{dates}\n'


def test_the_first_price_holds_always_and_the_next_from_now_on() -> None:
    assert lines(price("0.25")) == ["+ price: 0.25 EUR"]
    assert lines(price("0.30")) == [
        "~ price: 0.25 EUR, now until 2026-05-01T12:00:00Z",
        "+ price: 0.3 EUR from 2026-05-01T12:00:00Z",
    ]
    assert [str(row.per_kwh) for row in reading.tariff_in(ALWAYS)[0]] == ["0.25", "0.3"]


def test_what_a_file_replaces_of_a_price_is_withdrawn_and_stays_to_be_seen() -> None:
    lines(price("0.25"))
    assert lines(price("0.20", "from = 2020-01-01") + price("0.19", "until = 2020-01-01")) == [
        "- price: 0.25 EUR",
        "+ price: 0.19 EUR until 2020-01-01",
        "+ price: 0.2 EUR from 2020-01-01",
    ]
    assert Price.objects.exclude(withdrawn_ms=None).get().per_kwh == "0.25"
    assert [str(row.per_kwh) for row in reading.tariff_in(ALWAYS)[0]] == ["0.19", "0.2"]


def test_terms_that_are_not_in_the_file_stay_unless_it_prunes() -> None:
    feed = '[[feeds]]\noutlet = "pdu/1"\nnode = "node-1"\n'
    past = '[[feeds]]\noutlet = "pdu/1"\nnode = "old"\nuntil = 2020-01-01\n'
    idle = '[[idle]]\nnode = "node-1"\nwatts = 90\n[[carbon]]\ng_per_kwh = 380\n'
    assert lines(feed + past + idle) == [
        "+ carbon factor: 380",
        "+ feed pdu/1 to node-1",
        "+ feed pdu/1 to old: until 2020-01-01",
        "+ idle power of node-1: 90",
    ]
    assert lines("") == []
    assert lines(PRUNE) == [
        "~ carbon factor: 380, now until 2026-05-01T12:00:00Z",
        "~ feed pdu/1 to node-1, now until 2026-05-01T12:00:00Z",
        "~ idle power of node-1: 90, now until 2026-05-01T12:00:00Z",
    ]
    assert [row.node for row in reading.feeds_in(ALWAYS)] == ["node-1", "old"]
    assert [row.node for row in reading.idle_in(ALWAYS)] == ["node-1"]
    assert [row.source for row in reading.tariff_in(ALWAYS)[1]] == [""]
