"""What was not kept is counted, by reason, and shown."""

from collections.abc import Mapping
from typing import Any


def count_refused(cursor: Any, refused: Mapping[str, int]) -> None:
    cursor.executemany(
        "INSERT INTO store_refusal (reason, samples) VALUES (%s, %s) ON CONFLICT (reason)"
        " DO UPDATE SET samples = store_refusal.samples + excluded.samples",
        [(str(reason), count) for reason, count in sorted(refused.items())],
    )
