"""What is given to a program as a host is one host, whatever somebody writes."""

import pytest

from meterhouse.clients.hosts import address


@pytest.mark.parametrize(
    ("host", "found"),
    [
        ("bmc-1.osl.example", "bmc-1.osl.example:623"),
        ("192.0.2.7", "192.0.2.7:623"),
        ("2001:db8::7", "[2001:db8::7]:623"),
        ("localhost", "localhost:623"),  # with its port it is not this machine's own BMC
    ],
)
def test_names_and_addresses_are_hosts(host: str, found: str) -> None:
    assert address(host, 623) == found


@pytest.mark.parametrize(
    "host",
    ["", "-h", "--config-file=/etc/passwd", "bmc[1-9]", "a,b", "a b", "a:623", "a;id", "$(id)",
     "a\nb", "bmc/1", "[::1]", "é", "::1%eth0,evil"],
)  # fmt: skip
def test_what_could_be_an_option_a_range_or_a_list_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match="is no host name and no IP address"):
        address(host, 623)


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_that_is_none_is_refused(port: int) -> None:
    with pytest.raises(ValueError, match="port"):
        address("bmc-1", port)
