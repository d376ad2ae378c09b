"""Databases for benchmarks, made new beside whatever Django is set up with, and thrown away."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def set_up() -> None:
    """Set Django up, on a folder that is thrown away, unless it is already."""
    if "DJANGO_SETTINGS_MODULE" not in os.environ:
        os.environ["METERHOUSE_DATA"] = tempfile.mkdtemp(prefix="mh-bench-")
        os.environ["DJANGO_SETTINGS_MODULE"] = "meterhouse.web.settings"
    import django  # noqa: PLC0415 - reads the variables above

    django.setup()


@contextmanager
def database(alias: str, address: str) -> Iterator[str]:
    """A migrated database under an alias, as the settings would make it of an address."""
    set_up()
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connections  # noqa: PLC0415

    from meterhouse.web.database import database_settings  # noqa: PLC0415

    made = database_settings(Path(), {"METERHOUSE_DATABASE": address})
    connections.settings[alias] = connections.configure_settings(
        {"default": made["default"], alias: made["default"]}
    )[alias]
    call_command("migrate", "store", database=alias, verbosity=0)
    try:
        yield alias
    finally:
        connections[alias].close()
        del connections[alias], connections.settings[alias]


@contextmanager
def sqlite(alias: str = "bench") -> Iterator[tuple[str, Path]]:
    with tempfile.TemporaryDirectory(prefix="mh-bench-") as folder:
        path = Path(folder) / "meterhouse.db"
        with database(alias, f"sqlite://{path}") as made:
            yield made, path
