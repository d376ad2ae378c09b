"""Wrong passwords close the door for a while, by account and by address.

The counts lie in the database, so that they hold for all processes and across a restart.
"""

from datetime import timedelta

from django.db.models import Q

from meterhouse.web.models import FailedLogin

WINDOW = timedelta(minutes=15)
PER_PAIR = 5  # of one account from one address: somebody forgot their password
PER_ACCOUNT = 50  # of one account from everywhere: somebody has many addresses
PER_ADDRESS = 50  # of one address for all accounts: somebody tries names


def is_closed(account: str, address: str, *, now_ms: int) -> bool:
    """Whether this account may not be tried from this address at present."""
    account, since = account.lower()[:150], now_ms - _window_ms()
    failures = list(
        FailedLogin.objects.filter(Q(account=account) | Q(address=address), at_ms__gt=since)
        .order_by("-at_ms")
        .values_list("account", "address")[: PER_ACCOUNT + PER_ADDRESS]
    )
    return (
        failures.count((account, address)) >= PER_PAIR
        or sum(of == account for of, _ in failures) >= PER_ACCOUNT
        or sum(where == address for _, where in failures) >= PER_ADDRESS
    )


def note_failure(account: str, address: str, *, now_ms: int) -> None:
    """Count a wrong password, and forget those that no longer count."""
    FailedLogin.objects.filter(at_ms__lte=now_ms - _window_ms()).delete()
    FailedLogin.objects.create(account=account.lower()[:150], address=address, at_ms=now_ms)


def forget(account: str, address: str) -> None:
    """The right password was given: earlier mistakes from there no longer count."""
    FailedLogin.objects.filter(account=account.lower()[:150], address=address).delete()


def _window_ms() -> int:
    return WINDOW // timedelta(milliseconds=1)
