"""The API itself: how it is documented, who is let in, how it refuses."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, AuthorizationError, HttpError, ValidationError

from meterhouse import __version__
from meterhouse.metering.errors import Mistake
from meterhouse.web.api import inventory, measured, reported
from meterhouse.web.api.access import BY_SESSION, BY_TOKEN
from meterhouse.web.api.shapes import Health


class HouseAPI(NinjaAPI):
    """Checks who asks by itself, so that a token is enough; its pages of documentation do not."""

    @property
    def urls(self) -> tuple[list[URLResolver | URLPattern], str, str]:
        patterns, app, namespace = super().urls
        for pattern in patterns:
            callback = getattr(pattern, "callback", None)
            if callback is not None and getattr(pattern, "name", None) not in _PAGES:
                callback.login_required = False
        return patterns, app, namespace


_PAGES = {"openapi-view", "openapi-json"}

api = HouseAPI(
    title="Meterhouse",
    version=__version__,
    description=(
        "What the pages show, for programs. Make a token on your account page and send it as "
        "`Authorization: Bearer mh_…`. You see what you see on the pages, and nothing else."
    ),
    urls_namespace="api",
    auth=[BY_TOKEN, BY_SESSION],
)
api.add_router("", inventory.router, tags=["Who and what"])
api.add_router("", measured.router, tags=["Readings"])
api.add_router("", reported.router, tags=["Usage"])


@api.get("healthz", auth=None, response=Health, tags=["House"], summary="Whether pages answer")
def healthz(request: HttpRequest) -> dict[str, str]:
    return {"status": "ok", "version": __version__}


@api.exception_handler(Mistake)
def mistaken(request: HttpRequest, error: Any) -> HttpResponse:
    return _refuse(request, 400, "mistake", str(error))


@api.exception_handler(Http404)
def missing(request: HttpRequest, error: Any) -> HttpResponse:
    return _refuse(request, 404, "not found", "It does not exist, or is not yours to see.")


@api.exception_handler(AuthenticationError)
def unknown(request: HttpRequest, error: Any) -> HttpResponse:
    response = _refuse(
        request, 401, "not logged in", "Send a valid token: Authorization: Bearer …"
    )
    response.headers["WWW-Authenticate"] = "Bearer"
    return response


@api.exception_handler(AuthorizationError)
def forbidden(request: HttpRequest, error: Any) -> HttpResponse:
    return _refuse(request, 403, "not allowed", "Your login has no right to this.")


@api.exception_handler(HttpError)
def refused(request: HttpRequest, error: Any) -> HttpResponse:
    return _refuse(request, error.status_code, "refused", str(error))


@api.exception_handler(ValidationError)
def invalid(request: HttpRequest, error: Any) -> HttpResponse:
    said = "; ".join(f"{one['loc'][-1]}: {one['msg']}" for one in error.errors)
    return _refuse(request, 422, "mistake", said)


def _refuse(request: HttpRequest, status: int, error: str, detail: str) -> HttpResponse:
    return api.create_response(request, {"error": error, "detail": detail}, status=status)
