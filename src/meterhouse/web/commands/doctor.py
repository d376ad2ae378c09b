"""``meterhouse doctor``: what is wrong here, and what to do."""

import argparse
from pathlib import Path

from meterhouse.metering.clock import SystemClock
from meterhouse.metering.errors import Mistake
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

    bad = 0
    for finding in examine(data, SystemClock()):
        print(f"{finding.verdict:4}  {finding.subject:13}  {finding.what}")
        if finding.do:
            print(f"{'':21}→ {finding.do}")
        bad += finding.verdict is Verdict.BAD
    print("\nAll is well." if not bad else f"\n{bad} things to mend.")
    return 1 if bad else 0
