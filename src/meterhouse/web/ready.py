"""Django made ready for a command, and its database brought up to date or found wanting."""

import os

import django
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import OperationalError

from meterhouse.metering.errors import Mistake


def prepare() -> None:
    """Load Django with the settings of this house. The data folder is in METERHOUSE_DATA."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "meterhouse.web.settings")
    try:
        django.setup()
    except OSError as error:
        raise Mistake(f"data folder {os.environ.get('METERHOUSE_DATA')}: {error}") from error
    except ImproperlyConfigured as error:
        raise Mistake(one_line(error)) from error


def migrate() -> None:
    """Bring the database up to this version; nothing happens when it is."""
    prepare()
    try:
        call_command("migrate", interactive=False, verbosity=0)
    except OperationalError as error:
        raise Mistake(f"the database does not answer: {one_line(error)}") from error


def require_current() -> None:
    """Load Django, and refuse to go on with a database of another version."""
    prepare()
    try:
        lacking = pending_migrations()
    except OperationalError as error:
        raise Mistake(f"the database does not answer: {one_line(error)}") from error
    if lacking:
        raise Mistake(
            f"the database lacks {len(lacking)} migrations ({lacking[0]}, …): "
            "start `meterhouse up` once, or run `meterhouse migrate`"
        )


def pending_migrations() -> list[str]:
    """Names of the migrations that the database lacks."""
    executor = MigrationExecutor(connections["default"])
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
