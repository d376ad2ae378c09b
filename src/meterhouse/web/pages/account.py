"""A login's own page: what it may see, and its tokens."""

from datetime import timedelta

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from meterhouse.metering.clock import SystemClock
from meterhouse.metering.errors import Mistake
from meterhouse.web import tokens
from meterhouse.web.models import Grant, Person, Token
from meterhouse.web.pages.question import CSV, asks
from meterhouse.web.pages.tables import Column, Table, page
from meterhouse.web.rights import login_in
from meterhouse.web.templatetags.house import ago

YEAR = str(tokens.LASTING.days)
NEVER = "never"
EXPIRIES = (("30", "in 30 days"), ("90", "in 90 days"), (YEAR, "in a year"), (NEVER, "never"))
SHOWN_ONCE = "new_token"


class NewToken(forms.Form):
    name = forms.CharField(max_length=80, label="What it is for")
    expires = forms.ChoiceField(choices=EXPIRIES, required=False, initial=YEAR, label="Expires")


@asks(CSV)
def account(request: HttpRequest) -> HttpResponse:
    return _show(request, NewToken())


@require_POST
def make_token(request: HttpRequest) -> HttpResponse:
    """Make a token; its text waits in the session for the next page, which shows it once."""
    form = NewToken(request.POST)
    if not form.is_valid():
        return _show(request, form, status=400)
    now = SystemClock().now()
    days = form.cleaned_data["expires"] or YEAR
    expires = None if days == NEVER else now + timedelta(days=int(days))
    try:
        text = tokens.issue(login_in(request), form.cleaned_data["name"], expires=expires, now=now)
    except Mistake as mistake:
        form.add_error("name", str(mistake))
        return _show(request, form, status=400)
    request.session[SHOWN_ONCE] = text
    return redirect("account")


@require_POST
def revoke_token(request: HttpRequest, token: int) -> HttpResponse:
    if not tokens.revoke(login_in(request), token, now=SystemClock().now()):
        raise Http404
    messages.success(request, "The token is revoked. Whoever still uses it is refused.")
    return redirect("account")


def _show(request: HttpRequest, form: NewToken, status: int = 200) -> HttpResponse:
    login = login_in(request)
    context = {
        "heading": "Your account",
        "about": f"Logged in as {login.get_username()}.",
        "form": form,
        "new_token": request.session.pop(SHOWN_ONCE, ""),
        "own_tokens": Token.objects.filter(login=login, revoked=None).order_by("-created"),
        "everything": login.is_staff or login.is_superuser,
        "grants": Grant.objects.filter(login=login).order_by("institution", "project"),
        "person": Person.objects.filter(login=login).first(),
        "now": SystemClock().now(),
    }
    response = page(request, "meterhouse/account.html", context, _table(login.pk))
    response.status_code = status
    if context["new_token"]:
        response.headers["Cache-Control"] = "no-store"
    return response


def _table(login: int) -> Table[Token]:
    """For the CSV; the page has a button in each row."""
    return Table(
        "tokens",
        (
            Column("Name", lambda row: row.name, kind="name"),
            Column("Begins with", lambda row: row.beginning, kind="key"),
            Column("Scope", lambda row: row.scope),
            Column("Made", lambda row: row.created, kind="moment"),
            Column("Expires", lambda row: row.expires, kind="moment"),
            Column("Last used", lambda row: row.last_used, shown=lambda row: ago(row.last_used)),
        ),
        list(Token.objects.filter(login=login, revoked=None).order_by("-created")),
        title="API tokens",
    )
