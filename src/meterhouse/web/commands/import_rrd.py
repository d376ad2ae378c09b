"""``meterhouse import-rrd``: the history that Kwapi kept, from its RRD files."""

import argparse
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from meterhouse.metering.clock import SystemClock
from meterhouse.metering.errors import Mistake, Unreachable
from meterhouse.station.kwapi_conf import renamed
from meterhouse.web import ready


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", metavar="PATH", nargs="+", help="Kwapi's rrd_dir, or files")
    parser.add_argument("--source", metavar="NAME", help="only of this source's probes")
    parser.add_argument(
        "--drivers",
        metavar="drivers.conf",
        help="Kwapi's, where probes are called otherwise here: Grid'5000's probes_names",
    )
    parser.add_argument(
        "--probe",
        metavar="OLD=NEW",
        action="append",
        default=[],
        help="what Kwapi called OLD is here the probe with this name or key; may come again",
    )
    parser.add_argument("--dry-run", action="store_true", help="only print what would be brought")


def run(arguments: argparse.Namespace) -> int:
    """Print a line for each file. Returns 1 if one was left out. Raises Mistake."""
    ready.require_current()
    from django.conf import settings  # noqa: PLC0415 - as the others, after Django is ready

    from meterhouse.live.probes import probes  # noqa: PLC0415
    from meterhouse.store.retention import Policy  # noqa: PLC0415
    from meterhouse.web.services.brought import last_line, line  # noqa: PLC0415
    from meterhouse.web.services.history import Directory, Rules, bring_along  # noqa: PLC0415

    source, paths = arguments.source, files(arguments.paths)
    mine = [p for p in probes().all if source is None or p.resource.startswith(f"{source}/")]
    if not mine:
        whose = f"the source {source!r}" if source else "this house"
        raise Mistake(f"{whose} has not read any power yet: read the meters first, then import")
    directory = Directory(mine, _renamed(arguments, {probe.resource for probe in mine}))
    policy, now_ms = Policy(*settings.RETENTIONS), SystemClock().now_ms()
    rules, done = Rules(now_ms, policy, dry_run=arguments.dry_run), []
    try:
        for one in bring_along(paths, directory, rules):
            print(line(one), flush=True)
            done.append(one)
    except Unreachable as error:
        raise Mistake(str(error)) from error
    print(last_line(done, dry_run=arguments.dry_run))
    return 0 if all(one.brought for one in done) else 1


def files(paths: Iterable[str]) -> list[Path]:
    """The files, and those in the folders. Raises Mistake where there is none."""
    found: list[Path] = []
    for path in map(Path, paths):
        inside = sorted(path.glob("*.rrd")) if path.is_dir() else [path]
        if not inside or not path.exists():
            raise Mistake(f"{path}: there is no RRD file; Kwapi's are in its rrd_dir")
        found += inside
    return found


def _renamed(arguments: argparse.Namespace, keys: Collection[str]) -> Mapping[str, str]:
    """What Kwapi called a probe, to its key or name here. Raises Mistake."""
    called: dict[str, str] = {}
    if arguments.drivers:
        path = Path(arguments.drivers)
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise Mistake(f"{path}: {getattr(error, 'strerror', 'not UTF-8')}") from error
        for old, source, name in renamed(text, path.name):
            key = f"{source}/{name}"
            called[old] = key if key in keys else name
    for pair in arguments.probe:
        old, equals, new = pair.partition("=")
        if not (old and equals and new):
            raise Mistake(f"--probe {pair!r}: write OLD=NEW, Kwapi's name and the one here")
        called[old] = new
    return called
