"""``/healthz``: one word for anybody, all of it for those who see everything.

A load balancer needs no more than the word; where the database is, and what it said, is nobody's
business who may not see the house.
"""

from collections.abc import Callable, Mapping

from meterhouse.web.readers import Reader, Readers, credential_in
from meterhouse.web.replies import ALLOW, ONLY_GET, Receive, Scope, Send, send_json

OK = "ok"


class Healthz:
    """An ASGI application.

    told:  what there is to tell; its "status" is "ok" or what is to be said instead
    """

    def __init__(self, told: Callable[[], Mapping[str, object]], readers: Readers) -> None:
        self._told, self._readers = told, readers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != "/healthz":
            await send_json(send, 404, {"error": "there is nothing at this address"})
            return
        if scope["method"] not in {"GET", "HEAD"}:
            await send_json(send, 405, {"error": ONLY_GET}, ALLOW)
            return
        told = self._told()
        body = told if await self._sees_everything(scope) else {"status": told["status"]}
        await send_json(send, 200 if told["status"] == OK else 503, body)

    async def _sees_everything(self, scope: Scope) -> bool:
        if credential_in(scope["headers"]) is None:
            return False
        reader = await self._readers.of(scope["headers"])
        return isinstance(reader, Reader) and reader.sight is None
