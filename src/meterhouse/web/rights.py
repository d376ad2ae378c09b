"""Who may see what: a login's grants, as the inventory's scope."""

from typing import cast

from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest

from meterhouse.inventory import scope
from meterhouse.inventory.scope import Scope
from meterhouse.web.models import Grant, Person


def scope_of(login: User | AnonymousUser) -> Scope:
    """What a login may see: staff everything, others what they are granted and what is theirs."""
    if not login.is_authenticated or not login.is_active:
        return Scope.none()
    if login.is_staff or login.is_superuser:
        return Scope.all()
    grants = Grant.objects.filter(login=login)
    granted = list(grants.values_list("institution", "project"))
    return scope.scope_of(
        institutions=[institution for institution, _ in granted if institution],
        projects=[project for _, project in granted if project],
        users=list(Person.objects.filter(login=login).values_list("user", flat=True)),
    )


def scope_in(request: HttpRequest) -> Scope:
    """The scope of who asks, worked out once a request."""
    known = getattr(request, "_scope", None)
    if known is None:
        known = scope_of(login_in(request))
        request._scope = known  # type: ignore[attr-defined] # noqa: SLF001
    return cast("Scope", known)


def login_in(request: HttpRequest) -> User:
    """Who asks: by a session, or by the token that the API checked. Never an anonymous one:
    the middleware and the API's own check come before every page.
    """
    return cast("User", getattr(request, "auth", None) or request.user)
