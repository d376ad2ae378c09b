"""Batches that the database cannot take: set aside as files, so that nothing is thrown away.

It takes a mistake in this program, or a text that the database refuses, to get here. The doctor
names what lies here; after mending, the files are what there is to repair from.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from meterhouse.bus import envelope
from meterhouse.metering.batches import Batch
from meterhouse.station.privacy import write_private


@dataclass(frozen=True, slots=True)
class Aside:
    """A folder of packed batches, ``<publisher>-<epoch>-<sequence>.batch``."""

    folder: Path

    def put(self, batch: Batch) -> Path:
        """Write a batch down, durably enough to survive this process. Raises OSError."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = re.sub(r"[^A-Za-z0-9.]+", "_", batch.publisher)
        path = self.folder / f"{name}-{batch.epoch}-{batch.sequence}.batch"
        write_private(path, envelope.pack(batch))
        return path

    def paths(self) -> list[Path]:
        """What lies here, by name."""
        return sorted(self.folder.glob("*.batch"))
