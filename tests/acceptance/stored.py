"""Print everything that a database holds, as JSON: for tests that look at another house.

METERHOUSE_DATA=… METERHOUSE_DATABASE=… python stored.py
"""

import json
import sys

from meterhouse.metering.periods import Period, from_ms
from meterhouse.web import ready

FAR_FUTURE_MS = 4_000_000_000_000


def main() -> None:
    ready.prepare()
    from django.db import connection

    from meterhouse.store import reading

    rows = []
    for stored in reading.find():
        found = reading.read(stored, Period(from_ms(0), from_ms(FAR_FUTURE_MS)))
        resource, meter, _ = stored.series
        rows += [
            [resource, meter, at, value]
            for at, value in zip(found.at.tolist(), found.value.tolist(), strict=True)
        ]
    with connection.cursor() as cursor:
        cursor.execute("SELECT COALESCE(SUM(samples), 0) FROM store_position")
        recorded = int(cursor.fetchone()[0])
        cursor.execute("SELECT COUNT(*) FROM store_loss")
        losses = cursor.fetchone()[0]
    json.dump({"samples": rows, "recorded": recorded, "losses": losses}, sys.stdout)


if __name__ == "__main__":
    main()
