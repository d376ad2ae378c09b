"""What is wrong with this installation, and what to do about it."""

import ctypes
import os
import shutil
import sqlite3
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from django.conf import settings
from django.db import connections
from django.db.utils import DatabaseError

from meterhouse.bus import state as journals
from meterhouse.bus.links import Link
from meterhouse.metering.clock import Clock
from meterhouse.metering.errors import Mistake
from meterhouse.metering.periods import from_ms
from meterhouse.sources.runner.records import Status
from meterhouse.station.service import one_line
from meterhouse.store import reading
from meterhouse.store.soundness import soundness
from meterhouse.web import counted, sourcebook
from meterhouse.web.models import SourceStatus
from meterhouse.web.ready import pending_migrations
from meterhouse.web.services.aside import Aside

SECRET_FILES = ("secret.key", "secrets.key", "bus.key")
LEAST_FREE_BYTES = 1 << 30
LEAST_FREE_SHARE = 0.05
OLDEST_UNACKNOWLEDGED = timedelta(minutes=10)
FUTURE = timedelta(seconds=10)
LONGEST_SILENCE = timedelta(minutes=5)
UNWELL = (Status.PARTIAL.value, Status.FAILING.value, Status.STUCK.value)
TO_LINK = {
    Link.DOWN: "look whether it runs, whether the address is right, and at firewalls between",
    Link.OTHER_KEY: "give the public key of that machine behind the address: …#FILE",
    Link.UNLIKE: "give both sides keys (--encrypt there, …#FILE here) or neither; try the port",
}
_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised


class Verdict(StrEnum):
    GOOD = "ok"
    DOUBT = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, what was found, and what to do if that is not good."""

    subject: str
    verdict: Verdict
    what: str
    do: str = ""


def examine(data: Path, clock: Clock) -> Iterator[Finding]:
    """Look at everything, in the order in which one would mend it."""
    checks: dict[str, Callable[[], Iterator[Finding]]] = {
        "data folder": lambda: _folder(data),
        "secrets": lambda: _secrets(data),
        "disk space": lambda: _space(data),
        "database": _database,
        "rows": _rows,
        "configuration": _configuration,
        "elsewhere": lambda: _elsewhere(clock),
        "journal": lambda: _journal(data / "journal", clock),
        "set aside": lambda: _aside(Aside(data / "aside")),
        "clock": lambda: _clock(clock),
    }
    for subject, check in checks.items():
        try:
            yield from check()
        except (OSError, DatabaseError, Mistake) as error:
            yield Finding(subject, Verdict.BAD, one_line(error), _advice(one_line(error)))


def _advice(said: str) -> str:
    """What helps against what the database says."""
    if "malformed" in said or "not a database" in said:
        return "stop meterhouse and restore the database from a backup"
    if "readonly" in said:
        return "give the database and the data folder to this account"
    if "connection" in said:
        return "start PostgreSQL, or mend its address in METERHOUSE_DATABASE"
    if "no such table" in said or "does not exist" in said:
        return "run `meterhouse migrate`"
    return "mend what the message names"


def _folder(data: Path) -> Iterator[Finding]:
    if not os.access(data, os.W_OK | os.X_OK):
        yield Finding(
            "data folder", Verdict.BAD, f"{data} cannot be written", "give it to this account"
        )
        return
    mode = stat.S_IMODE(data.stat().st_mode)
    if mode & 0o007:
        yield Finding(
            "data folder",
            Verdict.DOUBT,
            f"{data} is open to everybody (mode {mode:04o})",
            f"chmod 700 {data}",
        )
    else:
        yield Finding("data folder", Verdict.GOOD, str(data))


def _secrets(data: Path) -> Iterator[Finding]:
    found = [path for name in SECRET_FILES if (path := data / name).exists()]
    for path in found:
        about = path.stat()
        mode = stat.S_IMODE(about.st_mode)
        if mode & 0o077:
            yield Finding(
                "secrets",
                Verdict.BAD,
                f"{path} can be read by others (mode {mode:04o})",
                f"chmod 600 {path}",
            )
        elif about.st_uid != os.geteuid():
            yield Finding(
                "secrets",
                Verdict.BAD,
                f"{path} belongs to another account (uid {about.st_uid})",
                f"chown {os.geteuid()} {path}",
            )
        else:
            yield Finding("secrets", Verdict.GOOD, f"{path.name} is its owner's only")


def _space(data: Path) -> Iterator[Finding]:
    usage = shutil.disk_usage(data)
    what = f"{usage.free / 2**30:.1f} GiB free of {usage.total / 2**30:.1f}"
    if usage.free < LEAST_FREE_BYTES or usage.free < LEAST_FREE_SHARE * usage.total:
        yield Finding("disk space", Verdict.BAD, what, "make room, or move the data folder")
    else:
        yield Finding("disk space", Verdict.GOOD, what)


def _database() -> Iterator[Finding]:
    connection = connections["default"]
    lacking = pending_migrations()
    if lacking:
        yield Finding(
            "database",
            Verdict.BAD,
            f"{len(lacking)} migrations are missing ({lacking[0]}, …)",
            "run `meterhouse migrate`",
        )
        return
    if connection.vendor == "sqlite":
        yield from _sqlite(Path(settings.DATABASES["default"]["NAME"]))
    else:
        yield Finding("database", Verdict.GOOD, f"{connection.display_name}, up to date")
    yield _read_only()


def _sqlite(path: Path) -> Iterator[Finding]:
    if not os.access(path, os.W_OK):
        what = f"{path} cannot be written"
        yield Finding("database", Verdict.BAD, what, "give it to this account")
    with connections["default"].cursor() as cursor:
        cursor.execute("PRAGMA quick_check(1)")
        row = cursor.fetchone()
    size = path.stat().st_size / 2**20
    if row and row[0] == "ok":
        what = f"SQLite {sqlite3.sqlite_version}, {size:.1f} MiB, whole and up to date"
        yield Finding("database", Verdict.GOOD, what)
    else:
        yield Finding(
            "database", Verdict.BAD, f"{path} is damaged: {row}", "restore it from a backup"
        )


def _rows() -> Iterator[Finding]:
    """Rows of samples that cannot be read: they are stepped over everywhere else."""
    sound = soundness()
    if sound.damaged:
        table, number = sound.damaged[0]
        what = f"{len(sound.damaged)} rows are damaged, such as row {number} of {table}"
        do = "their readings are left out; restore the database from a backup, test the disk"
        yield Finding("rows", Verdict.BAD, what, do)
    if sound.lost:
        what = f"{sound.lost} readings were of damaged rows and are gone"
        yield Finding("rows", Verdict.DOUBT, what, "restore them from a backup; test the disk")


def _read_only() -> Finding:
    """The account that reports uses must not be able to write."""
    try:
        with connections["reports"].cursor() as cursor:
            cursor.execute("CREATE TABLE doctor_was_here (id INTEGER)")
    except DatabaseError:
        return Finding("database", Verdict.GOOD, "the account of reports cannot write")
    with connections["reports"].cursor() as cursor:
        cursor.execute("DROP TABLE doctor_was_here")
    return Finding(
        "database",
        Verdict.BAD,
        "the account of reports can write",
        "give reports a role that has SELECT only",
    )


def _configuration() -> Iterator[Finding]:
    sources, flaws = sourcebook.usable()
    for flaw in flaws.values():
        yield Finding("configuration", Verdict.BAD, flaw, "mend what it names, then apply again")
    if not sources and not flaws:
        yield Finding(
            "configuration",
            Verdict.DOUBT,
            "no source is configured",
            "declare some in a file and run `meterhouse apply FILE.toml`",
        )
        return
    enabled = [source.name for source in sources if source.enabled]
    for status in SourceStatus.objects.filter(source__in=enabled, status__in=UNWELL):
        what = f"source {status.source} is {status.status}: {status.error}"
        yield Finding("configuration", Verdict.BAD, what, "mend what it names; it is tried again")
    names = ", ".join(f"{source.name} ({source.kind.name})" for source in sources)
    yield Finding("configuration", Verdict.GOOD, f"{len(sources)} sources: {names}")


def _elsewhere(clock: Clock) -> Iterator[Finding]:
    """Publishers on other machines, the way to them, and the sources that they read."""
    for address, link in counted.links().items():
        if link is not Link.UP:
            what = f"{address}, which is followed, is {link}"
            yield Finding("elsewhere", Verdict.DOUBT, what, TO_LINK[link])
    for row in counted.publishers():
        silent = timedelta(milliseconds=clock.now_ms() - row.heard_ms)
        if silent > LONGEST_SILENCE:
            what = f"publisher {row.publisher} has been silent since {from_ms(row.heard_ms):%F %T}"
            do = "look whether it runs and can be reached, or whether it was given up"
            yield Finding("elsewhere", Verdict.DOUBT, what, do)
    for state in counted.elsewhere():
        if state.status in UNWELL:
            what = f"source {state.name} of {state.publisher} is {state.status}: {state.error}"
            do = "mend what it names; it is tried again"
            yield Finding("elsewhere", Verdict.BAD, what, do)


def _journal(folder: Path, clock: Clock) -> Iterator[Finding]:
    yield from _losses(folder)
    files = [path for path in folder.rglob("*") if path.is_file()] if folder.exists() else []
    size = sum(path.stat().st_size for path in files)
    what = f"{size / 2**20:.1f} MiB wait in {folder}"
    newest = max((path.stat().st_mtime for path in files), default=clock.now().timestamp())
    idle = clock.now().timestamp() - newest
    if size > 64 << 20 and idle < OLDEST_UNACKNOWLEDGED.total_seconds():
        yield Finding(
            "journal",
            Verdict.BAD,
            f"{what}: the recorder does not keep up, or does not run",
            "look at /healthz and at the log of the recorder",
        )
    else:
        yield Finding("journal", Verdict.GOOD, what)


def _losses(folder: Path) -> Iterator[Finding]:
    """What journals lost before it was recorded, and those that cannot tell."""
    for path in sorted(folder.glob(f"*/{journals.NAME}")):
        try:
            lost = journals.load(path).lost
        except Mistake as mistake:
            do = "look whether its publisher runs; what it lost before is not known any more"
            yield Finding("journal", Verdict.BAD, str(mistake), do)
            continue
        if lost:
            what = f"{path.parent} has lost {lost} batches, ever, before they were recorded"
            do = "look for 'journal lost batches' in the log; what they held is unknown"
            yield Finding("journal", Verdict.DOUBT, what, do)


def _aside(aside: Aside) -> Iterator[Finding]:
    if paths := aside.paths():
        yield Finding(
            "set aside",
            Verdict.BAD,
            f"the database could not take {len(paths)} batches, such as {paths[0]}",
            "look for 'set aside' in the log, and report it with the file",
        )


def _clock(clock: Clock) -> Iterator[Finding]:
    ahead = [
        latest for latest in reading.latest(None) if from_ms(latest.at_ms) > clock.now() + FUTURE
    ]
    if ahead:
        yield Finding(
            "clock",
            Verdict.BAD,
            f"{len(ahead)} series have readings from the future, such as {ahead[0].series}",
            "set the clocks of this machine and of what it reads",
        )
    elif _kernel_says_unsynchronised():
        yield Finding(
            "clock",
            Verdict.DOUBT,
            f"{clock.now():%Y-%m-%d %H:%M:%S} UTC; the kernel says it is not synchronised",
            "run a time service: apt-get install chrony",
        )
    else:
        yield Finding("clock", Verdict.GOOD, f"{clock.now():%Y-%m-%d %H:%M:%S} UTC, synchronised")


def _kernel_says_unsynchronised() -> bool:
    """adjtimex(2) with modes 0 only reads; its struct is smaller than 256 bytes."""
    buffer = ctypes.create_string_buffer(256)
    libc = ctypes.CDLL(None)
    return hasattr(libc, "adjtimex") and libc.adjtimex(buffer) == _TIME_ERROR
