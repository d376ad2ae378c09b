from pathlib import Path

import pytest
from tests.bus.house import Peer, sockets

from meterhouse.bus.endpoints import Endpoint, checked, require_free
from meterhouse.metering.errors import Mistake


def test_an_endpoint_is_two_sockets_in_a_folder_or_two_ports() -> None:
    assert Endpoint.ipc(Path("/run/mh"), "bus") == Endpoint(
        "ipc:///run/mh/bus.live", "ipc:///run/mh/bus.replay"
    )
    assert Endpoint.tcp("[::1]", 8410) == Endpoint("tcp://[::1]:8410", "tcp://[::1]:8411")


@pytest.mark.parametrize(
    ("address", "endpoint"),
    [
        ("tcp://[::1]:8410", Endpoint("tcp://[::1]:8410", "tcp://[::1]:8411")),
        ("tcp://10.0.0.1:*", Endpoint("tcp://10.0.0.1:*", "tcp://10.0.0.1:*")),
        ("ipc:///run/mh/bus", Endpoint("ipc:///run/mh/bus.live", "ipc:///run/mh/bus.replay")),
    ],
)
def test_people_write_one_address_and_mean_two(address: str, endpoint: Endpoint) -> None:
    assert Endpoint.at(address) == endpoint


def test_a_last_port_has_no_next_one() -> None:
    with pytest.raises(Mistake, match="no port above 65535"):
        Endpoint.at("tcp://host:65535")


async def test_addresses_that_others_have_are_a_mistake_and_free_ones_stay_free() -> None:
    free = Endpoint.at(f"ipc://{sockets()}/bus")
    require_free(free.live, free.replay)
    require_free(free.live, free.replay)
    with Peer() as peer:
        taken = peer.pretend(sockets())
        with pytest.raises(Mistake, match="in use by another process"):
            require_free(free.live, taken.live)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ipc://",
        "tcp://",
        "tcp://host",
        "tcp://host:port",
        "http://host:1",
        "tcp://a b:1",
        "//",
    ],
)
def test_what_is_no_address_is_a_mistake_that_shows_one(address: str) -> None:
    with pytest.raises(Mistake, match="is no address; one is tcp://host:port"):
        checked(address)


def test_a_port_has_sixteen_bits() -> None:
    assert checked("tcp://host:65535")
    with pytest.raises(Mistake, match="no port above 65535"):
        checked("tcp://host:65536")


def test_a_path_that_is_too_long_for_a_socket_says_how_long_one_may_be() -> None:
    with pytest.raises(Mistake, match="at most 107 bytes, this one 117; choose a folder nearer"):
        Endpoint.ipc(Path("/" + "ä" * 50), "meterhouse")


async def test_a_folder_that_is_not_there_is_a_mistake() -> None:
    with Peer() as peer, pytest.raises(Mistake, match="cannot be bound: No such file"):
        peer.pretend(sockets() / "missing")


async def test_every_host_at_once_is_a_mistake() -> None:
    with Peer() as peer, pytest.raises(Mistake, match="cannot be connected to: Invalid argument"):
        peer.visit(Endpoint("", "tcp://*:1"))
