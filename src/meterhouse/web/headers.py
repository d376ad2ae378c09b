"""What every answer says to the browser: run nothing and fetch nothing that is not ours."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

RULES = (
    "default-src 'self'",
    "img-src 'self' data:",  # the API's documentation page draws its arrows that way
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
)
POLICY = "; ".join(RULES)


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
