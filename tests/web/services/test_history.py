"""Kwapi's files, brought along: found by their names, each done or left out by itself."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from django.test import Client
from tests import rrd
from tests.inventory.cast import snapshot
from tests.web.cast import HOUR_MS, record

from meterhouse.clients.rrdtool.program import read
from meterhouse.inventory.keep import keep
from meterhouse.inventory.scope import Scope
from meterhouse.live.probes import probes
from meterhouse.metering.clock import FixedClock
from meterhouse.metering.meters import POWER
from meterhouse.metering.periods import Period, from_ms
from meterhouse.metering.samples import Sample
from meterhouse.metering.snapshots import Resource
from meterhouse.station.kwapi_rrd import means
from meterhouse.store import reading
from meterhouse.store.retention import Policy
from meterhouse.store.statistics import statistics
from meterhouse.usage.figures import figures
from meterhouse.usage.report import Axis
from meterhouse.usage.statement import statement
from meterhouse.web.services.brought import Done, last_line, line
from meterhouse.web.services.history import Directory, Rules, bring_along

pytestmark = pytest.mark.usefixtures("house")
DAY_S = 86_400
READ = ("pdu/A", "pdu/B", "ups/B", "bmc/node-3+node-4")


# Where a row of Kwapi's archives begins relative to now hangs on the date and the hour.
MOMENTS = (
    "2026-05-01T12:00:00Z",
    "2026-12-01T00:12:00Z",
    "2026-12-01T01:35:00Z",
    "2026-12-03T00:00:00Z",  # a week, in seconds since 1970, begins
    "2026-12-31T23:59:30Z",
    "2028-02-29T23:59:30Z",
    "2026-03-29T01:00:00Z",
    "2026-10-25T01:00:00Z",
)


@pytest.fixture(params=MOMENTS)
def moment(request: pytest.FixtureRequest) -> datetime:
    return datetime.fromisoformat(request.param)


@pytest.fixture
def now_ms(house: None, machine: FixedClock) -> int:
    """Four probes, each listed and read for the first time a minute ago."""
    now = machine.now_ms()
    for source in ("pdu", "ups", "bmc"):
        mine = [
            Resource(id=key, kind="outlet", name=key.partition("/")[2], details={"feeds": "n1"})
            for key in READ
            if key.startswith(source)
        ]
        keep([snapshot("outlet", now - 60_000, mine, source=source)])
    record([Sample(POWER, key, 50, now - 60_000) for key in READ], now)
    return now


def kwapi_file(folder: Path, name: str, now_ms: int, *, days: int = 30) -> Path:
    """What Kwapi would have kept of some days of 100 W, until half a minute ago."""
    end = now_ms // 1000 - 30
    moments = range(end - days * DAY_S, end + 1, 500)
    return rrd.make(folder / f"{rrd.stem(name)}.rrd", [(at, 100) for at in moments])


def brought(
    now_ms: int,
    *paths: Path,
    source: str = "",
    renamed: dict[str, str] | None = None,
    dry_run: bool = False,
) -> list[Done]:
    mine = [probe for probe in probes().all if probe.resource.startswith(source)]
    rules = Rules(now_ms, Policy(), dry_run=dry_run)
    return list(bring_along(paths, Directory(mine, renamed or {}), rules))


def kwh(resource: str, start_ms: int, end_ms: int) -> float:
    found = reading.integrals([(resource, start_ms, end_ms)], POWER.name)
    return float(found.integral[0]) / 3.6e6


def test_a_file_is_found_by_the_name_of_its_probe(now_ms: int, tmp_path: Path) -> None:
    path = kwapi_file(tmp_path, "A", now_ms)
    (done,) = brought(now_ms, path)
    assert done.probe
    assert done.brought
    assert done.probe.resource == "pdu/A"
    assert done.brought.end_ms == now_ms - 60_000
    assert kwh("pdu/A", 0, now_ms - 60_000) == pytest.approx(done.brought.integral / 3.6e6)
    assert kwh("pdu/A", 0, now_ms) == pytest.approx(30 * 24 * 0.1, rel=0.01)


def test_totals_agree_with_what_the_file_says(now_ms: int, tmp_path: Path) -> None:
    end = now_ms // 1000 - 30
    moments = [at for at in range(end - 40 * DAY_S, end, 301) if at % 700_000 > 50_000]
    path = rrd.make(tmp_path / f"{rrd.stem('A')}.rrd", [(at, at % 977) for at in moments])
    brought(now_ms, path)
    found, until = means(read(path)), (now_ms - 60_000) // HOUR_MS * HOUR_MS
    length = np.clip(found.end_s * 1000, None, until) - np.clip(found.start_s * 1000, None, until)
    expected = reading.integrals([("pdu/A", 0, until)], POWER.name)
    assert float(found.watts @ length) / 1000 == pytest.approx(expected.integral[0], rel=1e-9)
    assert length.sum() == expected.covered_ms[0]


def test_grid5000_adds_what_is_measured_to_the_name(now_ms: int, tmp_path: Path) -> None:
    (done,) = brought(now_ms, kwapi_file(tmp_path, "A.power", now_ms, days=1))
    assert done.brought
    assert done.brought.covered_ms > 0


def test_a_file_that_was_downloaded_bears_the_probes_name(now_ms: int, tmp_path: Path) -> None:
    path = kwapi_file(tmp_path, "A", now_ms, days=1)
    (done,) = brought(now_ms, path.rename(tmp_path / "A.rrd"))
    assert done.brought
    assert done.brought.covered_ms > 0


def test_a_probe_may_have_had_another_name(now_ms: int, tmp_path: Path) -> None:
    path = kwapi_file(tmp_path, "site.pdu.7.power", now_ms, days=1)
    assert brought(now_ms, path)[0].why == "it is of no probe that is read here, by its name"
    (done,) = brought(now_ms, path, renamed={"site.pdu.7": "node-3+node-4"})
    assert done.probe
    assert done.probe.resource == "bmc/node-3+node-4"


def test_of_two_probes_with_one_name_the_source_decides(now_ms: int, tmp_path: Path) -> None:
    path = kwapi_file(tmp_path, "B", now_ms, days=1)
    (unsure,) = brought(now_ms, path)
    assert unsure.why == "it is of pdu/B or ups/B: say which with --source or --probe"
    (sure,) = brought(now_ms, path, source="ups/")
    assert sure.brought
    assert kwh("pdu/B", 0, now_ms - 60_000) == 0 < kwh("ups/B", 0, now_ms - 60_000)


def test_what_cannot_be_used_costs_one_line_each_and_nothing_else(
    now_ms: int, tmp_path: Path
) -> None:
    good = kwapi_file(tmp_path, "A", now_ms)
    bad = {
        "pdu/B": b"",
        "ups/B": good.read_bytes()[:7000],
        "node-3+node-4": b"hello\n" * 5000,
    }
    paths = [tmp_path / f"{rrd.stem(name)}.rrd" for name in bad]
    for path, content in zip(paths, bad.values(), strict=True):
        path.write_bytes(content)
    foreign = tmp_path / f"{rrd.stem('bmc/node-3+node-4')}.rrd"
    rrd.make(foreign, [(now_ms // 1000 - 99, 1)], source="DS:o:DERIVE:600:0:U")
    greatest = tmp_path / "node-3+node-4.rrd"
    rrd.make(greatest, [(now_ms // 1000 - 99, 1)], function="MAX")
    done = brought(now_ms, *paths, foreign, good, greatest, tmp_path / "unknown.rrd")
    assert [one.brought is not None for one in done] == [False] * 4 + [True] + [False] * 2
    assert all("\n" not in line(one) for one in done)
    assert "holds no power" in done[3].why
    assert "no archive of means" in done[5].why
    assert kwh("pdu/A", 0, now_ms) > 70
    assert last_line(done, dry_run=False).endswith("; 6 left out")


def test_a_second_run_changes_nothing(now_ms: int, tmp_path: Path) -> None:
    path = kwapi_file(tmp_path, "A", now_ms)
    brought(now_ms, path)
    before = statistics(), kwh("pdu/A", 0, now_ms)
    (again,) = brought(now_ms, path)
    assert (statistics(), kwh("pdu/A", 0, now_ms)) == before
    assert line(again).startswith("pdu/A: nothing new; left out: ")
    assert "that is there already" in line(again)


def test_a_dry_run_tells_and_writes_nothing(now_ms: int, tmp_path: Path) -> None:
    path = kwapi_file(tmp_path, "A", now_ms)
    before = statistics()
    dry = brought(now_ms, path, dry_run=True)
    assert statistics() == before
    assert last_line(dry, dry_run=True).startswith("1 files: 1 would be brought, 7")
    wet = brought(now_ms, path)
    assert line(dry[0]) == line(wet[0])


def test_the_line_says_what_was_left_out_and_why(now_ms: int, tmp_path: Path) -> None:
    end = now_ms // 1000 + 7200
    moments = range(end - 30 * DAY_S, end + 1, 500)
    path = rrd.make(
        tmp_path / f"{rrd.stem('A')}.rrd",
        [(at, 2e6 if at > end - 100 else 100) for at in moments],
    )
    mine = Directory(probes().all, {})
    policy = Policy(timedelta(days=9), timedelta(days=9), timedelta(days=20))
    (done,) = bring_along([path], mine, Rules(now_ms, policy))
    said = line(done)
    assert f" to {from_ms(now_ms - 60_000):%F %H:%M} UTC, " in said
    assert re.search(r"left out: (1\d\d min|2 h) from its first reading here on", said)
    assert re.search(r"(10\.0|9\.[89]) d older than METERHOUSE_KEEP_HOURS keeps", said)
    assert re.search(r"; \d{3} means that cannot be", said)


def test_pages_show_it(now_ms: int, tmp_path: Path, root: Client, alice: Client) -> None:
    brought(now_ms, kwapi_file(tmp_path, "A", now_ms))
    data = root.get("/last/year/data/").json()
    known = [watts for band in data["bands"] for watts in band["watts"] if watts]
    assert len(known) >= 30
    assert re.search(r"7[12]\.\d", root.get("/last/year/legend/?format=csv").content.decode())
    page = root.get("/probe/A/").content.decode()
    assert "history brought along from" in page
    assert alice.get("/probe/A/").status_code == 404
    single = root.get("/graphs/power/A/?period=month").json()
    assert sum(value is not None for value in single["columns"][2]) > 25


def test_reports_of_that_time_show_it_as_nobodys(now_ms: int, tmp_path: Path) -> None:
    brought(now_ms, kwapi_file(tmp_path, "A", now_ms))
    start = now_ms - 28 * 24 * HOUR_MS
    period = Period.from_ms(start, start + 10 * 24 * HOUR_MS)
    rows = statement_of(period)
    assert [(key, float(used)) for key, used in rows if used] == [("pdu/A", 24.0)]


def statement_of(period: Period) -> Sequence[tuple[str, Decimal | None]]:
    now = period.end
    found = statement(period, by=Axis.RESOURCE, scope=Scope.all(), now=now, using="default")
    return [(row.key, figures(row.own).energy_kwh) for row in found.rows]
