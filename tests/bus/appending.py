"""A process that appends to a journal until it is killed, and says what append() promised.

Each batch holds its own number as its value; each promise is a line.
"""

import os
import sys
from pathlib import Path

from tests.bus.cast import power

from meterhouse.bus.journal import Journal
from meterhouse.metering.clock import SystemClock


def main() -> None:
    journal = Journal(Path(sys.argv[1]), "osl-dc1", SystemClock(), limit_bytes=2**24)
    while True:
        entry = journal.append(power(*[float(journal.last + 1)] * 500))
        os.write(1, b"%d\n" % entry.sequence)


if __name__ == "__main__":
    main()
