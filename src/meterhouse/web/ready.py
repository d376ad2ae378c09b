"""Django made ready for a command, and its database brought up to date or found wanting."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import django
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import DatabaseError, InterfaceError, OperationalError

from meterhouse.metering.errors import Mistake
from meterhouse.station import service
from meterhouse.station.privacy import keep_private
from meterhouse.station.service import one_line
from meterhouse.web.database import DATABASE


def prepare() -> None:
    """Load Django with the settings of this house. The data folder is in METERHOUSE_DATA."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "meterhouse.web.settings")
    try:
        django.setup()
    except OSError as error:
        raise Mistake(f"data folder {os.environ.get('METERHOUSE_DATA')}: {error}") from error
    except ImproperlyConfigured as error:
        raise Mistake(one_line(error)) from error
    keep_private(_data())


def _data() -> Path:
    from django.conf import settings  # noqa: PLC0415 - Django must be ready first

    return Path(settings.DATA)


def migrate() -> None:
    """Bring the database up to this version; nothing happens when it is."""
    prepare()
    _make_private()
    with _answering():
        call_command("migrate", interactive=False, verbosity=0)


def _make_private() -> None:
    """SQLite would make its file readable by all."""
    database = connections["default"]
    if database.vendor == "sqlite":
        with suppress(OSError):  # whoever opens it says why it cannot be
            Path(database.settings_dict["NAME"]).touch(mode=0o600)


def require_current() -> None:
    """Load Django, and refuse to go on with a database of another version, or without one.

    Nothing is made here: who misspells a folder would otherwise find a new house in it.
    """
    _require_folder(Path(os.environ.get("METERHOUSE_DATA", "data")).absolute())
    prepare()
    _require_file()
    with _answering():
        lacking = pending_migrations()
    if lacking:
        raise Mistake(
            f"the database lacks {len(lacking)} migrations ({lacking[0]}, …): "
            "start `meterhouse up` once, or run `meterhouse migrate`"
        )


def _require_folder(data: Path) -> None:
    elsewhere = any(os.environ.get(f"{DATABASE}{each}") for each in ("", "_FILE"))
    if not data.exists() and not elsewhere:
        raise Mistake(_no_house(f"{data} does not exist"))


def _require_file() -> None:
    """SQLite would make an empty database where there is none."""
    settings = connections["default"].settings_dict
    if connections["default"].vendor == "sqlite" and not Path(settings["NAME"]).exists():
        raise Mistake(_no_house(f"there is no database {settings['NAME']}"))


def _no_house(what: str) -> str:
    return (
        f"{what}: start `meterhouse up` there once, which makes it and its first login, "
        "or run `meterhouse migrate`"
    )


def pending_migrations() -> list[str]:
    """Names of the migrations that the database lacks."""
    executor = MigrationExecutor(connections["default"])
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


@contextmanager
def _answering() -> Iterator[None]:
    """Raise Mistake if the database does not answer, or is none."""
    try:
        yield
    except DatabaseError as error:
        if not (said := refusal(error)):
            raise
        raise Mistake(said) from error


def refusal(error: Exception) -> str:
    """What the disk or the database refuses, in one line; "" for a mistake of this program."""
    # A damaged SQLite file is a plain DatabaseError; its subclasses blame the question.
    if isinstance(error, OperationalError | InterfaceError) or type(error) is DatabaseError:
        said = one_line(error)
        if connections["default"].vendor == "sqlite":
            said = f"{connections['default'].settings_dict['NAME']}: {said}"
        return f"the database does not answer: {said}; `meterhouse doctor` says what to do"
    return service.refusal(error)
