"""What programs are told at an address of the API that leads nowhere: JSON, as everywhere."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from meterhouse.web.pages.question import asks
from meterhouse.web.pages.refusals import Form


@asks(form=Form.JSON)
@login_not_required
@csrf_exempt
def nowhere(request: HttpRequest, rest: str) -> JsonResponse:
    said = {"error": "there is nothing here", "detail": "See /api/v1/docs."}
    return JsonResponse(said, status=404)
