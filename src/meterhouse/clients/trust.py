"""How a peer proves who it is before it is told a password.

Either an authority has signed its certificate, which must bear the right name; or the very
certificate is known beforehand, as a host key is in SSH: by its SHA-256 fingerprint. When it
expires is then of no account, nor what it names: devices sign their own, and name anything.
"""

import hashlib
import hmac
import re
import ssl
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from meterhouse.clients.files import whole_path
from meterhouse.clients.reasons import reason
from meterhouse.metering.errors import Mistake

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)

Verify = Literal["ca", "pin", "none"]


@dataclass(frozen=True, slots=True)
class Trust:
    """How a peer proves who it is, in the words of a configuration.

    verify:      "ca": an authority has signed its certificate; "pin": it is a known one;
                 "none": anybody is believed, who is then told the password
    certificate: a PEM file: the authorities, "" for the system's; of "pin" the very certificate
    fingerprint: of "pin", its SHA-256 in place of the file

    Raises ValueError that names the key.
    """

    verify: Verify = "ca"
    certificate: str = ""
    fingerprint: str = ""

    def __post_init__(self) -> None:
        whole_path("certificate", self.certificate)
        if self.fingerprint and self.verify != "pin":
            raise ValueError('fingerprint: goes with verify = "pin"')
        if self.certificate and self.verify == "none":
            raise ValueError('certificate: goes with verify = "ca" or "pin"')
        if self.verify == "pin" and bool(self.certificate) == bool(self.fingerprint):
            raise ValueError('verify = "pin": needs the certificate, or else its fingerprint')
        if self.fingerprint:
            of_text(self.fingerprint)

    def context(self) -> ssl.SSLContext:
        """Raises Mistake if a file cannot be used."""
        if self.verify == "ca":
            return authorities(self.certificate)
        if self.verify == "none":
            return unverified()
        known = of_file(self.certificate) if self.certificate else [of_text(self.fingerprint)]
        return pinned(known)


def where_spoken(trust: Trust, *, tls: bool) -> Trust | None:
    """Of a peer that speaks TLS only if it is told to. Raises ValueError for a trust in nobody."""
    if not tls and trust != Trust():
        raise ValueError("verify, certificate and fingerprint: go with tls = true")
    return trust if tls else None


def pinned(fingerprints: Collection[bytes]) -> ssl.SSLContext:
    """A context that trusts exactly the certificates with these SHA-256 fingerprints.

    The comparison is part of the handshake: nothing is sent to anybody else.
    """

    def check(connection: ssl.SSLObject | ssl.SSLSocket) -> None:
        certificate = connection.getpeercert(binary_form=True) or b""
        shown = hashlib.sha256(certificate).digest()
        if not any(hmac.compare_digest(shown, known) for known in fingerprints):
            told = f"it shows another certificate, {spelled(shown)}"
            raise ssl.SSLCertVerificationError(ssl.SSLErrorNumber.SSL_ERROR_SSL, told)

    class PinnedObject(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            check(self)

    class PinnedSocket(ssl.SSLSocket):
        def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - as above it
            super().do_handshake(block)
            check(self)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # by OpenSSL; the handshake above does it
    context.options |= ssl.OP_NO_RENEGOTIATION  # which could change the certificate
    context.sslobject_class = PinnedObject
    context.sslsocket_class = PinnedSocket
    return context


def authorities(file: str) -> ssl.SSLContext:
    """A context that trusts certificates with the right name, signed by an authority.

    file: PEM file of the authorities; "" for those the system trusts

    Raises Mistake.
    """
    try:
        return ssl.create_default_context(cafile=file or None)
    except OSError as error:
        raise Mistake(f"certificate {file!r} cannot be read: {_why(error)}") from error


def unverified() -> ssl.SSLContext:
    """A context that trusts anybody: who can listen in between is told the password."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def of_file(path: str) -> list[bytes]:
    """Fingerprints of the certificates in a PEM file; keys in it are passed over. Raises Mistake.

    There may be several, so that the next one can be made known before it is in use.
    """
    try:
        blocks = _PEM.findall(Path(path).read_text())
        found = [hashlib.sha256(_decoded(block)).digest() for block in blocks]
    except (OSError, ValueError) as error:
        raise Mistake(f"certificate {path!r} cannot be read: {_why(error)}") from error
    if not found:
        raise Mistake(f"certificate {path!r} holds no BEGIN CERTIFICATE")
    return found


def _why(error: Exception) -> str:
    return "it is no certificate" if isinstance(error, ssl.SSLError) else reason(error)


def _decoded(block: str) -> bytes:
    """A certificate as it travels in the handshake. Raises OSError or ValueError for nonsense."""
    certificate = ssl.PEM_cert_to_DER_cert(block)
    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=certificate)
    return certificate


def of_text(fingerprint: str) -> bytes:
    """A SHA-256 fingerprint as openssl prints it, colons or not. Raises ValueError."""
    digits = fingerprint.rpartition("=")[2].replace(":", "").strip()
    if not re.fullmatch("[0-9A-Fa-f]{64}", digits):
        raise ValueError("fingerprint: expected 32 bytes in hexadecimal, as SHA-256 has")
    return bytes.fromhex(digits)


def spelled(fingerprint: bytes) -> str:
    return fingerprint.hex(":").upper()
