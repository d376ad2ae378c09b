"""What people write for a version and for algorithms, and what is meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterhouse.clients.snmp.access import Version, auth_of, privacy_of, version_of


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("1", Version.V1),
        (1, Version.V1),
        ("v1", Version.V1),
        ("2c", Version.V2C),
        ("2", Version.V2C),
        (2, Version.V2C),
        ("v2c", Version.V2C),
        ("V2C", Version.V2C),
        ("3", Version.V3),
        (3, Version.V3),
        ("v3", Version.V3),
        (" SNMPv3 ", Version.V3),
    ],
)
def test_a_version_is_understood_as_people_write_it(written: str | int, meant: Version) -> None:
    assert version_of(written) is meant


@given(st.sampled_from(["v", "V", "snmpv", ""]), st.sampled_from(["1", "2c", "3"]))
def test_a_text_made_at_run_time_is_the_same_version(prefix: str, number: str) -> None:
    """Kwapi compared by identity, which is true only of texts in the program itself."""
    assert version_of("".join([*prefix, *number])) is Version(number)


@pytest.mark.parametrize("written", ["", "4", "2b", "one", 0])
def test_any_other_version_is_refused(written: str | int) -> None:
    with pytest.raises(ValueError, match="there are 1, 2c and 3"):
        version_of(written)


@pytest.mark.parametrize(
    ("written", "meant"),
    [("SHA", "sha"), ("sha-1", "sha"), ("SHA-256", "sha256"), ("md5", "md5"), ("", "")],
)
def test_an_algorithm_for_signing_is_understood(written: str, meant: str) -> None:
    assert auth_of(written) == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [("AES", "aes128"), ("aes-128", "aes128"), ("AES256C", "aes256c"), ("DES", "des"), ("", "")],
)
def test_an_algorithm_for_encrypting_is_understood(written: str, meant: str) -> None:
    assert privacy_of(written) == meant


def test_unknown_algorithms_are_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="auth: 'rot13': there are md5, sha"):
        auth_of("rot13")
    with pytest.raises(ValueError, match="privacy: 'rot13': there are des, aes128"):
        privacy_of("rot13")
