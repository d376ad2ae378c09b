"""``/metrics``, for Prometheus: with a token of a login that sees everything, or its session."""

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from meterhouse.metering.clock import SystemClock
from meterhouse.web import metrics as told
from meterhouse.web.api.access import BY_TOKEN
from meterhouse.web.pages.question import asks
from meterhouse.web.pages.refusals import Form
from meterhouse.web.rights import scope_of


@asks(form=Form.TEXT)
@login_not_required
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """401 for who is unknown, 403 for who does not see everything: errors are told here too."""
    login = BY_TOKEN(request) or request.user
    if not isinstance(login, User):
        response = HttpResponse("Send a token: Authorization: Bearer …\n", status=401)
        response.headers["WWW-Authenticate"] = "Bearer"
        return response
    if not scope_of(login).everything:
        return HttpResponse("Your login has no right to this.\n", status=403)
    return HttpResponse(told.text(SystemClock().now()), content_type=told.CONTENT_TYPE)
