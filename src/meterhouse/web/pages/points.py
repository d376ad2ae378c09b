"""Points of graphs as JSON, which a browser keeps and asks about again."""

from collections.abc import Mapping
from hashlib import sha256

import msgspec
from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response, patch_vary_headers


def told(request: HttpRequest, found: Mapping[str, object]) -> HttpResponse:
    """What a browser draws; 304 where it has the same already, as after going back.

    found: numbers that are not known may be NaN: they are sent as null, for JSON has no NaN
    """
    body = msgspec.json.encode(found)
    etag = f'"{sha256(body).hexdigest()[:32]}"'
    response = HttpResponse(body, content_type="application/json")
    response.headers["ETag"] = etag
    response.headers["Cache-Control"] = "private, no-cache"  # kept, and never shown unasked
    patch_vary_headers(response, ("Authorization", "Cookie"))
    return get_conditional_response(request, etag=etag, response=response) or response
