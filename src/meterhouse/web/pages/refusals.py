"""Pages that say no, and what to do then."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

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
    500: (
        "Something went wrong here",
        "This is a fault of the house, not yours. It is in the log; try again in a moment.",
    ),
}


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


def _said(request: HttpRequest, status: int, words: tuple[str, str] | None = None) -> HttpResponse:
    heading, about = words or SAID[status]
    context = {"status": status, "heading": heading, "about": about}
    return render(request, "meterhouse/said.html", context, status=status)
