"""What every source's folder holds, asked of all there are."""

import re
import tomllib
from pathlib import Path

import pytest

from meterhouse import sources
from meterhouse.metering.meters import METERS
from meterhouse.sources import configure, kind, kinds

NAMES = [found.name for found in kinds()]
ROOM = Path(sources.__file__).parent


@pytest.mark.parametrize("name", NAMES)
def test_the_readme_shows_exactly_the_sample(name: str) -> None:
    readme, sample = (ROOM / name / file for file in ("README.md", "sample.toml"))
    shown = re.findall(r"```toml\n(.*?)```", readme.read_text("utf-8"), re.DOTALL)
    assert shown[0] == sample.read_text("utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_the_sample_is_accepted(name: str) -> None:
    document = tomllib.loads((ROOM / name / "sample.toml").read_text("utf-8"))
    assert list(document) == ["sources"]
    for table in document["sources"]:
        assert configure(table.pop("name"), table, where="sample.toml").kind is kind(name)


@pytest.mark.parametrize("name", NAMES)
def test_the_readme_names_every_meter_and_every_key(name: str) -> None:
    readme, found = (ROOM / name / "README.md").read_text("utf-8"), kind(name)
    missing = [key for key in found.config.__dataclass_fields__ if f"`{key}`" not in readme]
    missing += [meter.name for meter in found.meters if f"`{meter.name}`" not in readme]
    assert not missing


@pytest.mark.parametrize("name", NAMES)
def test_a_kind_measures_with_known_meters_and_has_a_title(name: str) -> None:
    found = kind(name)
    assert all(METERS[meter.name] is meter for meter in found.meters)
    assert found.title
    assert found.timeout
