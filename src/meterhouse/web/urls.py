"""Which address leads to which page."""

from django.urls import URLPattern, URLResolver, path

from meterhouse.web import converters
from meterhouse.web.api import api
from meterhouse.web.api.metrics import metrics
from meterhouse.web.api.nowhere import nowhere
from meterhouse.web.pages import (
    account,
    entrance,
    graphs,
    institutions,
    logins,
    overview,
    pictures,
    power,
    probe,
    projects,
    reports,
    resources,
    search,
    sources,
    users,
)
from meterhouse.web.pages.question import asks, text

converters.register()

urlpatterns: list[URLPattern | URLResolver] = [
    path("", overview.overview, name="overview"),
    path("now/", overview.now, name="now"),
    path("institutions/", institutions.institutions, name="institutions"),
    path("institutions/<key:key>/", institutions.institution, name="institution"),
    path("projects/", projects.projects, name="projects"),
    path("projects/<key:key>/", projects.project, name="project"),
    path("users/", users.users, name="users"),
    path("users/<key:key>/", users.user, name="user"),
    path("resources/", resources.resources, name="resources"),
    path("resources/<key:key>/", resources.resource, name="resource"),
    path("graphs/", graphs.series, name="graphs"),
    path("graphs/data/", graphs.data, name="graph-data"),
    path("last/choose/", power.choose, name="choose"),
    path("last/<str:name>/", power.last, name="last"),
    path("last/<str:name>/data/", power.data, name="last-data"),
    path("last/<str:name>/legend/", power.legend, name="legend"),
    path("last/<str:name>/table/", power.table, name="last-table"),
    path("last/<str:name>/probes/", power.chooser, name="chooser"),
    path("graphs/power/<key:word>/", probe.data, name="probe-data"),
    path("probe/<key:word>/", probe.probe, name="probe"),
    path("graph/<str:name>/", pictures.summary, name="picture"),
    path("graph/<str:name>", pictures.summary),
    path("graph/<str:name>/<key:word>/", pictures.of_probe, name="picture-of"),
    path("graph/<str:name>/<key:word>", pictures.of_probe),
    path("reports/", reports.reports, name="reports"),
    path("usage/", reports.usage, name="usage"),
    path("sources/", sources.sources, name="sources"),
    path("sources/<key:name>/", sources.source, name="source"),
    path("metrics", metrics, name="metrics"),
    path("search/", search.search, name="search"),
    path("account/", account.account, name="account"),
    path("account/tokens/", account.make_token, name="make-token"),
    path("account/tokens/<int:token>/revoke/", account.revoke_token, name="revoke-token"),
    path("account/password/", entrance.Password.as_view(), name="password"),
    path("logins/", logins.logins, name="logins"),
    path("logins/make/", logins.make, name="make-login"),
    path("logins/<int:login>/", logins.login, name="login-of"),
    path("logins/<int:login>/grant/", logins.grant, name="grant"),
    path("logins/<int:login>/withdraw/", logins.withdraw, name="withdraw"),
    path("logins/<int:login>/password/", logins.renew, name="renew-password"),
    path("logins/<int:login>/close/", logins.close, name="close-login"),
    path("logins/<int:login>/reopen/", logins.reopen, name="reopen-login"),
    path("logins/<int:login>/delete/", logins.delete, name="delete-login"),
    path("logins/<int:login>/everything/", logins.everything, name="see-everything"),
    path("logins/<int:login>/end/", logins.end, name="end-tokens"),
    path("login/", asks({"next": text})(entrance.Login.as_view()), name="login"),
    path("logout/", entrance.Logout.as_view(), name="logout"),
    path("api/v1/", api.urls),
    path("api/<path:rest>", nowhere),
]

handler400 = "meterhouse.web.pages.refusals.bad_request"
handler403 = "meterhouse.web.pages.refusals.forbidden"
handler404 = "meterhouse.web.pages.refusals.not_found"
handler500 = "meterhouse.web.pages.refusals.failed"
