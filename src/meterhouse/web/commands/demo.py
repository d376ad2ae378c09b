"""``meterhouse demo``: a simulated estate beside this machine, with 30 days of history."""

import argparse
import asyncio
from datetime import timedelta
from pathlib import Path

from meterhouse.metering.clock import SystemClock
from meterhouse.web import ready
from meterhouse.web.commands import up
from meterhouse.web.services.server import free_or_mistake

CHANGED_DAYS_AGO = {"price_changes": 12, "factor_changes": 20}
"""Within the demo's 30 days, so that reports and legends have a price and a factor that change."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    up.add_arguments(parser)
    parser.add_argument("--seed", type=int, default=1, help="another seed is another estate")


def run(arguments: argparse.Namespace) -> int:
    place = free_or_mistake(arguments.host, arguments.port)
    ready.migrate()
    from meterhouse.web.services import first_start  # noqa: PLC0415 - models need Django
    from meterhouse.web.services.simulation import Simulation  # noqa: PLC0415

    data = Path(arguments.data).absolute()
    clock = SystemClock()
    words = {
        word: f"{clock.now() - timedelta(days=days):%F}" for word, days in CHANGED_DAYS_AGO.items()
    }
    first_start.declare_starter(data, clock, "demo.toml", words)
    simulation = Simulation(data, arguments.seed, lambda line: print(line, flush=True))
    print(f"Everything but this machine is simulated (seed {arguments.seed}).")
    return up.live(arguments, place, {"simulation": lambda: asyncio.to_thread(simulation.begin)})
