"""The door for Keystone's tokens, as the settings describe it."""

from django.conf import settings

from meterhouse.clients.keystone.client import Keystone
from meterhouse.web.environment import KeystoneSettings
from meterhouse.web.readers import KeystoneDoor


def door() -> KeystoneDoor | None:
    """None if this house has no Keystone: then there are tokens of our own only."""
    found: KeystoneSettings | None = settings.KEYSTONE
    if found is None:
        return None
    return KeystoneDoor(
        Keystone(found.account).bearer, found.account.url, found.role, found.remembered_ms
    )
