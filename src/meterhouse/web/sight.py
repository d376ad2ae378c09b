"""When a reader may see a resource's readings: while it was theirs, not before and not after."""

from dataclasses import dataclass

from meterhouse.inventory import reading
from meterhouse.inventory.facts import FOREVER
from meterhouse.inventory.scope import Scope

Stretch = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Sight:
    """The stretches (milliseconds since 1970, half-open) in which a resource may be seen.

    False where there are none: for this reader the resource does not exist.
    """

    stretches: tuple[Stretch, ...]

    def __bool__(self) -> bool:
        return bool(self.stretches)

    @property
    def is_present(self) -> bool:
        """Whether its newest readings may be seen."""
        return any(end == FOREVER for _, end in self.stretches)


EVERYTHING = Sight(((0, FOREVER),))


def sight_of(resource: str, scope: Scope) -> Sight:
    """What of a resource's past somebody may see.

    Who sees everything also sees series of resources that no source ever listed.
    """
    if scope.everything:
        return EVERYTHING
    found = reading.history(resource, scope)
    return Sight(tuple(sorted((each.start_ms, each.end_ms) for each in found)))
