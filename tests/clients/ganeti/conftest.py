"""A peer that may be told what to answer, and how it is known."""

from collections.abc import AsyncIterator

import pytest
from tests.clients.ganeti import fake

from meterhouse.clients import trust
from meterhouse.clients.ganeti.client import Rapi, open_rapi
from meterhouse.metering.secrets import Secret


@pytest.fixture(scope="session")
def identity(tmp_path_factory: pytest.TempPathFactory) -> fake.Identity:
    return fake.identity(tmp_path_factory.mktemp("rapi") / "rapi.pem")


@pytest.fixture
async def peer(identity: fake.Identity) -> AsyncIterator[fake.Rapi]:
    async with fake.serving(fake.Rapi(), identity.context()) as serving:
        yield serving


@pytest.fixture
async def rapi(peer: fake.Rapi, identity: fake.Identity) -> AsyncIterator[Rapi]:
    """The client under test, as Alice."""
    trusted = trust.pinned([identity.fingerprint])
    async with open_rapi(
        peer.url,
        trusted,
        user="alice",
        password=Secret("alice-pw"),
        deadline_s=5,
        limit_bytes=100_000,
    ) as client:
        yield client
