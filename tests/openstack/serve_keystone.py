"""Keystone in one process, from nothing to answering: run by .openstack's Python, not by ours.

    .openstack/bin/python serve_keystone.py FOLDER PORT

The administrator's password is the first line of standard input; "ready" is printed once it
answers. It ends when standard input does.
"""

import os
import sys
import threading
from base64 import urlsafe_b64encode
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

CONFIG = """
[DEFAULT]
insecure_debug = false
[database]
connection = sqlite:///{folder}/keystone.db
[fernet_tokens]
key_repository = {folder}/tokens
[fernet_receipts]
key_repository = {folder}/receipts
[credential]
key_repository = {folder}/credentials
[identity]
password_hash_rounds = 4
[cache]
enabled = false
"""


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, *said: object) -> None:
        """Nothing is said of each request."""


def main() -> None:
    folder, port = Path(sys.argv[1]), int(sys.argv[2])
    del sys.argv[1:]  # Keystone reads them too
    password = sys.stdin.readline().strip()
    for name in ("tokens", "receipts"):
        (folder / name).mkdir(mode=0o700)
        (folder / name / "1").write_bytes(urlsafe_b64encode(os.urandom(32)))
    config = folder / "keystone.conf"
    config.write_text(CONFIG.format(folder=folder))
    os.environ["OS_KEYSTONE_CONFIG_FILES"] = str(config)
    from keystone.server import wsgi

    application = wsgi.initialize_public_application()
    furnish(password, f"http://127.0.0.1:{port}/v3")
    server = make_server("127.0.0.1", port, application, Server, Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print("ready", flush=True)
    sys.stdin.read()


def furnish(password: str, url: str) -> None:
    """Tables, and what `keystone-manage bootstrap` makes."""
    from keystone.cmd import bootstrap
    from keystone.common.sql import upgrades

    upgrades.offline_sync_database_to_version()
    bootstrap.backends.load_backends = lambda: None  # they are loaded, and can be only once
    first = bootstrap.Bootstrapper()
    first.admin_username, first.admin_password = "admin", password
    first.project_name = first.admin_role_name = "admin"
    first.service_name, first.region_id = "keystone", "here"
    first.public_url = first.internal_url = first.admin_url = url
    first.bootstrap()


if __name__ == "__main__":
    main()
