"""Logging in, logging out, and changing one's password."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView, PasswordChangeView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse_lazy

from meterhouse.metering.clock import SystemClock
from meterhouse.web import throttle

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


class Password(PasswordChangeView):
    template_name = "meterhouse/password.html"
    success_url = reverse_lazy("account")
    extra_context = {"heading": "Change your password", "room": "account"}

    def form_valid(self, form: Any) -> HttpResponse:
        messages.success(self.request, "Your password is changed. Other sessions are logged out.")
        return super().form_valid(form)
