"""What may stand in a section of BMCs, and what is refused with a word on what would be right."""

from pathlib import Path
from typing import Any

import pytest

from meterhouse.metering.errors import Mistake
from meterhouse.sources import configure
from meterhouse.sources.ipmi.config import Bmc, bmcs

PAIR: dict[str, Any] = {"kind": "ipmi", "hosts": ["bmc-1", "bmc-2"], "probes": ["n1", "n2"]}


def found(**more: object) -> list[Bmc]:
    return bmcs(configure("rack-1", PAIR | more, where="-").config)


def test_a_host_may_differ_from_the_others(tmp_path: Path) -> None:
    file = tmp_path / "bmc-2.password"
    file.write_text("calvin\n")
    alone = {"user": "root", "password_file": str(file), "cipher_suite": 17, "port": 6230}
    alone |= {"method": "sensors", "sensors": ["PSU1 Input"], "workarounds": ["opensesspriv"]}
    first, second = found(user="metering", password="secret", exceptions={"bmc-2": alone})
    assert (first.address, first.method, first.manner.login.user) == (
        "bmc-1:623",
        "auto",
        "metering",
    )
    assert (second.address, second.method, second.sensors) == (
        "bmc-2:6230",
        "sensors",
        ("PSU1 Input",),
    )
    assert second.manner.login.password.reveal() == "calvin"
    assert second.manner.arguments()[:4] == [
        "--driver-type=LAN_2_0",
        "--cipher-suite-id=17",
        "--privilege-level=ADMIN",
        "--workaround-flags=opensesspriv",
    ]


def test_an_exception_keeps_what_it_does_not_mention() -> None:
    _, second = found(user="metering", password="secret", exceptions={"bmc-2": {"port": 624}})
    assert second.manner.login.password.reveal() == "secret"


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"hosts": ["-h", "bmc-2"]}, "'-h' is no host name"),
        ({"hosts": ["bmc[1-9]", "bmc-2"]}, "is no host name"),
        ({"hosts": ["bmc-1", "bmc-1"]}, "bmc-1:623 is there twice"),
        ({"hosts": ["bmc-1"]}, "probes: 2 of them for 1 hosts"),
        ({"probes": ["", ""]}, "at least one outlet needs a name"),
        ({"exceptions": {"bmc-3": {}}}, "exceptions: 'bmc-3' is none of the hosts"),
        ({"exceptions": {"bmc-2": {"cipher_suite": 9}}}, "exceptions: 'bmc-2': cipher_suite: 9"),
        ({"exceptions": {"bmc-2": {"sensor": "x"}}}, "'exceptions.bmc-2.sensor' is not known"),
        ({"exceptions": {"bmc-2": {"port": 0}}}, "port: 0 is none"),
        ({"cipher_suite": 4}, "cipher_suite: 4 is none of 0, 1, 2, 3"),
        ({"workarounds": ["-p"]}, "workarounds"),
        ({"method": "guess"}, "method"),
        ({"sensors": ["a sensor of more than 16"]}, "1 to 16 characters"),
        ({"patience_s": 0}, "patience_s"),
        ({"password": "x" * 21}, "at most 20"),
        ({"password": "a", "password_file": "/b"}, "give one of them"),
        ({"password_file": "b"}, "must be a whole path"),
    ],
)
def test_what_cannot_be_meant_is_refused(table: dict[str, object], said: str) -> None:
    with pytest.raises(Mistake, match="rack-1") as mistake:
        found(**table)
    assert said in str(mistake.value)


def test_a_password_file_that_cannot_be_used_is_a_mistake(tmp_path: Path) -> None:
    file = tmp_path / "password"
    with pytest.raises(Mistake, match="cannot be read"):
        found(password_file=str(file))
    file.write_text("much-too-long-to-be-the-password-of-a-BMC")
    with pytest.raises(Mistake, match=r"password': password: IPMI knows at most 20") as mistake:
        found(password_file=str(file))
    assert "much" not in str(mistake.value)
