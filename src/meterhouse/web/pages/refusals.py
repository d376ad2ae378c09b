"""Answers that say no, and what to do then: in the form that was asked for."""

from enum import StrEnum

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.html import format_html

SAID = {
    400: ("This cannot be asked", "The address or the form holds something that has no meaning."),
    403: (
        "This is not yours to see",
        "Your login has no right to this page. Who runs this house can grant it.",
    ),
    404: (
        "There is nothing here",
        "The page does not exist, or what it is about is not yours to see.",
    ),
    405: ("This cannot be done here", "The address takes another method: {}."),
    500: (
        "Something went wrong here",
        "This is a fault of the house, not yours. It is in the log; try again in a moment.",
    ),
}


class Form(StrEnum):
    """What a view answers with: a whole page, a part of one, JSON, or plain text."""

    PAGE = "page"
    PART = "part"
    JSON = "json"
    TEXT = "text"


FILES = {"csv": Form.TEXT, "pdf": Form.TEXT, "json": Form.JSON}
"""What a page that is asked for as a file says no in, by the file's format."""


def answers_in(request: HttpRequest, form: Form) -> None:
    """Note in which form the view of a request answers."""
    request.form = form  # type: ignore[attr-defined]


def form_of(request: HttpRequest) -> Form:
    form = getattr(request, "form", Form.JSON if request.path.startswith("/api/") else Form.PAGE)
    if form is not Form.PAGE:
        return Form(form)
    if request.headers.get("HX-Request"):
        return Form.PART
    return FILES.get(request.GET.get("format", ""), Form.PAGE)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _said(request, 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _said(request, 403)


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _said(
        request,
        403,
        ("This form is out of date", "Go back, load the page again, and send it once more."),
    )


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _said(request, 404)


def failed(request: HttpRequest) -> HttpResponse:
    return _said(request, 500)


def mistaken(request: HttpRequest, mistake: str) -> HttpResponse:
    """What was asked has no meaning; ``mistake`` says why, in one line."""
    return _said(request, 400, (SAID[400][0], mistake))


def not_allowed(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The same refusal of a method in the form of the view; ``Allow`` says what is possible."""
    allowed = response.headers.get("Allow", "GET")
    heading, about = SAID[405]
    answer = _said(request, 405, (heading, about.format(allowed)))
    answer.headers["Allow"] = allowed
    return answer


def _said(request: HttpRequest, status: int, words: tuple[str, str] | None = None) -> HttpResponse:
    heading, about = words or SAID[status]
    match form_of(request):
        case Form.JSON:
            return JsonResponse(_json(request, heading, about), status=status)
        case Form.TEXT:
            plain = "text/plain; charset=utf-8"
            return HttpResponse(f"{about}\n", status=status, content_type=plain)
        case Form.PART:
            part = format_html('<p class="notice error" role="alert">{}</p>', about)
            return HttpResponse(part, status=status)
    context = {"status": status, "heading": heading, "about": about}
    return render(request, "meterhouse/said.html", context, status=status)


def _json(request: HttpRequest, heading: str, about: str) -> dict[str, str]:
    """As the API has it; what a page's own script asks shows ``error`` as it stands."""
    if request.path.startswith("/api/"):
        return {"error": heading[0].lower() + heading[1:], "detail": about}
    return {"error": about, "detail": about}
