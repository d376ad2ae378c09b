"""Logins: the people who use the pages and the API."""

import secrets
from collections.abc import Collection, Sequence

from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db.models import Q

from meterhouse.inventory import reading
from meterhouse.inventory.keys import did_you_mean, unique
from meterhouse.inventory.scope import Scope
from meterhouse.metering.errors import Mistake
from meterhouse.web.models import Grant, Person

FIRST = "admin"


def generated_password() -> str:
    """A password of 100 random bits that can be read aloud."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    letters = [secrets.choice(alphabet) for _ in range(20)]
    return "-".join("".join(letters[i : i + 5]) for i in range(0, 20, 5))


def make_first() -> tuple[str, str] | None:
    """Make the first login, who may see and do everything; None if there is one who may.

    Returns its name and its password, which is kept nowhere but hashed.
    """
    if anybody_sees_everything():
        return None
    password, name = generated_password(), unique(FIRST, _names())
    get_user_model().objects.create_superuser(name, password=password)
    return name, password


def anybody_sees_everything() -> bool:
    """Whether there is a login who may see and do everything."""
    everything = Q(is_superuser=True) | Q(is_staff=True)
    return get_user_model().objects.filter(everything).exists()


def _names() -> set[str]:
    return set(get_user_model().objects.values_list("username", flat=True))


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


def any_exists() -> bool:
    return get_user_model().objects.exists()


def exists(name: str) -> bool:
    return get_user_model().objects.filter(username=name).exists()


def grant(
    name: str, *, institutions: Sequence[str], projects: Sequence[str], user: str | None
) -> None:
    """Let a login see institutions and projects, with all below, and what is a user's.

    Adds to what it was granted before. All keys; raises Mistake for one that is not known, and
    nothing is granted.
    """
    everything = Scope.all()
    _known("institution", institutions, {each.key for each in reading.institutions(everything)})
    _known("project", projects, {each.key for each in reading.projects(everything)})
    people = {each.key for each in reading.users(everything)}
    _known("user", [user] if user else [], people)
    login = get_user_model().objects.get(username=name)
    for key in institutions:
        Grant.objects.get_or_create(login=login, institution=key, project="")
    for key in projects:
        Grant.objects.get_or_create(login=login, institution="", project=key)
    if user:
        Person.objects.update_or_create(login=login, defaults={"user": user})


def withdraw(name: str) -> int:
    """Take back every grant of a login; returns how many there were."""
    Person.objects.filter(login__username=name).delete()
    return Grant.objects.filter(login__username=name).delete()[0]


def withdraw_one(name: str, *, institution: str = "", project: str = "", user: str = "") -> int:
    """Take back one grant of a login, named by its keys; returns whether it was there, 1 or 0."""
    if user:
        return Person.objects.filter(login__username=name, user=user).delete()[0]
    if not institution and not project:
        return 0
    wanted = Grant.objects.filter(login__username=name, institution=institution, project=project)
    return wanted.delete()[0]


def _known(word: str, keys: Sequence[str], known: Collection[str]) -> None:
    for key in keys:
        if key not in known:
            raise Mistake(f"there is no {word} {key!r}{did_you_mean(key, known)}")
