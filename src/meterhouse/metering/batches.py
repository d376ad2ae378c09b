"""What travels: samples and snapshots of one publisher under one number."""

from dataclasses import dataclass
from typing import NamedTuple

from meterhouse.metering.samples import Columns
from meterhouse.metering.snapshots import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One step of a publisher's journal.

    publisher: who publishes, unique in the house
    epoch:     when the publisher's journal was begun (milliseconds since 1970); a new journal
               starts a new epoch, so that its numbers are not taken for old ones
    sequence:  1, 2, 3, ... without a gap within one epoch
    sent_ms:   when it was journalled (milliseconds since 1970)
    """

    publisher: str
    epoch: int
    sequence: int
    sent_ms: int
    samples: Columns
    snapshots: tuple[Snapshot, ...] = ()


class Position(NamedTuple):
    """How far a publisher's journal has been recorded: the last batch that was."""

    epoch: int
    sequence: int
