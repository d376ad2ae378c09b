"""A cluster that is not the one that is known is told nothing."""

import hashlib
import socket
import ssl
import threading
from pathlib import Path

import pytest
from tests.clients.ganeti import fake

from meterhouse.clients import trust
from meterhouse.clients.ganeti.client import Refused, open_rapi
from meterhouse.metering.errors import Mistake
from meterhouse.metering.secrets import Secret


async def ask(peer: fake.Rapi, trusted: ssl.SSLContext) -> str:
    peer.cluster()
    async with open_rapi(
        peer.url, trusted, user="alice", password=Secret("alice-pw"), deadline_s=5
    ) as rapi:
        return (await rapi.info()).name


async def test_the_known_certificate_is_trusted_whatever_it_names(
    peer: fake.Rapi, identity: fake.Identity
) -> None:
    assert await ask(peer, trust.pinned([bytes(32), identity.fingerprint])) == "gnt.example"


async def test_another_certificate_gets_no_word(peer: fake.Rapi, identity: fake.Identity) -> None:
    shown = trust.spelled(identity.fingerprint)
    with pytest.raises(Refused, match=f"another certificate, {shown}; give `certificate`"):
        await ask(peer, trust.pinned([bytes(32)]))
    assert not peer.asked


async def test_a_pinned_certificate_may_have_expired(tmp_path: Path) -> None:
    old = fake.identity(tmp_path / "old.pem", until=2021)
    async with fake.serving(fake.Rapi(), old.context()) as peer:
        assert await ask(peer, trust.pinned(trust.of_file(str(old.file)))) == "gnt.example"


async def test_what_signs_itself_is_no_authority(peer: fake.Rapi) -> None:
    with pytest.raises(Refused, match="self-signed"):
        await ask(peer, trust.authorities(""))
    assert not peer.asked


async def test_an_authority_vouches_for_the_right_address_only(
    peer: fake.Rapi, identity: fake.Identity, tmp_path: Path
) -> None:
    proper = fake.identity(tmp_path / "proper.pem", address="127.0.0.1")
    async with fake.serving(fake.Rapi(), proper.context()) as good_peer:
        assert await ask(good_peer, trust.authorities(str(proper.file))) == "gnt.example"
    with pytest.raises(Refused, match="IP address mismatch"):
        await ask(peer, trust.authorities(str(identity.file)))
    assert not peer.asked


def test_a_blocking_socket_is_held_to_the_certificate_too(identity: fake.Identity) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_shake_hands, args=(server, identity.context()))
        thread.start()
        address = server.getsockname()
        context = trust.pinned([bytes(32)])
        with (
            socket.create_connection(address, timeout=5) as plain,
            pytest.raises(ssl.SSLCertVerificationError, match="another certificate"),
        ):
            context.wrap_socket(plain)
        thread.join(5)


def _shake_hands(server: socket.socket, context: ssl.SSLContext) -> None:
    plain, _ = server.accept()
    plain.settimeout(5)
    with plain, context.wrap_socket(plain, server_side=True) as shaken:
        shaken.recv(1)


def test_a_file_may_hold_the_key_and_the_next_certificate(tmp_path: Path) -> None:
    now, then = (fake.identity(tmp_path / name) for name in ("now.pem", "then.pem"))
    both = tmp_path / "both.pem"
    both.write_bytes(now.file.read_bytes() + then.file.read_bytes())
    assert trust.of_file(str(both)) == [now.fingerprint, then.fingerprint]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "holds no BEGIN CERTIFICATE"),
        (b"-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----", "cannot be read"),
        (b"\xff\xfe", "cannot be read"),
    ],
)
def test_a_file_without_a_certificate_is_a_mistake(
    tmp_path: Path, content: bytes, said: str
) -> None:
    file = tmp_path / "rapi.pem"
    file.write_bytes(content)
    with pytest.raises(Mistake, match=said):
        trust.of_file(str(file))


def test_a_file_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    for read in (trust.of_file, trust.authorities):
        with pytest.raises(Mistake, match=r"none\.pem"):
            read(str(tmp_path / "none.pem"))


def test_authorities_that_are_none_are_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").touch()
    with pytest.raises(Mistake, match=r"empty\.pem"):
        trust.authorities(str(tmp_path / "empty.pem"))


def test_a_fingerprint_is_read_as_openssl_prints_it() -> None:
    digest = hashlib.sha256(b"a certificate").digest()
    spelled = trust.spelled(digest)
    for text in (spelled, f"sha256 Fingerprint={spelled}", digest.hex(), f" {digest.hex()}\n"):
        assert trust.of_text(text) == digest


@pytest.mark.parametrize("text", ["", "ab", "AB:" * 20, "x" * 64, "A" * 63])
def test_what_is_no_fingerprint_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        trust.of_text(text)
