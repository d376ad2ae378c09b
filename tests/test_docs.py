"""What the program offers stands in docs/, and what stands there exists."""

import re
from pathlib import Path

import pytest

from meterhouse.cli import COMMANDS
from meterhouse.metering.meters import METERS
from meterhouse.sources import kinds
from tests.conftest import NOON

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


def text(name: str) -> str:
    return (DOCS / name).read_text()


def first_column(name: str) -> set[str]:
    """What stands between backticks at the start of a table's rows."""
    return set(re.findall(r"^\| `([^`]+)`", text(name), re.MULTILINE))


def test_every_meter_is_documented_with_its_kind_and_unit() -> None:
    assert first_column("meters.md") == set(METERS)
    for meter in METERS.values():
        assert f"| `{meter.name}` | {meter.kind} | {meter.unit} | {meter.title} |" in text(
            "meters.md"
        )


def test_every_command_is_documented() -> None:
    documented = {
        row.split()[1] for row in first_column("operations.md") if row.startswith("meterhouse ")
    }
    assert documented == set(COMMANDS)


def test_every_setting_is_documented() -> None:
    read = re.compile(r"METERHOUSE_[A-Z]+(?:_[A-Z]+)*")
    source = "".join(
        (ROOT / "src/meterhouse/web" / name).read_text()
        for name in ("settings.py", "database.py", "environment.py")
    )
    documented = {row for row in first_column("operations.md") if row.startswith("METERHOUSE_")}
    assert documented == set(read.findall(source))


def test_every_path_of_the_api_is_documented() -> None:
    from meterhouse.web.api import api

    paths = {path for path in api.get_openapi_schema()["paths"] if path != "/api/v1/"}
    assert first_column("api.md") == paths


@pytest.mark.parametrize("kind", [kind.name for kind in kinds()])
def test_every_kind_of_source_is_named_in_the_readme(kind: str) -> None:
    assert f"`{kind}`" in (ROOT / "README.md").read_text()


def test_links_between_documents_lead_somewhere() -> None:
    broken = [
        f"{page.name}: {target}"
        for page in [ROOT / "README.md", *DOCS.rglob("*.md")]
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text())
        if not (page.parent / target).exists()
    ]
    assert not broken


@pytest.mark.django_db
def test_the_declaration_that_operations_shows_can_be_applied(tmp_path: Path) -> None:
    from meterhouse.web.declaring import declare

    shown = re.search(r"```toml\n(.*?)```", text("operations.md"), re.DOTALL)
    assert shown
    (tmp_path / "osl.password").write_text("a secret")
    (tmp_path / "estate.toml").write_text(shown[1])
    assert len(declare(tmp_path / "estate.toml", tmp_path, now=NOON).lines) == 16
