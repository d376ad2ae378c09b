"""Logging in, logging out, and changing one's password."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.contrib.auth.views import LoginView, LogoutView, PasswordChangeView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse_lazy

from meterhouse.metering.clock import SystemClock
from meterhouse.web import endings, throttle

CLOSED = "Too many wrong passwords. Try again in {} minutes, or ask whoever runs this house."


class Credentials(AuthenticationForm):
    """Name and password. Asks nobody while the door is closed, so that guessing learns nothing."""

    closed = False

    def clean(self) -> dict[str, Any]:
        account = self.cleaned_data.get("username", "")
        now_ms = SystemClock().now_ms()
        address = self.address
        if throttle.is_closed(account, address, now_ms=now_ms):
            self.closed = True
            minutes = int(throttle.WINDOW.total_seconds() // 60)
            raise ValidationError(CLOSED.format(minutes), code="closed")
        try:
            cleaned = super().clean()
        except ValidationError:
            throttle.note_failure(account, address, now_ms=now_ms)
            raise
        throttle.forget(account, address)
        return cleaned

    @property
    def address(self) -> str:
        return asked_from(self.request) if self.request else ""


def asked_from(request: HttpRequest) -> str:
    """The address that a request came from.

    Behind a proxy that is what the proxy itself added last to X-Forwarded-For; what stands
    before it came with the request and may be made up.
    """
    if settings.HTTPS:
        forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        if forwarded:
            return forwarded[:45]
    return str(request.META.get("REMOTE_ADDR", ""))


class Login(LoginView):
    template_name = "meterhouse/login.html"
    authentication_form = Credentials
    redirect_authenticated_user = True

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_invalid(form)
        if isinstance(form, Credentials) and form.closed:
            response.status_code = 429
        return response


class Logout(LogoutView):
    """By POST only, as Django has it."""


class NewPassword(PasswordChangeForm):
    """The old password is asked for as at the door: guessing closes it."""

    address = ""
    tokens = forms.BooleanField(
        required=False,
        initial=True,
        label="Revoke my API tokens too",
        help_text="Whoever knew the old password may have made one.",
    )

    def clean_old_password(self) -> str:
        account, now_ms = self.user.get_username(), SystemClock().now_ms()
        if throttle.is_closed(account, self.address, now_ms=now_ms):
            minutes = int(throttle.WINDOW.total_seconds() // 60)
            raise ValidationError(CLOSED.format(minutes), code="closed")
        try:
            old: str = super().clean_old_password()
        except ValidationError:
            throttle.note_failure(account, self.address, now_ms=now_ms)
            raise
        throttle.forget(account, self.address)
        return old


class Password(PasswordChangeView):
    form_class = NewPassword
    template_name = "meterhouse/password.html"
    success_url = reverse_lazy("account")
    extra_context = {"heading": "Change your password", "room": "account"}

    def get_form(self, form_class: Any = None) -> Any:
        form: Any = super().get_form(form_class)
        form.address = asked_from(self.request)
        return form

    def form_valid(self, form: Any) -> HttpResponse:
        said = "Your password is changed. Other sessions are logged out."
        if form.cleaned_data["tokens"]:
            count = endings.end_tokens(form.user, now=SystemClock().now())
            said += f" Tokens revoked: {count}."
        messages.success(self.request, said)
        return super().form_valid(form)

    def form_invalid(self, form: Any) -> HttpResponse:
        response = super().form_invalid(form)
        if form.has_error("old_password", "closed"):
            response.status_code = 429
        return response
