"""``make new-source`` makes a source whose tests pass at once, or nothing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NEEDED = (
    "src",
    "docs",
    "README.md",
    "pyproject.toml",
    "tests/__init__.py",
    "tests/conftest.py",
    "tests/postgres.py",
    "tests/scaffold",
    "tests/sources/readings.py",
    "tests/sources/test_folders.py",
    "tests/test_docs.py",
    "tests/test_tidy.py",
    "scripts",
)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What a developer has, as far as a new source has to do with it."""
    for name in NEEDED:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        ignored = shutil.ignore_patterns("__pycache__")
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def python(checkout: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | {"PYTHONPATH": str(checkout / "src")}
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(
        command, cwd=checkout, env=environment, capture_output=True, text=True, check=False
    )


def files(checkout: Path) -> dict[Path, bytes]:
    found = (path for path in checkout.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {path: path.read_bytes() for path in found}


@pytest.mark.parametrize("name", ["thermo", "a_meter_of_24_letters_00"])
def test_what_is_made_is_clean_and_its_tests_pass_at_once(checkout: Path, name: str) -> None:
    made = python(checkout, "tests.scaffold", name)
    assert made.returncode == 0, made.stderr
    assert f"src/meterhouse/sources/{name}/source.py" in made.stdout.splitlines()
    code = [file for file in made.stdout.split() if file.endswith(".py")]
    for check in (["format", "--check"], ["check"]):
        checked = python(checkout, "ruff", *check, *code)
        assert checked.returncode == 0, checked.stdout + checked.stderr
    tests = [
        f"tests/sources/test_{name}.py",
        "tests/sources/test_folders.py",
        "tests/test_docs.py",
    ]
    ran = python(checkout, "pytest", "-q", "-k", name, "-p", "no:cacheprovider", *tests)
    assert ran.returncode == 0, ran.stdout[-3000:]
    assert "14 passed" in ran.stdout


def test_what_is_made_is_tested_honestly(checkout: Path) -> None:
    python(checkout, "tests.scaffold", "thermo")
    source = checkout / "src/meterhouse/sources/thermo/source.py"
    source.write_text(source.read_text().replace("return value", "return 1.0"))
    ran = python(
        checkout, "pytest", "-q", "-p", "no:cacheprovider", "tests/sources/test_thermo.py"
    )
    assert "test_a_case_is_read_as_expected[plugged_in]" in ran.stdout
    assert "test_a_meter_is_read" in ran.stdout
    assert "2 failed" in ran.stdout


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "is no name"),
        ("Thermo", "is no name"),
        ("a-b", "is no name"),
        ("../up", "is no name"),
        ("class", "is no name"),
        ("1st", "is no name"),
        ("x" * 25, "longer"),
        ("dummy", "is taken"),
        ("runner", "is taken"),
        ("listing", "is taken"),
        ("hint", "is taken"),
        ("folders", "is taken"),
    ],
)
def test_a_name_that_is_none_or_taken_is_refused_and_nothing_is_made(
    checkout: Path, name: str, said: str
) -> None:
    before = files(checkout)
    refused = python(checkout, "tests.scaffold", name)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert said in refused.stderr
    assert files(checkout) == before
