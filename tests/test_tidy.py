"""The style guide as a test: what a rule says, a program checks."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "meterhouse"
LONGEST_FUNCTION = 60
LONGEST_FILE = 500
FORBIDDEN_ROOMS = {"utils", "common", "helpers", "core", "base", "misc"}


def files() -> list[Path]:
    return [path for path in sorted(SOURCE.rglob("*.py")) if "migrations" not in path.parts]


def functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def test_no_function_is_longer_than_a_screen() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{name} has {lines} lines"
        for path in files()
        for name, lines in functions(path)
        if lines > LONGEST_FUNCTION
    ]
    assert not long


def test_no_file_is_longer_than_a_sitting() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in files()
        if (lines := len(path.read_text().splitlines())) > LONGEST_FILE
    }
    assert not long


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in files()
        if path.name != "apps.py" and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert not silent


def test_no_room_is_called_after_nothing() -> None:
    names = {
        part for path in files() for part in [*path.relative_to(SOURCE).parts[:-1], path.stem]
    }
    assert not names & FORBIDDEN_ROOMS


def test_nothing_is_left_for_later() -> None:
    words = ("TODO", "FIXME", "XXX", "NotImplementedError")
    left = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in files()
        for word in words
        if word in path.read_text()
    ]
    assert not left


@pytest.mark.parametrize(
    "script", sorted((ROOT / "scripts").iterdir()), ids=lambda path: path.name
)
def test_every_script_can_be_run_and_says_what_it_does(script: Path) -> None:
    assert script.stat().st_mode & 0o111
    lines = script.read_text().splitlines()
    assert lines[0].startswith("#!")
    assert lines[1].startswith(("# ", '"""'))
