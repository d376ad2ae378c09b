"""Logins: who may come in, and what each may see. For those who see everything."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.models import User as Login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from meterhouse.metering.clock import SystemClock
from meterhouse.metering.errors import Mistake
from meterhouse.web import endings, tokens
from meterhouse.web import logins as book
from meterhouse.web.models import Grant, Person
from meterhouse.web.pages.names import Names, names_for
from meterhouse.web.pages.question import CSV, asks
from meterhouse.web.pages.tables import Column, Table, page
from meterhouse.web.rights import login_in, scope_in
from meterhouse.web.templatetags.house import ago

View = Callable[..., HttpResponse]

EVERYTHING = "everything"
CLOSED = "nothing: it is closed"
AXES = ("institution", "project", "user")


@dataclass(frozen=True, slots=True)
class Right:
    """One thing a login may see: of which axis, its key, and what it is called now."""

    axis: str
    key: str
    name: str


@dataclass(frozen=True, slots=True)
class Known:
    """A login with its rights."""

    login: Login
    rights: tuple[Right, ...]

    @property
    def everything(self) -> bool:
        return self.login.is_staff or self.login.is_superuser

    @property
    def words(self) -> str:
        if not self.login.is_active:
            return CLOSED
        if self.everything:
            return EVERYTHING
        return ", ".join(right.name for right in self.rights) or "nothing"

    @property
    def last_login(self) -> datetime | None:
        return self.login.last_login


def for_all(view: View) -> View:
    """Only for those who see everything: who else can give rights could give them to himself."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **named: Any) -> HttpResponse:
        if not scope_in(request).everything:
            raise PermissionDenied
        return view(request, *args, **named)

    return guarded


@for_all
@asks(CSV)
def logins(request: HttpRequest) -> HttpResponse:
    return _all(request)


@for_all
@require_POST
def make(request: HttpRequest) -> HttpResponse:
    """Make a login; the answer shows its password, which is kept nowhere but hashed."""
    name = request.POST.get("name", "").strip()
    try:
        password = _made(name, everything=request.POST.get("sees") == EVERYTHING)
    except Mistake as mistake:
        return _all(request, name=name, mistake=str(mistake))
    return _one(request, Login.objects.get(username=name), password=password)


def _made(name: str, *, everything: bool) -> str:
    """The password of a new login. Raises Mistake; never touches a login that is there."""
    if not name:
        raise Mistake("a login needs a name")
    if book.exists(name):
        raise Mistake(f"there is a login {name} already")
    password = book.generated_password()
    book.set_password(name, password, everything=everything)
    return password


@for_all
def login(request: HttpRequest, login: int) -> HttpResponse:
    return _one(request, get_object_or_404(Login, pk=login))


@for_all
@require_POST
def renew(request: HttpRequest, login: int) -> HttpResponse:
    """A new password, shown once; whoever is logged in with the old one is logged out, and its
    tokens end: whoever knew it may have made some.
    """
    found = get_object_or_404(Login, pk=login)
    password = book.generated_password()
    book.set_password(found.username, password, everything=False)
    endings.end(found, now=SystemClock().now(), sparing=request.session.session_key)
    found.refresh_from_db()
    if found == login_in(request):
        update_session_auth_hash(request, found)
    return _one(request, found, password=password)


@for_all
@require_POST
def grant(request: HttpRequest, login: int) -> HttpResponse:
    found = get_object_or_404(Login, pk=login)
    chosen = {axis: request.POST.get(axis, "") for axis in AXES}
    try:
        _grant(found, **chosen)
    except Mistake as mistake:
        return _one(request, found, mistake=str(mistake))
    seen = ", ".join(filter(None, chosen.values()))
    messages.success(request, f"{found.username} may see {seen}.")
    return redirect("login-of", login)


def _grant(login: Login, *, institution: str, project: str, user: str) -> None:
    if not (institution or project or user):
        raise Mistake("choose what the login may see")
    book.grant(
        login.username,
        institutions=[institution] if institution else [],
        projects=[project] if project else [],
        user=user or None,
    )


@for_all
@require_POST
def withdraw(request: HttpRequest, login: int) -> HttpResponse:
    found = get_object_or_404(Login, pk=login)
    keys = {axis: request.POST.get(axis, "") for axis in AXES}
    if book.withdraw_one(found.username, **keys):
        seen = ", ".join(filter(None, keys.values()))
        messages.success(request, f"{found.username} may see {seen} no more.")
    else:
        messages.warning(request, "That was taken back before.")
    return redirect("login-of", login)


@for_all
@require_POST
def close(request: HttpRequest, login: int) -> HttpResponse:
    return _changed(request, login, lambda found: f"closed: {endings.close(found, now=_now())}.")


@for_all
@require_POST
def reopen(request: HttpRequest, login: int) -> HttpResponse:
    return _changed(request, login, lambda found: f"{endings.reopen(found)}.")


@for_all
@require_POST
def delete(request: HttpRequest, login: int) -> HttpResponse:
    return _changed(request, login, lambda found: f"deleted: {endings.delete(found, now=_now())}.")


@for_all
@require_POST
def everything(request: HttpRequest, login: int) -> HttpResponse:
    """Let a login see everything, or take that back."""
    if request.POST.get("give"):
        found = get_object_or_404(Login, pk=login)
        endings.give_everything(found)
        messages.success(request, f"{found.username} may see everything.")
        return redirect("login-of", login)
    return _changed(request, login, lambda found: f"{endings.take_everything(found)}.")


@for_all
@require_POST
def end(request: HttpRequest, login: int) -> HttpResponse:
    """End all tokens and sessions of a login, or one token."""
    found = get_object_or_404(Login, pk=login)
    token = request.POST.get("token", "")
    if token:
        if not token.isdecimal() or not tokens.revoke(found, int(token[:18]), now=_now()):
            raise Http404
        messages.success(request, "The token is revoked.")
    else:
        ended = endings.end(found, now=_now(), sparing=request.session.session_key)
        messages.success(request, f"{found.username}: {ended}.")
    return redirect("login-of", login)


def _now() -> datetime:
    return SystemClock().now()


def _changed(request: HttpRequest, login: int, change: Callable[[Login], str]) -> HttpResponse:
    """Do to another login what nobody can do to himself; the last who sees everything stays."""
    found = get_object_or_404(Login, pk=login)
    if found == login_in(request):
        own = "this is your own login; another who sees everything can do that"
        return _one(request, found, mistake=own)
    try:
        said = change(found)
    except Mistake as mistake:
        return _one(request, found, mistake=str(mistake))
    messages.success(request, f"{found.username}: {said}")
    return redirect("login-of", login) if Login.objects.filter(pk=login) else redirect("logins")


def _all(request: HttpRequest, *, name: str = "", mistake: str = "") -> HttpResponse:
    names = names_for(request)
    context = {
        "heading": "Logins",
        "about": "Who may come in, and what each may see.",
        "wanted": name,
        "mistake": mistake,
    }
    known = _known(Login.objects.order_by("username"), names)
    response = page(request, "meterhouse/logins.html", context, _table(known))
    response.status_code = 400 if mistake else 200
    return response


def _one(
    request: HttpRequest, login: Login, *, password: str = "", mistake: str = ""
) -> HttpResponse:
    names = names_for(request)
    [known] = _known([login], names)
    context = {
        "heading": login.username,
        "known": known,
        "own": login == login_in(request),
        "tokens": tokens.alive(login, now=_now()).order_by("-created"),
        "sessions": len(endings.sessions(login)),
        "password": password,
        "mistake": mistake,
        "institutions": names.institutions.values(),
        "projects": names.projects.values(),
        "users": names.users.values(),
        "crumbs": [("Logins", reverse("logins"))],
    }
    response = render(request, "meterhouse/login_of.html", context, status=400 if mistake else 200)
    if password:
        response.headers["Cache-Control"] = "no-store"
    return response


def _known(found: Iterable[Login], names: Names) -> list[Known]:
    """Logins with their rights, in two queries; a key that names nothing any more stays a key."""
    logins = list(found)
    rights: dict[int, list[Right]] = defaultdict(list)
    institutions = {each.key: each.name for each in names.institutions.values()}
    projects = {each.key: " / ".join(each.path) for each in names.projects.values()}
    users = {each.key: each.name for each in names.users.values()}
    for one in Grant.objects.filter(login__in=logins).order_by("institution", "project"):
        axis = "institution" if one.institution else "project"
        key = one.institution or one.project
        called = (institutions if one.institution else projects).get(key, key)
        rights[one.login_id].append(Right(axis, key, called))
    for person in Person.objects.filter(login__in=logins):
        rights[person.login_id].append(
            Right("user", person.user, users.get(person.user) or person.user)
        )
    return [Known(each, tuple(rights[each.pk])) for each in logins]


def _table(known: Sequence[Known]) -> Table[Known]:
    return Table(
        "logins",
        (
            Column("Login", lambda row: row.login.username, kind="name", link=_url),
            Column("May see", lambda row: row.words),
            Column(
                "Last came",
                lambda row: row.last_login,
                shown=lambda row: ago(row.last_login),
                kind="moment",
            ),
            Column("Since", lambda row: row.login.date_joined, kind="moment", later=True),
        ),
        known,
        title="All logins",
    )


def _url(row: Known) -> str:
    return reverse("login-of", args=[row.login.pk])
