"""``meterhouse doctor``: what is wrong here, and what to do."""

import argparse
from collections import Counter
from pathlib import Path

from meterhouse.metering.clock import SystemClock
from meterhouse.metering.errors import Mistake, printable
from meterhouse.web import ready


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing but --data."""


def run(arguments: argparse.Namespace) -> int:
    """Print a line a finding. Returns 1 if something is bad."""
    data = Path(arguments.data).absolute()
    if not data.exists():
        raise Mistake(f"{data} does not exist: start `meterhouse up --data {arguments.data}` once")
    ready.prepare()
    from meterhouse.web.doctor import Verdict, examine  # noqa: PLC0415 - models need Django

    verdicts: Counter[Verdict] = Counter()
    for finding in examine(data, SystemClock()):
        print(printable(f"{finding.verdict:4}  {finding.subject:13}  {finding.what}"))
        if finding.do:
            print(f"{'':21}→ {finding.do}")
        verdicts[finding.verdict] += 1
    print(f"\n{_sum(verdicts[Verdict.BAD], verdicts[Verdict.DOUBT])}")
    return 1 if verdicts[Verdict.BAD] else 0


def _sum(bad: int, doubtful: int) -> str:
    """Say in a line what there is to do; only where nothing is left to do is all well."""
    parts = [f"{bad} to mend"] if bad else []
    parts += [f"{doubtful} to look at"] if doubtful else []
    return f"{', '.join(parts)}." if parts else "All is well."
