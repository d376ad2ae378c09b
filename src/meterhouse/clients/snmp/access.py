"""How an agent is known and how it knows us: a community (v1, v2c), or a user with keys (v3).

Source: RFC 3414 and RFC 3826 (DES, AES-128), RFC 7860 (SHA-2). AES with longer keys is in no RFC;
two ways to lengthen a key are in use, Blumenthal's and Cisco's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gufo.snmp import SnmpVersion
from gufo.snmp.aio import SnmpSession
from gufo.snmp.user import (
    Aes128Key,
    Aes192Key,
    Aes256Key,
    BaseAuthKey,
    BasePrivKey,
    DesKey,
    KeyExpansion,
    Md5Key,
    Sha1Key,
    Sha224Key,
    Sha256Key,
    Sha384Key,
    Sha512Key,
    User,
)

from meterhouse.metering.secrets import Secret

NO_SECRET = Secret("")
SHORTEST_KEY = 8
"""RFC 3414, 11.2: a password of a user has at least 8 characters; agents refuse shorter ones."""


class Version(StrEnum):
    """What is spoken."""

    V1 = "1"
    V2C = "2c"
    V3 = "3"


GUFO = {
    Version.V1: SnmpVersion.v1,
    Version.V2C: SnmpVersion.v2c,
    Version.V3: SnmpVersion.v3,
}
AUTHS: dict[str, type[BaseAuthKey]] = {
    "md5": Md5Key,
    "sha": Sha1Key,
    "sha224": Sha224Key,
    "sha256": Sha256Key,
    "sha384": Sha384Key,
    "sha512": Sha512Key,
}
PRIVACIES: dict[str, tuple[type[BasePrivKey], KeyExpansion]] = {
    "des": (DesKey, KeyExpansion.Blumenthal),
    "aes128": (Aes128Key, KeyExpansion.Blumenthal),
    "aes192": (Aes192Key, KeyExpansion.Blumenthal),
    "aes256": (Aes256Key, KeyExpansion.Blumenthal),
    "aes192c": (Aes192Key, KeyExpansion.Cisco),
    "aes256c": (Aes256Key, KeyExpansion.Cisco),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who asks.

    community: for v1 and v2c
    user:      for v3, as everything below
    auth:      a key of AUTHS, or "": nothing is signed
    privacy:   a key of PRIVACIES, or "": nothing is encrypted
    """

    version: Version = Version.V2C
    community: Secret = NO_SECRET
    user: str = ""
    auth: str = ""
    auth_key: Secret = NO_SECRET
    privacy: str = ""
    privacy_key: Secret = NO_SECRET

    def session(self, address: str, port: int, wait_s: float) -> SnmpSession:
        """A session with the agent at an IP address; nothing is sent yet."""
        return SnmpSession(
            addr=address,
            port=port,
            version=GUFO[self.version],
            community=self.community.reveal(),
            user=self._user() if self.version is Version.V3 else None,
            timeout=wait_s,
        )

    def _user(self) -> User:
        auth, privacy, expansion = None, None, KeyExpansion.Blumenthal
        if self.auth:
            auth = AUTHS[self.auth](self.auth_key.reveal().encode())
        if self.privacy:
            kind, expansion = PRIVACIES[self.privacy]
            privacy = kind(self.privacy_key.reveal().encode())
        return User(self.user, auth_key=auth, priv_key=privacy, key_expansion=expansion)


def version_of(written: str | int) -> Version:
    """The version as people write it: 1, "2c", "v3", 2. Raises ValueError."""
    plain = str(written).strip().lower().removeprefix("snmp").removeprefix("v")
    try:
        return Version("2c" if plain == "2" else plain)
    except ValueError:
        raise ValueError(f"version: {written!r}: there are 1, 2c and 3") from None


def auth_of(written: str) -> str:
    """The name in AUTHS of what people write: "SHA-1", "sha256", "". Raises ValueError."""
    return _known("auth", written, AUTHS, {"sha1": "sha"})


def privacy_of(written: str) -> str:
    """The name in PRIVACIES of what people write: "AES", "aes-256", "". Raises ValueError."""
    return _known("privacy", written, PRIVACIES, {"aes": "aes128"})


def _known(key: str, written: str, known: Mapping[str, object], others: Mapping[str, str]) -> str:
    """The name of what is written, with dashes or not, or by one of its other names."""
    plain = written.strip().lower().replace("-", "").replace("_", "")
    plain = others.get(plain, plain)
    if plain and plain not in known:
        raise ValueError(f"{key}: {written!r}: there are {', '.join(known)}")
    return plain
