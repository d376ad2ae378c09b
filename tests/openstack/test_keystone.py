"""A whole house beside a real Keystone, asked as an operator, a stranger and Ceilometer ask it."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from tests.openstack.cloud import Cloud, cloud
from tests.patience import eventually

from meterhouse.clients.keystone.account import Account
from meterhouse.clients.keystone.client import Keystone
from meterhouse.metering.errors import Unreachable
from meterhouse.metering.secrets import Secret

pytestmark = pytest.mark.timeout(180)

ESTATE = """
[[sources]]
name = "rack"
kind = "dummy"
interval = 1
probes = ["A", "B", "C"]
"""


@pytest.fixture(scope="module")
def openstack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with cloud(tmp_path_factory.mktemp("keystone")) as made:
        yield made


@contextmanager
def house(openstack: Cloud, data: Path, **more: str) -> Iterator[str]:
    """A house that takes Keystone's tokens; gives its address."""
    (data / "password").write_text(openstack.password)
    (data / "estate.toml").write_text(ESTATE)
    environment = {
        **{key: text for key, text in os.environ.items() if not key.startswith("METERHOUSE_")},
        "METERHOUSE_DATA": str(data),
        "METERHOUSE_KEYSTONE_URL": openstack.url,
        "METERHOUSE_KEYSTONE_USER": "meterhouse",
        "METERHOUSE_KEYSTONE_PASSWORD_FILE": str(data / "password"),
        "METERHOUSE_KEYSTONE_PROJECT": "metering",
        **more,
    }
    command = (sys.executable, "-m", "meterhouse.cli")
    for words in (["migrate"], ["apply", str(data / "estate.toml")]):
        subprocess.run([*command, *words], env=environment, check=True, capture_output=True)
    with subprocess.Popen(
        [*command, "up", "--port", "0"], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            found = re.fullmatch(r"Meterhouse is at (http://\S+)/\n", said)
            assert found, said
            yield found[1]
        finally:
            process.kill()


def ask(url: str, token: str = "") -> httpx.Response:
    return httpx.get(url, headers={"X-Auth-Token": token} if token else {}, timeout=30)


def test_keystone_opens_the_door_and_ceilometer_comes_through(
    openstack: Cloud, tmp_path: Path
) -> None:
    with house(openstack, tmp_path) as url:
        probes = f"{url}/v1/probes/"
        nobody = ask(probes)
        assert nobody.status_code == 401
        assert nobody.headers["www-authenticate"] == f"Keystone uri='{openstack.url}'"
        assert ask(probes, "gAAAAABguessed").status_code == 401
        assert ask(probes, openstack.token("student")).status_code == 403
        operator = openstack.token("operator")
        shown = _until_three(probes, operator)
        openstack.announce(f"{url}/v1")
        samples = openstack.samples()
    assert {each["resource_id"] for each in samples} == {"A", "B", "C"}
    forms = {(each["name"], each["type"], each["unit"]) for each in samples}
    assert forms == {("energy", "cumulative", "kWh"), ("power", "gauge", "W")}
    assert len(samples) == 6
    for each in samples:
        assert each["project_id"] is each["user_id"] is None
        if each["name"] == "energy":
            assert each["volume"] >= shown[each["resource_id"]]["kwh"] > 0
        else:
            assert 75 <= each["volume"] <= 100


def _until_three(probes: str, token: str) -> dict[str, dict[str, float]]:
    """What is shown once there are three probes with some energy."""

    def asked() -> dict[str, dict[str, float]]:
        shown: dict[str, dict[str, float]] = ask(probes, token).raise_for_status().json()["probes"]
        is_there = len(shown) == 3 and all(each["kwh"] > 0 for each in shown.values())
        return shown if is_there else {}

    return eventually(asked, "three probes with some energy", every_s=0.2)


def client(openstack: Cloud, url: str = "", user: str = "meterhouse") -> Keystone:
    return Keystone(
        Account(
            url=url or openstack.url,
            user=user,
            password=Secret(openstack.password),
            project="metering",
        )
    )


@pytest.mark.parametrize("end", ["", "/", "/v3", "/v3/"])
def test_keystone_is_found_with_and_without_its_version(openstack: Cloud, end: str) -> None:
    bearer = client(openstack, openstack.url + end).bearer(openstack.token("operator"))
    assert bearer
    assert (bearer.user, "admin" in bearer.roles) == ("operator", True)
    assert bearer.expires_ms / 1000 > time.time()  # noqa: TID251 - Keystone's own clock


def test_a_token_that_was_revoked_is_none(openstack: Cloud) -> None:
    keystone, token = client(openstack), openstack.token("operator")
    assert keystone.bearer(token)
    openstack.revoke(token)
    assert keystone.bearer(token) is None


@pytest.mark.parametrize("token", ["", "with\r\nX-Evil: header", "ü", "x" * 9000])
def test_what_cannot_be_a_token_is_not_even_sent(openstack: Cloud, token: str) -> None:
    assert client(openstack, "http://127.0.0.1:9").bearer(token) is None


def test_a_keystone_that_is_away_or_does_not_let_us_ask_is_said(openstack: Cloud) -> None:
    token = openstack.token("operator")
    with pytest.raises(Unreachable, match=r"Keystone at http://127\.0\.0\.1:9/v3"):
        client(openstack, "http://127.0.0.1:9").bearer(token)
    with pytest.raises(Unreachable, match="give it the role service or admin"):
        client(openstack, user="student").bearer(token)
    with pytest.raises(Unreachable, match="Keystone at"):
        client(openstack, user="nobody").bearer(token)
