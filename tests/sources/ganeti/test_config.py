"""A configuration that cannot be meant is refused in one line that says what would be right."""

import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

import meterhouse.sources.ganeti
from meterhouse.metering.errors import Mistake
from meterhouse.metering.secrets import Secret
from meterhouse.sources import configure
from meterhouse.sources.ganeti.config import Config

FOLDER = Path(meterhouse.sources.ganeti.__file__).parent
GOOD = {
    "kind": "ganeti",
    "url": "https://gnt.osl.example:5080",
    "user": "alice",
    "password": "alice-pw",
    "fingerprint": "ab" * 32,
}


def configured(changes: Mapping[str, object]) -> Config:
    table = {key: value for key, value in (GOOD | dict(changes)).items() if value is not None}
    config = configure("osl", table, where="sources.toml").config
    assert isinstance(config, Config)
    return config


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"url": "https://[2001:db8::1]:5080/"},
        {"user": None, "password": None},
        {"password": None, "password_file": "/etc/pw"},
        {"fingerprint": None, "certificate": "/etc/osl.pem"},
        {"fingerprint": None, "verify": "ca"},
        {"fingerprint": None, "verify": "ca", "certificate": "/etc/ca.pem"},
        {"project_tag": "", "user_tag": ""},
    ],
)
def test_what_can_be_meant_is_taken(changes: dict[str, object]) -> None:
    assert configured(changes).url


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"url": None}, "url"),
        ({"url": "http://gnt.osl.example:5080"}, "expected https://"),
        ({"url": "gnt.osl.example"}, "expected https://"),
        ({"url": "https://gnt.osl.example:99999"}, "expected https://.*range"),
        ({"url": "https://[gnt"}, "url.*IPv6"),
        ({"url": "https://gnt.osl.example:5080/2/info"}, "nothing more"),
        ({"url": "https://alice:alice-pw@gnt.osl.example:5080"}, "user has a key of its own"),
        ({"user": None}, "user and password"),
        ({"password": None}, "user and password"),
        ({"password_file": "/etc/pw"}, "give one of them"),
        ({"password": "pässword"}, "ASCII"),
        ({"fingerprint": None}, "by what is the cluster known.*openssl x509"),
        ({"certificate": "/etc/osl.pem"}, "by what is the cluster known"),
        ({"fingerprint": "ab"}, "fingerprint: expected 32 bytes"),
        ({"verify": "ca"}, 'goes with verify = "pin"'),
        ({"verify": "no"}, "verify"),
        ({"deadline_s": 0}, "more than zero"),
        ({"passwd": "alice-pw"}, "passwd.*did you mean 'password'"),
    ],
)
def test_what_cannot_be_meant_is_refused(changes: dict[str, object], said: str) -> None:
    with pytest.raises(Mistake, match=rf"sources\.toml: source 'osl': .*{said}") as mistake:
        configured(changes)
    assert "alice-pw" not in str(mistake.value)
    assert "pässword" not in str(mistake.value)


def test_the_password_is_hidden() -> None:
    config = configured({})
    assert config.password == Secret("alice-pw")
    assert "alice-pw" not in repr(config)


def test_the_sample_is_a_configuration() -> None:
    (table,) = tomllib.loads((FOLDER / "sample.toml").read_text())["sources"]
    assert configure(table.pop("name"), table, where="sample.toml").kind.name == "ganeti"


def test_the_readme_shows_the_sample() -> None:
    assert (FOLDER / "sample.toml").read_text() in (FOLDER / "README.md").read_text()


@pytest.mark.parametrize("key", ["certificate", "password_file"])
def test_a_path_that_depends_on_where_the_house_runs_is_refused(key: str) -> None:
    table = tomllib.loads((FOLDER / "sample.toml").read_text())["sources"][0] | {key: "a.file"}
    with pytest.raises(Mistake, match=rf"{key}: 'a.file' must be a whole path"):
        configure(table.pop("name"), table, where="sample.toml")
