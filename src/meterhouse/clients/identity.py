"""How we prove who we are to a peer that wants it: by a client certificate, and its key."""

import ssl
from dataclasses import dataclass

from meterhouse.clients.files import whole_path
from meterhouse.clients.reasons import reason
from meterhouse.metering.errors import Mistake


@dataclass(frozen=True, slots=True)
class Identity:
    """Two PEM files; "" for the key if it stands behind the certificate, in the same file.

    Raises ValueError that names the key of the configuration.
    """

    certificate: str
    key: str = ""

    def __post_init__(self) -> None:
        whole_path("client_certificate", self.certificate)
        whole_path("client_key", self.key)
        if self.key and not self.certificate:
            raise ValueError("client_key: goes with client_certificate")

    def show_in(self, context: ssl.SSLContext) -> None:
        """Let connections of this context show it, where it is wanted. Raises Mistake."""
        if not self.certificate:
            return
        try:
            context.load_cert_chain(self.certificate, self.key or None, self._encrypted)
        except OSError as error:
            why = "they are no pair" if isinstance(error, ssl.SSLError) else reason(error)
            raise Mistake(f"client_certificate and client_key: {self._files}: {why}") from error

    @property
    def _files(self) -> str:
        return " and ".join(repr(file) for file in (self.certificate, self.key) if file)

    def _encrypted(self) -> str:
        """Asked for a passphrase; OpenSSL itself would ask at the terminal, and wait."""
        raise Mistake(f"client_key: {self._files}: the key is encrypted; give one that is not")
