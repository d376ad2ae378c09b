"""Logging in and out, and what a BMC may not do to whoever asks it."""

import asyncio
import json

import pytest
from aiohttp import web
from tests.clients.ganeti import fake as certificates
from tests.clients.redfish.conftest import Opener
from tests.clients.redfish.fake import SESSIONS, Bmc, serving
from tests.clients.redfish.trees import V1, environment, link, root

from meterhouse.clients import trust
from meterhouse.clients.redfish.answers import Chassis, Collection, Environment, Power
from meterhouse.clients.redfish.service import LARGEST, How, Missing, Refused
from meterhouse.metering.errors import BadReading, Unreachable

METRICS = f"{V1}/Chassis/1U/EnvironmentMetrics"


@pytest.fixture(autouse=True)
def _server(bmc: Bmc) -> None:
    bmc.tree = root("1U")
    environment(bmc.tree, "1U", 344.5)


async def test_one_session_over_one_connection_is_used_and_given_back(
    bmc: Bmc, opened: Opener
) -> None:
    async with opened(bmc) as service:
        found = [await service.get(METRICS, Environment) for _ in range(3)]
        assert [each.power.reading for each in found if each.power] == [344.5] * 3
        assert list(bmc.sessions) == [f"{SESSIONS}/1"]
        assert len(bmc.connections) == 1
    assert not bmc.sessions
    assert bmc.asked[0] == ("GET", V1)  # which says where sessions are made
    assert [path for method, path in bmc.asked if method != "GET"] == [
        SESSIONS,
        f"{SESSIONS}/1",
    ]


async def test_a_session_that_the_bmc_forgot_is_renewed(bmc: Bmc, opened: Opener) -> None:
    async with opened(bmc) as service:
        await service.get(METRICS, Environment)
        bmc.forget()
        assert (await service.get(METRICS, Environment)).power
        assert list(bmc.sessions.values()) == ["token-2"]


async def test_a_wrong_password_is_refused_once_and_not_tried_again(
    bmc: Bmc, opened: Opener
) -> None:
    for how in How:
        async with opened(bmc, password="wrong", how=how) as service:
            with pytest.raises(Refused, match="refuses the login"):
                await service.get(METRICS, Environment)
    tried = [path for method, path in bmc.asked if (method, path) != ("GET", V1)]
    assert tried == [SESSIONS, METRICS]


async def test_basic_login_needs_no_session(bmc: Bmc, opened: Opener) -> None:
    async with opened(bmc, how=How.BASIC) as service:
        assert (await service.get(METRICS, Environment)).power
    assert bmc.asked == [("GET", METRICS)]


async def test_a_user_with_too_few_rights_keeps_the_session(bmc: Bmc, opened: Opener) -> None:
    bmc.tree[METRICS] = web.Response(status=403)
    async with opened(bmc) as service:
        for _ in range(2):
            with pytest.raises(Refused, match=f"{METRICS}: the user may not read that"):
                await service.get(METRICS, Environment)
        assert bmc.logins == 1


async def test_a_bmc_that_is_not_known_is_told_nothing(
    bmc: Bmc, opened: Opener, identity: certificates.Identity
) -> None:
    shown = trust.spelled(identity.fingerprint)
    for trusted, said in (
        (trust.pinned([bytes(32)]), f"another certificate, {shown}; if it is the right one"),
        (
            trust.authorities(""),
            "self-signed certificate; if it is the right one, name it",
        ),
    ):
        async with opened(bmc, trusted=trusted) as service:
            with pytest.raises(Refused, match=said):
                await service.get(METRICS, Environment)
    assert not bmc.asked


async def test_an_authority_or_nobody_may_vouch_for_it(
    bmc: Bmc, opened: Opener, identity: certificates.Identity
) -> None:
    for trusted in (trust.authorities(str(identity.file)), trust.unverified()):
        async with opened(bmc, trusted=trusted) as service:
            assert (await service.get(METRICS, Environment)).power


async def test_a_redirect_to_somebody_else_is_not_followed(
    bmc: Bmc, opened: Opener, identity: certificates.Identity
) -> None:
    async with serving(Bmc(), identity.context()) as thief:
        where = f"{thief.url}{METRICS}"
        bmc.tree[METRICS] = web.Response(status=307, headers={"Location": where})
        async with opened(bmc) as service:
            with pytest.raises(BadReading, match="where nobody is asked"):
                await service.get(METRICS, Environment)
        assert not thief.asked


async def test_a_redirect_on_the_same_bmc_is_followed_but_not_for_ever(
    bmc: Bmc, opened: Opener
) -> None:
    bmc.tree[f"{V1}/Old"] = web.Response(status=308, headers={"Location": METRICS})
    bmc.tree[f"{V1}/Round"] = web.Response(status=302, headers={"Location": f"{V1}/Round"})
    async with opened(bmc) as service:
        assert (await service.get(f"{V1}/Old", Environment)).power
        with pytest.raises(BadReading, match="more than 2 redirects"):
            await service.get(f"{V1}/Round", Environment)


@pytest.mark.parametrize(
    "path",
    ["https://thief.example/redfish/v1", "//thief.example/redfish/v1", "/admin", "/redfish/a b",
     "/redfish/\r\nHost: thief", "/redfish/" + "x" * 1001],
)  # fmt: skip
async def test_a_link_that_leads_elsewhere_is_nonsense(
    bmc: Bmc, opened: Opener, path: str
) -> None:
    bmc.tree[f"{V1}/Chassis/1U"] = {"Id": "1U", "Power": link(path)}
    async with opened(bmc) as service:
        with pytest.raises(BadReading, match="leads to no resource of this BMC"):
            await service.get(f"{V1}/Chassis/1U", Chassis)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<html>", "JSON is malformed"),
        (b'{"PowerWatts": {"Reading": "much"}}', "Expected `float | null`, got `str`"),
        (b'{"PowerWatts": [1]}', "Expected `object | null`, got `array`"),
        (b"[" * 100_000, "Expected `object`"),
        (b"\xff", "malformed"),
        (b" " * (LARGEST + 1), "more than 4 MiB"),
    ],
)
async def test_nonsense_is_a_bad_reading(bmc: Bmc, opened: Opener, body: bytes, said: str) -> None:
    bmc.tree[METRICS] = web.Response(body=body)
    async with opened(bmc) as service:
        with pytest.raises(BadReading, match=METRICS) as bad:
            await service.get(METRICS, Environment)
    assert said in str(bad.value)


@pytest.mark.parametrize(
    ("status", "error"), [(404, Missing), (503, Unreachable), (418, BadReading)]
)
async def test_what_is_no_answer_says_so(
    bmc: Bmc, opened: Opener, status: int, error: type[Exception]
) -> None:
    bmc.tree[METRICS] = web.Response(status=status)
    async with opened(bmc) as service:
        with pytest.raises(error, match=METRICS):
            await service.get(METRICS, Environment)


async def test_null_is_unknown_everywhere(bmc: Bmc, opened: Opener) -> None:
    bmc.tree[METRICS] = {"PowerWatts": None, "EnergykWh": {"Reading": None}}
    bmc.tree[f"{V1}/Power"] = json.loads('{"PowerControl": [{"PowerConsumedWatts": null}]}')
    async with opened(bmc) as service:
        assert (await service.get(METRICS, Environment)).power is None
        assert (await service.get(f"{V1}/Power", Power)).control[0].watts is None
        assert not (await service.get(METRICS, Collection)).members


async def test_a_login_without_a_token_is_nonsense(bmc: Bmc, opened: Opener) -> None:
    bmc.tree[V1]["Links"] = {"Sessions": link(f"{V1}/Nothing")}
    async with opened(bmc) as service:
        with pytest.raises((Refused, BadReading)):
            await service.get(METRICS, Environment)


async def test_where_nobody_listens_is_unreachable(bmc: Bmc, opened: Opener) -> None:
    gone = Bmc(port=1)
    async with opened(gone) as service:
        with pytest.raises(Unreachable, match="Connection refused"):
            await service.get(METRICS, Environment)


async def test_logging_out_of_a_bmc_that_hangs_takes_no_longer_than_two_seconds(
    bmc: Bmc, opened: Opener
) -> None:
    began = asyncio.get_running_loop().time()
    async with opened(bmc) as service:
        await service.get(METRICS, Environment)
        bmc.hangs = True
    assert asyncio.get_running_loop().time() - began < 4
