"""One file, one number or one name."""

from pathlib import Path


def number(path: Path) -> int:
    """Raises OSError or ValueError if the file does not hold a whole number."""
    return int(path.read_text())


def is_number(path: Path) -> bool:
    try:
        number(path)
    except (OSError, ValueError):
        return False
    return True


def name(folder: Path) -> str:
    """What a folder calls itself in its file ``name``; "" if it does not say."""
    return text(folder / "name")


def text(path: Path) -> str:
    """What a file says; "" if it cannot be read."""
    try:
        return path.read_text().strip()
    except (OSError, ValueError):
        return ""
