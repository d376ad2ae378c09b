"""What every answer is sent with: rules for the browser, and as few bytes as it may be."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

RULES = (
    "default-src 'self'",
    "img-src 'self' data:",  # the API's documentation page draws its arrows that way
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
)
POLICY = "; ".join(RULES)

DENSE = {"image/png", "application/pdf", "font/woff2"}
"""Media types that compressing again makes no smaller."""


class ContentSecurityPolicy:
    """Adds the policy. No inline script or style: a text from a cloud stays a text."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers.setdefault(
            "Permissions-Policy", "camera=(), microphone=(), geolocation=()"
        )
        return response


class Compressed(GZipMiddleware):
    """Compresses answers, but for those that are compressed in themselves, and parts of files.

    Pages hold secrets beside what a reader typed; Django's tokens against forgery are masked anew
    in each answer, and random bytes are added to it, so that its length tells nothing (BREACH).
    """

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        kind = response.headers.get("Content-Type", "").partition(";")[0]
        if response.status_code == 206 or kind in DENSE:
            return response
        return super().process_response(request, response)
