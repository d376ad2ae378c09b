"""Logins: the people who use the pages and the API."""

import secrets

from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from meterhouse.metering.errors import Mistake

FIRST = "admin"


def generated_password() -> str:
    """A password of 100 random bits that can be read aloud."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    letters = [secrets.choice(alphabet) for _ in range(20)]
    return "-".join("".join(letters[i : i + 5]) for i in range(0, 20, 5))


def make_first() -> tuple[str, str] | None:
    """Make the first login, who may see and do everything; None if there are logins already.

    Returns its name and its password, which is kept nowhere but hashed.
    """
    logins = get_user_model().objects
    if logins.exists():
        return None
    password = generated_password()
    logins.create_superuser(FIRST, password=password)
    return FIRST, password


def set_password(name: str, password: str, *, everything: bool) -> bool:
    """Make a login or give it a new password. Returns whether it was made. Raises Mistake.

    everything:  whether a new login may see and do everything; else it sees what it is granted
    """
    logins = get_user_model().objects
    login = logins.filter(username=name).first()
    made = login is None
    if login is None:
        login = logins.model(username=name, is_staff=everything, is_superuser=everything)
    try:
        login.clean_fields(exclude=["password"])
        validate_password(password, login)
    except ValidationError as error:
        raise Mistake(f"login {name}: {' '.join(error.messages)}") from error
    login.set_password(password)
    login.save()
    return made
