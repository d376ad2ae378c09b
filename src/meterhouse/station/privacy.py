"""What lies in a data folder is its owner's only, whatever the folder was made with."""

import os
import stat
from pathlib import Path

FOLDER, FILE = 0o700, 0o600
OURS = "secret.key"  # a folder that holds it, or nothing, is a data folder


def keep_private(folder: Path) -> None:
    """Shut a data folder and its database to all others, where that is ours to do.

    A folder that others share by its nature (``/tmp``) is left as it is; so is what belongs to
    another account: the doctor names both.
    """
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    if not folder.is_dir() or (names and OURS not in names):
        return
    about = folder.stat()
    if about.st_mode & stat.S_ISVTX:
        return
    _shut(folder, about, FOLDER)
    for name in names:
        path = folder / name
        its = path.lstat()
        if stat.S_ISREG(its.st_mode) and _is_kept(name):
            _shut(path, its, FILE)


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def _is_kept(name: str) -> bool:
    """Whether it is the house's database. Keys are made private; one that was opened may have
    been read, which the doctor has to say.
    """
    return ".db" in name


def _shut(path: Path, about: os.stat_result, mode: int) -> None:
    if stat.S_IMODE(about.st_mode) & 0o077 and about.st_uid == os.geteuid():
        path.chmod(mode)
