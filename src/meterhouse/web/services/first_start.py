"""What a new house starts with: this machine, a project it belongs to, and an institution."""

from pathlib import Path

from meterhouse.web import sourcebook


def declare(data: Path) -> None:
    """Declare this machine in a house that has no source yet."""
    if not sourcebook.tables(data):
        sourcebook.save("host", {"kind": "host", "project": "machines"})
