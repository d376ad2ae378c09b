"""A Redfish tree of files that sushy-static serves, behind nginx: TLS, a login, kept connections.

sushy-static is OpenStack's (sushy-tools): plain HTTP/1.0 without a login, which is why nginx
stands in front of it, as in front of a real BMC's own server.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.clients.ganeti.fake import Identity
from tests.clients.redfish.fake import PASSWORD, USER
from tests.clients.redfish.trees import V1, Tree
from tests.patience import eventually

PATIENCE_S = 20


@dataclass
class Served:
    """A service that runs; ``write`` changes what it says."""

    folder: Path
    port: int

    def write(self, tree: Tree) -> None:
        for path, resource in tree.items():
            place = self.folder / "tree" / path.removeprefix(V1).lstrip("/")
            place.mkdir(parents=True, exist_ok=True)
            (place / "next").write_text(json.dumps(resource))
            (place / "next").replace(place / "index.json")


@contextmanager
def served(folder: Path, tree: Tree, identity: Identity) -> Iterator[Served]:
    """Start both; they are gone at the end."""
    inner, outer = _free_port(), _free_port()
    service = Served(folder, outer)
    service.write(tree)
    (folder / "logins").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
    (folder / "nginx.conf").write_text(_nginx(folder, inner, outer, identity))
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    assert nginx, "nginx is not there: install nginx-light"
    static = Path(sys.executable).with_name("sushy-static")
    with ExitStack() as stack:
        tree_at = str(folder / "tree")
        ours = [str(static), "-i", "127.0.0.1", "-p", str(inner), "-m", tree_at]
        _start(stack, folder, inner, ours)
        _start(stack, folder, outer, [nginx, "-c", str(folder / "nginx.conf"), "-p", str(folder)])
        yield service


def _nginx(folder: Path, inner: int, outer: int, identity: Identity) -> str:
    user = "user root;" if os.geteuid() == 0 else ""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    return f"""{user} worker_processes 1; daemon off; pid {folder}/nginx.pid;
error_log {folder}/error.log; events {{ worker_connections 64; }}
http {{ access_log off; {temporary}
  server {{ listen 127.0.0.1:{outer} ssl;
    ssl_certificate {identity.file}; ssl_certificate_key {identity.file};
    auth_basic redfish; auth_basic_user_file {folder}/logins;
    location = /redfish/v1/ {{ auth_basic off; proxy_pass http://127.0.0.1:{inner}; }}
    location / {{ proxy_pass http://127.0.0.1:{inner}; }} }} }}
"""


def _start(stack: ExitStack, folder: Path, port: int, command: list[str]) -> None:
    log = stack.enter_context((folder / f"{port}.log").open("wb"))
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    stack.callback(process.wait, PATIENCE_S)
    stack.callback(process.terminate)
    what = f"{command[0]} to listen; see {folder / f'{port}.log'}"
    eventually(lambda: _listens(port), what, seconds=PATIENCE_S, process=process)


def _listens(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
