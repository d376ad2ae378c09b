"""Who may use the API: a bearer token, or the session of somebody who is logged in."""

from django.contrib.auth.models import User
from django.http import HttpRequest
from ninja.security import HttpBearer, SessionAuth

from meterhouse.metering.clock import SystemClock
from meterhouse.web import tokens


class Bearer(HttpBearer):
    """``Authorization: Bearer mh_…``; tokens are made on the account page."""

    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        return tokens.login_of(token, now=SystemClock().now())


BY_TOKEN = Bearer()
BY_SESSION = SessionAuth(csrf=False)  # nothing can be changed here
