"""Asking Keystone about other people's tokens, with an account of our own.

The account logs in when it is first needed and again when its own token has expired;
keystoneauth does that. Calls block: they belong in a thread.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from keystoneauth1.exceptions import ClientException
from keystoneauth1.identity import v3
from keystoneauth1.session import Session

from meterhouse.clients.keystone.account import Account, Bearer
from meterhouse.metering.errors import Unreachable
from meterhouse.metering.periods import to_ms

TIMEOUT_S = 5.0
LONGEST_TOKEN = 8192
"""A Fernet token has about 200 signs, a JWS one a kilobyte; the PKI tokens of old had more."""


class Keystone:
    """May be asked from several threads at once."""

    def __init__(self, account: Account) -> None:
        self._url = f"{account.url.rstrip('/').removesuffix('/v3')}/v3"
        auth = v3.Password(
            auth_url=self._url,
            username=account.user,
            password=account.password.reveal(),
            user_domain_name=account.user_domain,
            project_name=account.project,
            project_domain_name=account.project_domain,
            include_catalog=False,
        )
        self._session = Session(
            auth=auth, verify=account.certificate or True, timeout=TIMEOUT_S, redirect=False
        )

    def bearer(self, token: str) -> Bearer | None:
        """Whose token this is; None if Keystone says that it is none, or is no more.

        Raises Unreachable if Keystone does not answer, or does not let the account ask.
        """
        if not is_possible(token):
            return None
        try:
            answer = self._session.get(
                f"{self._url}/auth/tokens?nocatalog",
                headers={"X-Subject-Token": token, "Accept": "application/json"},
                raise_exc=False,
            )
        except ClientException as error:
            raise Unreachable(f"Keystone at {self._url}: {_one_line(error)}") from error
        if answer.status_code == 404:
            return None
        if answer.status_code != 200:
            raise Unreachable(self._refused(answer.status_code))
        try:
            return _bearer(answer.json()["token"])
        except (KeyError, TypeError, ValueError) as error:
            raise Unreachable(f"Keystone at {self._url} answers nonsense") from error

    def _refused(self, status: int) -> str:
        if status in {401, 403}:
            return (
                f"Keystone at {self._url} does not let the account of METERHOUSE_KEYSTONE_USER "
                f"check tokens ({status}): give it the role service or admin"
            )
        return f"Keystone at {self._url} answers {status}"


def is_possible(token: str) -> bool:
    """Whether this can be a token at all; nothing else is put into a request."""
    return 0 < len(token) <= LONGEST_TOKEN and token.isascii() and token.isprintable()


def _bearer(token: Mapping[str, Any]) -> Bearer:
    expires = datetime.fromisoformat(token["expires_at"])
    roles = frozenset(str(role["name"]).lower() for role in token.get("roles", ()))
    return Bearer(str(token["user"]["name"]), roles, to_ms(expires))


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
