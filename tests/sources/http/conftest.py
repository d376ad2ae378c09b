"""A web server that others wrote (nginx), which serves documents as the makers describe them."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from tests.clients.ganeti import fake
from tests.sources.programs import found, free_port, listens, started

CONFIG = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log {folder}/access.log; default_type application/json;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{
    listen 127.0.0.1:{plain}; listen 127.0.0.1:{tls} ssl;
    ssl_certificate {identity}; ssl_certificate_key {identity};
    root {folder}/documents;
    location = /rpc/Switch.GetStatus {{ try_files /switch-$arg_id.json =404; }}
    location = /rpc/PM1.GetStatus {{ try_files /pm1-$arg_id.json =404; }}
    location = /told-wrong/rpc/Switch.GetStatus {{
      return 404 '{{"code":404,"message":"No handler for Switch.GetStatus"}}';
    }}
    location = /status {{ try_files /status.json =404; }}
    location = /cm {{ try_files /cm-$arg_cmnd.json =404; }}
    location /locked/ {{
      auth_basic meters; auth_basic_user_file {folder}/users; alias {folder}/documents/;
    }}
    location /bearer/ {{
      if ($http_authorization != "Bearer t0ken") {{ return 401; }} alias {folder}/documents/;
    }}
    location /keyed/ {{
      if ($http_x_key != "k3y") {{ return 403; }} alias {folder}/documents/;
    }}
    location = /moved {{ return 302 /status; }}
    location = /away {{ return 302 http://127.0.0.2:{plain}/status; }}
    location = /round {{ return 302 /round; }}
    location = /broken {{ return 500; }}
    location = /told {{ access_log off; return 204; }}
  }}
}}
"""


@dataclass(frozen=True)
class Web:
    """Documents under ``url``, and with TLS under ``tls``, as ``identity`` proves."""

    folder: Path
    url: str
    tls: str
    identity: fake.Identity

    def put_all(self, case: Path) -> None:
        for document in case.glob("*.json"):
            self.put(document.name, document.read_text())

    def put(self, name: str, text: str) -> None:
        (self.folder / "documents" / name).write_text(text)

    def asked(self) -> list[str]:
        """The request lines so far. A request is noted after its answer, and before the next."""
        assert httpx.get(f"{self.url}/told", trust_env=False).is_success
        lines = (self.folder / "access.log").read_text().splitlines()
        return [line.split('"')[1] for line in lines]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    nginx = found("nginx", "nginx-light")
    folder = tmp_path_factory.mktemp("web")
    (folder / "documents").mkdir()
    identity = fake.identity(folder / "identity.pem", address="127.0.0.1")
    hashed = subprocess.check_output(["openssl", "passwd", "-apr1", "alice-pw"], text=True)
    (folder / "users").write_text(f"alice:{hashed}")
    plain, tls = free_port(), free_port()
    file = folder / "nginx.conf"
    file.write_text(CONFIG.format(folder=folder, plain=plain, tls=tls, identity=identity.file))
    with started([nginx, "-c", file], listens(tls), folder / "log"):
        yield Web(folder, f"http://127.0.0.1:{plain}", f"https://127.0.0.1:{tls}", identity)


@pytest.fixture
def web(server: Web) -> Iterator[Web]:
    """The server, with no document and no request before."""
    server.asked()
    (server.folder / "access.log").write_text("")
    yield server
    for document in (server.folder / "documents").iterdir():
        document.unlink()
