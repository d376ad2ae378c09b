"""What counts as use: which kinds of resources, in which of their states. One table, no ifs.

Sources of the rules: NERC's "How does NERC pricing work" (stopped instances are billed, shelved
and deleted ones are not) and the state machine of CCI-MOC/openstack-billing-from-db, which
charges stopped time since 2024-03; OSL's metering of Ganeti bills what is allocated.
"""

from dataclasses import dataclass

from meterhouse.metering.snapshots import State


@dataclass(frozen=True, slots=True)
class Rule:
    """What counts while a resource is in one state. Its disk counts in every state.

    size:     its vCPUs and its RAM count, because nobody else can have them meanwhile
    power:    it can draw power, so that time without a power reading is a gap
    because:  the reason, as reports print it
    """

    size: bool
    power: bool
    because: str


COUNTS = {
    State.RUNNING: Rule(size=True, power=True, because="it works"),
    State.PAUSED: Rule(size=True, power=True, because="its memory stays on the host"),
    State.STOPPED: Rule(size=True, power=False, because="its place stays reserved"),
    State.SHELVED: Rule(size=False, power=False, because="its place was given back"),
    State.ERROR: Rule(size=True, power=True, because="its place stays reserved"),
    State.UNKNOWN: Rule(size=True, power=True, because="nobody gave its place back"),
    State.PRESENT: Rule(size=True, power=True, because="it exists"),
}

SERVERS = frozenset({"instance", "machine"})
"""Kinds whose time is server hours: what somebody can log in to and was given as a server."""

CAPACITY = frozenset({"node", "cluster", "group"})
"""Kinds that others are made of: their size is not use, or it would count twice with theirs."""

POWERLESS = frozenset({"volume", "image", "address", "network"})
"""Kinds that draw no power of their own: no reading is missing there."""

IDLE, OVERHEAD = "idle", "overhead"
ENERGY_ONLY = frozenset({IDLE, OVERHEAD})
"""Kinds of rows that are nothing but energy: a node's idle share, what no known node drew."""


def _states(*, counted: bool) -> str:
    rules = ((state, rule) for state, rule in COUNTS.items() if rule.size == counted)
    return ", ".join(f"{state} ({rule.because})" for state, rule in rules)


_SIZE = (
    "vCPU-hours and RAM GiB-hours count what is allocated to a resource while it is "
    f"{_states(counted=True)}; not while it is {_states(counted=False)}."
)
NOTES = (
    _SIZE,
    "Disk GiB-hours count as long as the resource exists, in every state.",
    f"Server hours are those of resources of kind {' or '.join(sorted(SERVERS))}.",
    f"The size of a {' or '.join(sorted(CAPACITY))} is not counted: that of what runs on it is.",
    "Names are those of now; who paid, and where a project stood, are those of the time.",
)
"""The rules in words, as reports print them."""
