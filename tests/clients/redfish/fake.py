"""A BMC that knows sessions, and answers as it is told: also as it must not.

Trees that others serve are in the tests against sushy-static and nginx; neither knows sessions.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import encode_basic_auth, web
from tests.clients.redfish.trees import V1, Tree

USER, PASSWORD = "metering", "bmc-secret"
SESSIONS = f"{V1}/SessionService/Sessions"


@dataclass
class Bmc:
    """What it answers, and what it was asked.

    tree:     path to what stands there: JSON, or a whole answer
    sessions: the tokens it knows, by the path of each session
    asked:    method and path of each question
    hangs:    whether it takes questions and says nothing
    """

    tree: Tree = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    connections: set[Any] = field(default_factory=set)
    logins: int = 0
    hangs: bool = False
    port: int = 0

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def forget(self) -> None:
        """As a BMC that was restarted."""
        self.sessions.clear()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        path = request.path.rstrip("/")
        self.asked.append((request.method, path))
        self.connections.add(request.transport)
        if self.hangs:
            await asyncio.sleep(60)
        if (request.method, path) == ("POST", SESSIONS):
            return self._log_in(await request.json())
        if path != V1 and not self._knows(request):
            return web.json_response({"error": {"code": "Base.1.8.NoValidSession"}}, status=401)
        if request.method == "DELETE":
            return web.Response(status=204 if self.sessions.pop(path, None) else 404)
        found = self.tree.get(path)
        if found is None:
            return web.json_response({"error": {}}, status=404)
        if isinstance(found, web.Response):
            return web.Response(body=found.body, status=found.status, headers=found.headers)
        return web.json_response(found)

    def _log_in(self, body: dict[str, str]) -> web.Response:
        if body != {"UserName": USER, "Password": PASSWORD}:
            return web.json_response({"error": {}}, status=401)
        self.logins += 1
        path, token = f"{SESSIONS}/{self.logins}", f"token-{self.logins}"
        self.sessions[path] = token
        return web.json_response(
            {}, status=201, headers={"X-Auth-Token": token, "Location": self.url + path}
        )

    def _knows(self, request: web.Request) -> bool:
        if (given := request.headers.get("Authorization")) is not None:
            return given == encode_basic_auth(USER, PASSWORD, "utf-8")
        return request.headers.get("X-Auth-Token") in self.sessions.values()


@asynccontextmanager
async def serving(bmc: Bmc, context: ssl.SSLContext) -> AsyncIterator[Bmc]:
    """Listen on a free port of loopback."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", bmc.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    bmc.port = runner.addresses[0][1]
    try:
        yield bmc
    finally:
        await runner.cleanup()
