"""A month's statement: 10,000 instances, 500 projects, 50 institutions, 50,000 revisions.

Once without power meters, and once with 500 nodes behind as many outlets, whose energy is split
over the instances on them.
"""

import io
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from meterhouse.usage.report import Axis

INSTITUTIONS, PROJECTS, USERS, INSTANCES, REVISIONS = 50, 500, 400, 10_000, 50_000
NODES, NODE_VCPUS = 500, 256
START, END = 1_777_593_600_000, 1_780_272_000_000  # May 2026, milliseconds since 1970
FOREVER = 2**63 - 1
QUARTER = 900_000
GIB = 2**30
BUDGET_S = {"json": 1, "csv": 1, "pdf": 3}
TIMES = 5


def run() -> list[tuple[str, str]]:
    """Measure in a process of its own: Django is set up once, with one database."""
    with tempfile.TemporaryDirectory() as data:
        done = subprocess.run(
            [sys.executable, "-m", "bench.statement", "--child"],
            env={**os.environ, "METERHOUSE_DATA": data, "METERHOUSE_DATABASE": ""},
            stdout=subprocess.PIPE,
            check=True,
        )
    return [(what, figure) for what, figure in json.loads(done.stdout)]


def main() -> None:
    rows = measure() if "--child" in sys.argv else run()
    if "--child" in sys.argv:
        json.dump(rows, sys.stdout)
        return
    for what, figure in rows:
        print(f"{what:60} {figure}")


def measure() -> list[tuple[str, str]]:
    from meterhouse.web import ready  # noqa: PLC0415 - after the environment is set

    ready.migrate()
    fill(random.Random(20260501))  # noqa: S311 - nothing secret
    from meterhouse.usage.report import Axis  # noqa: PLC0415 - models need Django

    rows = []
    for by in Axis:
        for name, budget_s in BUDGET_S.items():
            seconds, size = statement_as(name, by)
            held = "held" if seconds <= budget_s else "MISSED"
            figure = f"{seconds:.2f} s (budget {budget_s} s: {held}), {size / 1e6:.2f} MB"
            rows.append((f"{name.upper()} by {by}, from the database on", figure))
    meter_all(np.random.default_rng(20260501))
    for by in Axis:
        seconds, size = statement_as("json", by)
        held = "held" if seconds <= BUDGET_S["json"] else "MISSED"
        figure = f"{seconds:.2f} s (budget {BUDGET_S['json']} s: {held}), {size / 1e6:.2f} MB"
        rows.append((f"JSON by {by}, the energy of {NODES} nodes split", figure))
    return rows


def meter_all(dice: np.random.Generator) -> None:
    """Nodes, outlets that feed them, a month of their power in hours, and a price that changes."""
    from django.db import connection, transaction  # noqa: PLC0415 - after ready.migrate()

    from meterhouse.inventory import models  # noqa: PLC0415
    from meterhouse.store import blocks  # noqa: PLC0415
    from meterhouse.store.folding import Rows  # noqa: PLC0415

    with transaction.atomic():
        for kind in ("node", "outlet"):
            listing = models.Listing.objects.create(source=f"{kind}s", kind=kind)
            things = (
                {"key": f"{kind}s/n{n}", "kind": kind, "name": f"n{n}", "listing": listing}
                for n in range(NODES)
            )
            create(models.Revision, (_standing(each) for each in create(models.Resource, things)))
        for start, end, price in (
            (0, START + 40_000_000, "0.25"),
            (START + 40_000_000, FOREVER, "0.31"),
        ):
            models.Price.objects.create(start_ms=start, end_ms=end, per_kwh=price, currency="EUR")
        models.CarbonFactor.objects.create(start_ms=0, g_per_kwh="380")
        hours = range(START - 3_600_000, END + 3_600_000, 3_600_000)
        starts = np.array(hours, np.int64)
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO store_series (id, resource, meter, hold_ms, folded_ms, pruned_ms,"
                " minutes_pruned_ms) VALUES (%s, %s, 'power', 30000, %s, %s, %s)",
                # Of what is older than a year there are hours only.
                [(n + 1, f"outlets/n{n}", *[int(starts[-1])] * 3) for n in range(NODES)],
            )
            for number in range(NODES):
                watts = dice.uniform(150, 500, len(starts)).round(1)
                whole = np.full(len(starts), 3_600_000)
                rows = Rows(
                    starts, whole // 1000, watts, watts, watts, watts * 3600, 0 * watts, whole
                )
                blocks.write(cursor, blocks.of_rows(blocks.Granularity.HOUR, [(number + 1, rows)]))


def _standing(resource: Any) -> dict[str, Any]:
    details = f'{{"feeds":"{resource.name}","measures":"outlet"}}'
    return {
        "resource": resource,
        "listing": resource.listing,
        "seen_ms": 0,
        "start_ms": 0,
        "state": "present",
        "vcpus": NODE_VCPUS if resource.kind == "node" else 0,
        "details": details if resource.kind == "outlet" else "{}",
    }


def statement_as(name: str, by: "Axis") -> tuple[float, int]:
    """The shortest time of a statement, read from SQLite and written out, and its size.

    The shortest, because all that others do on the machine only adds to it.
    """
    from meterhouse.inventory.scope import Scope  # noqa: PLC0415 - models need Django
    from meterhouse.metering.periods import Period, from_ms  # noqa: PLC0415
    from meterhouse.reports import formats  # noqa: PLC0415
    from meterhouse.usage.statement import statement  # noqa: PLC0415

    times, size = [], 0
    for _ in range(TIMES):
        out = io.BytesIO()
        begun = time.perf_counter()
        month = Period.from_ms(START, END)
        report = statement(month, by=by, scope=Scope.all(), now=from_ms(END))
        formats()[name].write(report, out)
        times.append(time.perf_counter() - begun)
        size = len(out.getvalue())
    return min(times), size


def fill(dice: random.Random) -> None:
    """Write the estate straight into the inventory's tables."""
    from django.db import transaction  # noqa: PLC0415 - after ready.migrate()

    from meterhouse.inventory import models  # noqa: PLC0415

    with transaction.atomic():
        listing = models.Listing.objects.create(source="cloud", kind="instance")
        moments = np.arange(0, 86_400_000, QUARTER).astype("<u4").tobytes()
        days = range(START // 86_400_000 - 1, END // 86_400_000 + 1)
        create(models.Sighting, ({"listing": listing, "day": d, "moments": moments} for d in days))
        names = [{"key": f"i{n}", "name": f"Institution {n}"} for n in range(INSTITUTIONS)]
        institutions = create(models.Institution, iter(names))
        people = ({"key": f"u{n}", "name": f"Person {n}"} for n in range(USERS))
        users = create(models.User, people)
        projects = tree(models.Project, dice)
        create(models.Share, shares(projects, institutions, dice))
        machines = (
            {"key": f"cloud/{n}", "kind": "instance", "name": f"vm{n}", "listing": listing}
            for n in range(INSTANCES)
        )
        resources = create(models.Resource, machines)
        rows = revisions(resources, projects, users, dice)
        create(models.Revision, ({"listing": listing, **row} for row in rows))
        assert models.Revision.objects.count() == REVISIONS


def create(model: Any, rows: Iterator[dict[str, Any]]) -> list[Any]:
    made: list[Any] = model.objects.bulk_create([model(**row) for row in rows], batch_size=2000)
    return made


def tree(model: Any, dice: random.Random) -> list[Any]:
    """A fifth of the projects at the top, the others below any made before."""
    made: list[Any] = []
    for number in range(PROJECTS):
        parent = dice.choice(made) if number >= PROJECTS // 5 else None
        made.append(
            model.objects.create(key=f"p{number}", name=f"Project {number}", parent=parent)
        )
    return made


def shares(
    projects: list[Any], institutions: list[Any], dice: random.Random
) -> Iterator[dict[str, Any]]:
    """Three in five projects have shares of their own, a half of them change in the month."""
    for project in projects:
        if project.parent is None or dice.random() < 0.5:
            change = dice.randrange(START, END) if dice.random() < 0.5 else FOREVER
            for start, end in ((0, change), (change, FOREVER)):
                if start < end:
                    for payer in dice.sample(institutions, dice.randint(1, 4)):
                        weight = dice.randint(1, 100)
                        yield {
                            "project": project,
                            "institution": payer,
                            "weight": weight,
                            "start_ms": start,
                            "end_ms": end,
                        }


def revisions(
    resources: list[Any], projects: list[Any], users: list[Any], dice: random.Random
) -> Iterator[dict[str, Any]]:
    """Every instance changes four times in the month: its state, its size or its owner."""
    for resource in resources:
        project, user, node = dice.choice(projects), dice.choice(users), dice.randrange(NODES)
        cuts = sorted(dice.sample(range(START + 1, END), REVISIONS // INSTANCES - 1))
        starts = [START - 86_400_000, *cuts]
        for start, end in zip(starts, [*cuts, FOREVER], strict=True):
            if dice.random() < 0.1:
                project, user = dice.choice(projects), dice.choice(users)
            if dice.random() < 0.2:
                node = dice.randrange(NODES)
            vcpus = dice.choice([1, 2, 4, 8, 16])
            yield {
                "resource": resource,
                "seen_ms": start,
                "start_ms": start,
                "end_ms": end,
                "project": project,
                "user": user,
                "state": dice.choice(["running"] * 8 + ["stopped", "shelved"]),
                "vcpus": vcpus,
                "ram_bytes": vcpus * 4 * GIB,
                "disk_bytes": dice.randint(10, 500) * GIB,
                "details": f'{{"node":"n{node}"}}',
            }


if __name__ == "__main__":
    main()
