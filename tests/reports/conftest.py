"""Golden files: ``pytest --regold tests/reports`` rewrites them, then the difference is read."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--regold", action="store_true", help="rewrite golden files; never in CI")


def pytest_configure(config: pytest.Config) -> None:
    if _regold(config) and os.environ.get("CI"):
        raise pytest.UsageError("--regold in CI would make every report right")


def _regold(config: pytest.Config) -> bool:
    # Known only where this folder was named: a run of everything does not ask here for options.
    return bool(config.getoption("--regold", default=False))


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, bytes], None]:
    """Compare bytes with a golden file of this name."""

    def compare(name: str, found: bytes) -> None:
        path = GOLDEN / name
        if _regold(request.config):
            path.write_bytes(found)
        assert found.decode() == path.read_bytes().decode()

    return compare
