"""A real Keystone for a test, with its own people: Debian has nothing to install for it.

``scripts/openstack`` makes the environment it runs in, and `make test` calls that.
"""

import json
import secrets
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

HERE = Path(__file__).parent
PYTHON = HERE.parent.parent / ".openstack/bin/python"
DEFINITIONS = HERE.parent.parent / "share/ceilometer/meterhouse.yaml"
ROLES = {"operator": "admin", "student": "member", "meterhouse": "service"}
"""Logins beside the administrator, each with one role on the project ``metering``."""

CEILOMETER = """
[DEFAULT]
debug = false
[service_credentials]
auth_type = password
auth_url = {url}/v3
username = operator
password = {password}
project_name = metering
user_domain_name = Default
project_domain_name = Default
"""


@dataclass
class Cloud:
    """url: of Keystone, without /v3; password: everybody's."""

    folder: Path
    url: str
    password: str

    def token(self, user: str, project: str = "metering") -> str:
        answer = httpx.post(self.url + "/v3/auth/tokens", json=self._login(user, project))
        answer.raise_for_status()
        return answer.headers["x-subject-token"]

    def revoke(self, token: str) -> None:
        self._send("DELETE", "auth/tokens", headers={"X-Subject-Token": token})

    def announce(self, url: str) -> None:
        """Enter a service of type energy into the catalogue."""
        service = self._made("services", {"type": "energy", "name": "meterhouse"})
        self._made(
            "endpoints",
            {"service_id": service, "interface": "public", "url": url, "region_id": "here"},
        )

    def samples(self) -> list[dict[str, Any]]:
        """What Ceilometer's pollsters bring by the definition that is shipped."""
        config = self.folder / "ceilometer.conf"
        config.write_text(CEILOMETER.format(url=self.url, password=self.password))
        answer = subprocess.run(
            [PYTHON, HERE / "poll.py", DEFINITIONS, config],
            capture_output=True,
            check=False,
            text=True,
            timeout=60,
        )
        assert answer.returncode == 0, answer.stderr
        return list(json.loads(answer.stdout.splitlines()[-1]))

    def people(self) -> None:
        project = self._made("projects", {"name": "metering", "domain_id": "default"})
        roles = self._send("GET", "roles").json()["roles"]
        numbers = {role["name"]: role["id"] for role in roles}
        for name, role in ROLES.items():
            person = {"name": name, "password": self.password, "domain_id": "default"}
            user = self._made("users", person)
            self._send("PUT", f"projects/{project}/users/{user}/roles/{numbers[role]}")

    def _made(self, kind: str, what: dict[str, str]) -> str:
        answer = self._send("POST", kind, json={kind.removesuffix("s"): what})
        return str(answer.json()[kind.removesuffix("s")]["id"])

    def _send(self, method: str, path: str, **how: Any) -> httpx.Response:
        headers = {"X-Auth-Token": self.token("admin", "admin"), **how.pop("headers", {})}
        answer = httpx.request(method, f"{self.url}/v3/{path}", headers=headers, **how)
        answer.raise_for_status()
        return answer

    def _login(self, user: str, project: str) -> dict[str, Any]:
        domain = {"domain": {"id": "default"}}
        who = {"name": user, "password": self.password, **domain}
        return {
            "auth": {
                "identity": {"methods": ["password"], "password": {"user": who}},
                "scope": {"project": {"name": project, **domain}},
            }
        }


@contextmanager
def cloud(folder: Path) -> Iterator[Cloud]:
    if not PYTHON.exists():
        pytest.fail("Keystone is not installed for the tests: run scripts/openstack")
    password, port = secrets.token_urlsafe(12), _free_port()
    with (
        (folder / "keystone.log").open("w") as log,
        subprocess.Popen(
            [PYTHON, HERE / "serve_keystone.py", folder, str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(password + "\n")
            process.stdin.flush()
            assert "ready\n" in process.stdout, (folder / "keystone.log").read_text()
            made = Cloud(folder, f"http://127.0.0.1:{port}", password)
            made.people()
            yield made
        finally:
            process.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
