"""The API itself: how it is documented, who is let in, how it refuses."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, AuthorizationError, HttpError, ValidationError
from ninja.operation import Operation

from meterhouse import __version__
from meterhouse.metering.errors import Mistake
from meterhouse.web.api import inventory, measured, reported
from meterhouse.web.api.access import BY_SESSION, BY_TOKEN
from meterhouse.web.api.shapes import Health, Refusal
from meterhouse.web.pages.question import Check, asks, text
from meterhouse.web.pages.refusals import Form, form_of


class HouseAPI(NinjaAPI):
    """Checks who asks by itself, so that a token is enough, and declares what may be asked."""

    @property
    def urls(self) -> tuple[list[URLResolver | URLPattern], str, str]:
        patterns, app, namespace = super().urls
        words = self._words()
        for pattern in patterns:
            callback: Any = getattr(pattern, "callback", None)
            callback.login_required = False
            name = str(getattr(pattern, "name", ""))
            form = Form.PAGE if name == "openapi-view" else Form.JSON
            asks(words.get(name, {}), form=form)(callback)
        return patterns, app, namespace

    def _words(self) -> dict[str, dict[str, Check]]:
        """The parameters of each operation, by the name of its address; Ninja checks the texts."""
        return {
            self.get_operation_url_name(operation, router=router.template): _asked_of(operation)
            for router in self._get_bound_routers()
            for view in router.path_operations.values()
            for operation in view.operations
        }

    def get_openapi_schema(self, *given: Any, **named: Any) -> Any:
        """With the errors that every operation may answer with."""
        schema = super().get_openapi_schema(*given, **named)
        schema["components"]["schemas"]["Refusal"] = Refusal.json_schema()
        for path in schema["paths"].values():
            for operation in path.values():
                operation["responses"].update(_REFUSALS)
        return schema


def _asked_of(operation: Operation) -> dict[str, Check]:
    """The query parameters of an operation, as they are written in an address."""
    return {
        str(field.alias or name): text
        for model in operation.models
        if getattr(model, "__ninja_param_source__", "") == "query"
        for name, field in model.model_fields.items()
    }


_CODES = {
    400: "A parameter is unknown or has no meaning",
    401: "No valid token",
    403: "Your login has no right to this",
    404: "It does not exist, or is not yours to see",
    405: "Only GET is possible",
    422: "A parameter is missing, or no text of its kind",
    503: "Too many requests wait; Retry-After says when to come back",
}
_REFUSED = {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}}
_REFUSALS = {code: {"description": said, "content": _REFUSED} for code, said in _CODES.items()}


def for_readers(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """What describes the API is for who may use it: with a token, or logged in."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **named: Any) -> HttpResponse:
        if request.user.is_authenticated or BY_TOKEN(request):
            return view(request, *args, **named)
        if form_of(request) is Form.PAGE:
            return redirect_to_login(request.get_full_path())
        return unknown(request, None)

    return guarded


api = HouseAPI(
    docs_decorator=for_readers,
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
