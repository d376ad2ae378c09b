import pytest

from meterhouse.bus.signing import checked_secret
from meterhouse.metering.errors import Mistake


def test_an_empty_secret_is_a_mistake() -> None:
    with pytest.raises(Mistake, match="secret is empty"):
        checked_secret(b"")
    assert checked_secret(b"secret") == b"secret"
