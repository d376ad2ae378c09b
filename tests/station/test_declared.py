"""A collector's file: the same tables as in a house's declaration, and the same mistakes."""

from pathlib import Path

import pytest

from meterhouse.inventory.declared import Mistakes
from meterhouse.metering.secrets import Secret
from meterhouse.station.declared import declared

CLOUD = """
[[sources]]
name = "cloud"
kind = "ganeti"
url = "https://rapi.example:5080"
user = "mh"
fingerprint = "{prints}"
password = {password}
"""

CLOUD_LINE = 'meters.toml: [[sources]] "cloud" (line 2)'
RACK_LINE = 'meters.toml: [[sources]] "rack" (line 12)'


def cloud(password: str) -> str:
    return CLOUD.format(prints=":".join(["A1"] * 32), password=password)


def written(folder: Path, text: str) -> Path:
    path = folder / "meters.toml"
    path.write_text(text)
    return path


def test_sources_are_read_and_all_else_is_for_a_house(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
        [[institutions]]
        key = "osl"
        [[sources]]
        name = "rack"
        kind = "dummy"
        probes = 2
        limits = { "1" = 500 }
        """,
    )
    (found,) = declared(path)
    assert (found.name, found.kind.name, found.limits.of("1")) == ("rack", "dummy", 500.0)


@pytest.mark.parametrize("password", ['"pa55"', '{ file = "pass" }'])
def test_a_secret_is_a_text_or_lies_in_a_file_beside(tmp_path: Path, password: str) -> None:
    (tmp_path / "pass").write_text("pa55\n")
    (found,) = declared(written(tmp_path, cloud(password)))
    assert found.config.password == Secret("pa55")


def test_all_mistakes_are_told_at_once_with_their_lines(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        cloud('{ file = "gone" }')
        + """
[[sources]]
kind = "dummy"
[[sources]]
name = "rack"
kind = "dummy"
probez = 2
[[sources]]
name = "bench"
kind = "dummy"
probes = 1
[[sources]]
name = "bench"
kind = "dummy"
probes = 1
""",
    )
    with pytest.raises(Mistakes) as raised:
        declared(path)
    assert [line.replace(str(tmp_path), "…") for line in raised.value.lines] == [
        f"{CLOUD_LINE}: key 'password': …/gone: No such file or directory",
        "meters.toml: [[sources]] \"2\" (line 10): key 'name' is missing",
        f"{RACK_LINE}: key 'probez' is not known; did you mean 'probes'?",
        'meters.toml: [[sources]] "bench" (line 20): is declared twice',
    ]


def test_a_file_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(Mistakes, match=r"meters.toml: No such file"):
        declared(tmp_path / "meters.toml")


def test_tables_of_another_shape_are_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(Mistakes, match=r"each under its own \[\[sources\]\]"):
        declared(written(tmp_path, "sources = 5"))
