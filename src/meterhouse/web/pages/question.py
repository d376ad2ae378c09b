"""What an address may ask: each view declares its parameters, and one place checks them.

    @asks({"page": whole(1, 1_000_000), "q": text}, form=Form.JSON)

A parameter that a view does not declare, that is said twice, or whose text has no meaning is
refused with 400 in the form that the view answers in. An empty one counts as not said.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponse, QueryDict

from meterhouse.inventory.keys import did_you_mean
from meterhouse.metering.errors import Mistake
from meterhouse.web.pages import periods, refusals
from meterhouse.web.pages.refusals import Form

LONGEST = 4000
"""Characters of one parameter; a choice of many probes is the longest that means something."""

Check = Callable[[str, str], object]
"""Takes a parameter's name and its text. Raises Mistake for what cannot be meant."""

View = TypeVar("View", bound=Callable[..., Any])


def text(name: str, said: str) -> None:
    """Any text: what it can mean is for the view to say."""


def moment(name: str, said: str) -> None:
    periods.moment(said, name)


def whole(least: int, most: int) -> Check:
    """A whole number from ``least`` to ``most``, in digits."""

    def check(name: str, said: str) -> None:
        isdigit = said.isascii() and said.isdecimal() and len(said) <= len(str(most))
        if not isdigit or not least <= int(said) <= most:
            raise Mistake(f"{name}: {said!r} is not possible; it goes from {least} to {most}")

    return check


def one_of(words: Collection[str]) -> Check:
    def check(name: str, said: str) -> None:
        if said not in words:
            raise Mistake(f"{name}: {said!r} is none; there are: {', '.join(words)}")

    return check


PAGE = whole(1, 1_000_000)
FLAG = one_of(("1",))
CSV: Mapping[str, Check] = {"format": one_of(("csv",)), "table": text}
"""What the address of every page with tables may say."""


PERIOD: Mapping[str, Check] = {
    "period": one_of(tuple(periods.PRESETS)),
    "from": moment,
    "to": moment,
}
"""How the period of a report is said."""

LOOKS: Mapping[str, Check] = {
    "last": one_of(tuple(periods.LASTS)),
    "from": moment,
    "to": moment,
    "turned": text,
}
"""What a script writes into the address of a page whose graphs are turned elsewhere."""


@dataclass(frozen=True, slots=True)
class Question:
    """The parameters of a view.

    form:  how the view answers, and says no
    tells: the view checks them itself, to show its page with what is wrong
    """

    words: Mapping[str, Check] = field(default_factory=dict)
    form: Form = Form.PAGE
    tells: bool = False

    def check(self, query: QueryDict) -> None:
        """Raises Mistake for the first parameter that is unknown or wrong."""
        for name, said in query.lists():
            _legible(name, said)
            if name not in self.words:
                raise Mistake(f"{name[:40]}: nothing is called that here{self._near(name)}")
            if len(said) > 1:
                raise Mistake(f"{name}: said {len(said)} times; say it once")
            if said[0]:
                self.words[name](name, said[0])

    def _near(self, name: str) -> str:
        return did_you_mean(name, self.words)


NOTHING = Question()


def asks(
    words: Mapping[str, Check] | None = None, *, form: Form = Form.PAGE, tells: bool = False
) -> Callable[[View], View]:
    """Declare what the address of a view may say."""

    def declared(view: View) -> View:
        view.question = Question(words or {}, form, tells)  # type: ignore[attr-defined]
        return view

    return declared


class Legible:
    """The middleware that lets nothing in that no database can hold, before anything is read."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\0" in request.path_info:
            return refusals.not_found(request)
        if any("\0" in said for pair in request.COOKIES.items() for said in pair):
            return refusals.mistaken(request, "cookies: one holds a zero byte; delete it")
        response = self.get_response(request)
        return refusals.not_allowed(request, response) if response.status_code == 405 else response


class Questions:
    """The middleware that checks every question, and turns a Mistake into an answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        question: Question = getattr(view, "question", NOTHING)
        refusals.answers_in(request, question.form)
        try:
            for name, said in request.POST.lists():
                _whole(name, said)
            if not question.tells:
                question.check(request.GET)
        except Mistake as mistake:
            return refusals.mistaken(request, str(mistake))
        return None

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return refusals.mistaken(request, str(error)) if isinstance(error, Mistake) else None


def _legible(name: str, said: Collection[str]) -> None:
    """Raises Mistake for what no view should have to think of."""
    _whole(name, said)
    if max(map(len, (name, *said))) > LONGEST:
        raise Mistake(f"{name[:40]!r}: it has more than {LONGEST} characters")


def _whole(name: str, said: Collection[str]) -> None:
    """No database keeps a zero byte in a text, and none comes from a keyboard."""
    if any("\0" in each for each in (name, *said)):
        raise Mistake(f"{name[:40]!r}: it holds a zero byte, which no text has")
