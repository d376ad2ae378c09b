"""What is read: each folder here with a ``source.py`` is one kind of source; a runner tends them.

A source is told everything (its configuration, its name, a clock), keeps no state outside the
object it opens, and does nothing but read. When to read, how long to wait, when to try again, what
to count and to log is the runner's work, once, for all of them.
"""

from meterhouse.clients.reasons import reason
from meterhouse.sources.blocking import Blocking
from meterhouse.sources.configuration import Configured, configure
from meterhouse.sources.counters import Counted, Register
from meterhouse.sources.crowd import Crowd, Partial, Tell, Told, Trouble
from meterhouse.sources.hosts import alone, check_hosts
from meterhouse.sources.kinds import Named, Reading, Source, SourceKind, kind, kinds
from meterhouse.sources.limits import Limits
from meterhouse.sources.listing import Listing
from meterhouse.sources.near import hint
from meterhouse.sources.outlets import Measures, Outlets, Probes, checked, unnameable
from meterhouse.sources.parts import Parts, lacks
from meterhouse.sources.units import UNITS, factor

__all__ = [
    "UNITS",
    "Blocking",
    "Configured",
    "Counted",
    "Crowd",
    "Limits",
    "Listing",
    "Measures",
    "Named",
    "Outlets",
    "Partial",
    "Parts",
    "Probes",
    "Reading",
    "Register",
    "Source",
    "SourceKind",
    "Tell",
    "Told",
    "Trouble",
    "alone",
    "check_hosts",
    "checked",
    "configure",
    "factor",
    "hint",
    "kind",
    "kinds",
    "lacks",
    "reason",
    "unnameable",
]
