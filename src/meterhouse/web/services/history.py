"""Brings the history along that Kwapi kept in RRD files, a transaction a file."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from django.db import transaction

from meterhouse.clients.rrdtool import program
from meterhouse.inventory.earlier import was_there
from meterhouse.live.probes import Probe
from meterhouse.metering.errors import BadReading
from meterhouse.metering.meters import POWER
from meterhouse.station import kwapi_rrd
from meterhouse.station.kwapi_rrd import Means
from meterhouse.store.bringing import Brought, NotMeasured, bring
from meterhouse.store.past import Past
from meterhouse.store.retention import Policy
from meterhouse.web.services.brought import Done

_READERS = 2  # files that are read while one is written
_AT_ONCE = 32


class Directory:
    """Probes by what their files may be called."""

    def __init__(self, probes: Iterable[Probe], renamed: Mapping[str, str]) -> None:
        """renamed: what Kwapi called a probe, to its key or name here, where the two differ."""
        self._by_stem: dict[str, dict[str, Probe]] = {}
        before: dict[str, list[str]] = {}
        for old, new in renamed.items():
            before.setdefault(new, []).append(old)
        for probe in probes:
            names = {probe.resource, probe.name}
            for name in [*names, *(old for each in names for old in before.get(each, ()))]:
                for stem in kwapi_rrd.stems(name):
                    self._by_stem.setdefault(stem, {})[probe.resource] = probe

    def find(self, path: Path) -> Probe | str:
        """Whose file it is, or why that cannot be said."""
        found = list(self._by_stem.get(path.stem, {}).values())
        if len(found) == 1:
            return found[0]
        if not found:
            return "it is of no probe that is read here, by its name"
        keys = " or ".join(sorted(probe.resource for probe in found))
        return f"it is of {keys}: say which with --source or --probe"


@dataclass(frozen=True, slots=True)
class Rules:
    """By when it is, what is kept how long, and whether to write at all."""

    now_ms: int
    policy: Policy
    dry_run: bool = False


def bring_along(paths: Sequence[Path], directory: Directory, rules: Rules) -> Iterator[Done]:
    """Work through files; each is done, or left out, by itself. Raises Unreachable."""
    with ThreadPoolExecutor(_READERS, thread_name_prefix="rrd") as readers:
        for first in range(0, len(paths), _AT_ONCE):
            found = [(path, directory.find(path)) for path in paths[first : first + _AT_ONCE]]
            read = [
                None if isinstance(whose, str) else readers.submit(_means, path)
                for path, whose in found
            ]
            for (path, whose), means in zip(found, read, strict=True):
                if isinstance(whose, str) or means is None:
                    yield Done(path, why=str(whose))
                else:
                    yield _done(path, whose, means.result, rules)


def _means(path: Path) -> Means:
    return kwapi_rrd.means(program.read(path))


def _done(path: Path, probe: Probe, means: Callable[[], Means], rules: Rules) -> Done:
    try:
        found = means()
        return Done(path, probe, _write(probe, found, rules), found.refused)
    except BadReading as error:
        return Done(path, probe, why=str(error))
    except NotMeasured:
        return Done(path, probe, why="nothing was read here yet: up to when would it reach?")


def _write(probe: Probe, means: Means, rules: Rules) -> Brought:
    moments = [1000 * column for column in means[:3]]
    past = Past(moments[0], moments[1], moments[2], means.watts)
    with transaction.atomic():
        brought = bring(probe.resource, POWER.name, past, now_ms=rules.now_ms, policy=rules.policy)
        if brought.covered_ms:
            was_there(probe.resource, brought.start_ms)
        if rules.dry_run:
            transaction.set_rollback(True)
    return brought
