"""A BMC that may be told what to answer, and the client that asks it."""

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from tests.clients.ganeti import fake as certificates
from tests.clients.redfish.fake import PASSWORD, USER, Bmc, serving

from meterhouse.clients import trust
from meterhouse.clients.redfish.service import How, Login, Service, open_http
from meterhouse.metering.secrets import Secret

Opener = Callable[..., AbstractAsyncContextManager[Service]]


@pytest.fixture(scope="session")
def identity(tmp_path_factory: pytest.TempPathFactory) -> certificates.Identity:
    file = tmp_path_factory.mktemp("bmc") / "bmc.pem"
    return certificates.identity(file, address="127.0.0.1")


@pytest.fixture
async def bmc(identity: certificates.Identity) -> AsyncIterator[Bmc]:
    async with serving(Bmc(), identity.context()) as running:
        yield running


@pytest.fixture
def opened(identity: certificates.Identity) -> Opener:
    """Ask a BMC as somebody."""

    @asynccontextmanager
    async def opening(
        bmc: Bmc,
        *,
        password: str = PASSWORD,
        how: How = How.SESSION,
        trusted: ssl.SSLContext | None = None,
    ) -> AsyncIterator[Service]:
        trusted = trusted or trust.pinned([identity.fingerprint])
        async with open_http(5.0) as http:
            service = Service(http, bmc.url, Login(USER, Secret(password), how), trusted)
            yield service
            await service.log_out()

    return opening
