"""What the simulated cloud's projects run, how large and for how long, and what happens to it."""

from dataclasses import dataclass

from meterhouse.metering.snapshots import State
from meterhouse.sources.simulator.rhythm import DAY_MS

GIB = 1024**3


@dataclass(frozen=True, slots=True)
class Flavor:
    name: str
    vcpus: int
    ram_gib: int
    disk_gib: int


FLAVORS = (
    Flavor("small", 1, 2, 20),
    Flavor("medium", 2, 4, 40),
    Flavor("large", 4, 8, 80),
    Flavor("xlarge", 8, 32, 160),
    Flavor("huge", 16, 64, 320),
)
IMAGES = ("Debian 12", "Debian 13", "Ubuntu 24.04", "AlmaLinux 9", "FreeBSD 14")


@dataclass(frozen=True, slots=True)
class Tempo:
    """How long instances last: bounds of a turn in days, and of the part of it they live."""

    shortest: float
    longest: float
    least: float
    most: float


LONG = Tempo(150, 500, 0.93, 0.99)
MIDDLE = Tempo(10, 60, 0.75, 0.97)
SHORT = Tempo(0.7, 4, 0.6, 0.95)
CLASS = Tempo(1, 1, 0.35, 0.42)  # from eight in the morning, on working days


@dataclass(frozen=True, slots=True)
class Plan:
    """Some places of one project, whose instances do the same."""

    project: str
    role: str
    places: int
    tempo: Tempo


PLANS = (
    Plan("mirrors", "mirror", 6, LONG),
    Plan("mirrors", "sync", 3, LONG),
    Plan("builders", "builder", 14, MIDDLE),
    Plan("runners", "runner", 20, SHORT),
    Plan("caches", "cache", 4, LONG),
    Plan("lists", "mail", 4, LONG),
    Plan("wikis", "wiki", 9, LONG),
    Plan("infrastructure", "controller", 3, LONG),
    Plan("infrastructure", "monitor", 3, LONG),
    Plan("production", "lattice", 14, MIDDLE),
    Plan("analysis", "notebook", 8, MIDDLE),
    Plan("detector", "daq", 8, LONG),
    Plan("tides", "forecast", 7, MIDDLE),
    Plan("salinity", "model", 10, MIDDLE),
    Plan("sequencing", "pipeline", 11, MIDDLE),
    Plan("variants", "caller", 9, MIDDLE),
    Plan("labs", "lab", 18, CLASS),
    Plan("databases", "postgres", 8, MIDDLE),
    Plan("catalogue", "web", 5, LONG),
    Plan("catalogue", "search", 3, LONG),
    Plan("archive", "store", 7, LONG),
)
HOMES = tuple(dict.fromkeys(plan.project for plan in PLANS))


QUIET_MS = 10 * DAY_MS  # between two changes, on average


@dataclass(frozen=True, slots=True)
class Change:
    """What may happen to an instance. weight: how often, relative to the others.

    state, shortest_h, longest_h: what it is meanwhile and for how many hours, if it passes
    """

    name: str
    weight: int
    state: State = State.RUNNING
    shortest_h: float = 0
    longest_h: float = 0


CHANGES = (
    Change("stop", 38, State.STOPPED, 2, 40),
    Change("resize", 28),
    Change("hand on", 14),  # to another user of the project
    Change("move", 8),  # to another project of the branch, or back
    Change("shelve", 6, State.SHELVED, 24, 120),
    Change("fail", 4, State.ERROR, 1, 4),
)
WEIGHTS = [change.weight for change in CHANGES]
