"""docs/reports.md lists what there is, and nothing else."""

import re
from pathlib import Path

from meterhouse.metering.snapshots import State
from meterhouse.reports.csv.format import COLUMNS
from meterhouse.usage.counting import CAPACITY, COUNTS, POWERLESS, SERVERS
from meterhouse.usage.quantities import AMOUNTS

PAGE = (Path(__file__).parents[2] / "docs" / "reports.md").read_text()


def table(title: str) -> list[list[str]]:
    """The cells of the first table after a heading, without its own head."""
    after = PAGE.partition(f"\n{title}\n")[2]
    lines = re.findall(r"(?m)^\|.*\|$", after.partition("\n## ")[0])
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_csv_column_is_described_in_its_order() -> None:
    assert [cells[0] for cells in table("## CSV")] == [f"`{column}`" for column in COLUMNS]


def test_the_rules_of_counting_are_those_of_the_code() -> None:
    words = {True: "yes", False: "no"}
    assert table("## What counts") == [
        [
            f"`{state}`",
            "yes",
            words[COUNTS[state].size],
            "yes",
            words[COUNTS[state].power],
            COUNTS[state].because,
        ]
        for state in sorted(State, key=list(COUNTS).index)
    ]
    for kind in SERVERS | CAPACITY | POWERLESS:
        assert f"`{kind}`" in PAGE


def test_every_exact_amount_is_described() -> None:
    for name in ("server_seconds", *AMOUNTS):
        assert f"| `{name}` |" in PAGE
