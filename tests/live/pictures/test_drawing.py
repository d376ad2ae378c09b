"""Pictures: what is drawn where, by both ways of drawing, and when nothing is drawn again."""

import io
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from tests.conftest import NOON
from tests.live.test_power import END, HOUR, seen, table, told

from meterhouse.live import looks
from meterhouse.live.figures import UNKNOWN
from meterhouse.live.looks import Look, Wanted
from meterhouse.live.pictures import drawing
from meterhouse.live.pictures.drawing import Format, Style, drawn, picture
from meterhouse.live.pictures.letters import mask
from meterhouse.live.pictures.look import LOOKS, Theme, rgb
from meterhouse.live.pictures.png import png
from meterhouse.live.pictures.raster import raster
from meterhouse.live.power import Power, power
from meterhouse.live.windows import WINDOWS
from meterhouse.metering.periods import Period

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).parents[3]
SMALL = Style(width=400, height=260, legend=False)


@pytest.fixture(autouse=True)
def anew() -> None:
    looks.forget()
    drawing.forget()


def pixels(body: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(body)) as image:
        return np.asarray(image.convert("RGB"))


def count(body: bytes, colour: str) -> int:
    return int((pixels(body) == np.array(rgb(colour))).all(axis=2).sum())


def test_a_picture_is_as_large_as_asked_and_any_reader_can_read_it() -> None:
    told(a=100.0, b=50.0)
    look = Look(table("a", "b"))
    assert pixels(drawn(look, SMALL)[0]).shape == (260, 400, 3)
    assert pixels(drawn(look, replace(SMALL, scale=2))[0]).shape == (520, 800, 3)


@pytest.mark.parametrize("theme", Theme)
def test_bands_take_the_room_of_their_watts(theme: Theme) -> None:
    told(a=300.0, b=100.0)
    body, _ = drawn(Look(table("a", "b")), replace(SMALL, theme=theme))
    first, second = (count(body, colour) for colour in LOOKS[theme].bands[:2])
    assert first > 5000
    assert first / second == pytest.approx(3, rel=0.08)


def test_nothing_is_drawn_over_a_gap() -> None:
    told(a=100.0)
    gap = ((HOUR.start_ms, END - 2_700_000), (END - 900_000, END))
    look = Look(table("a"))
    broken = Look(_seen_only(gap))
    whole, half = (
        count(drawn(each, SMALL)[0], LOOKS[Theme.LIGHT].under) for each in (look, broken)
    )
    assert half / whole == pytest.approx(0.5, rel=0.05)


def _seen_only(stretches: tuple[tuple[int, int], ...]) -> Power:
    return power(seen("a", stretches=stretches), HOUR, timedelta(seconds=60))


def test_svg_is_text_that_parses_without_style_or_script() -> None:
    told(**{"a<script>": 100.0, "b": 50.0})
    body, _ = drawn(Look(table("a<script>", "b")), replace(SMALL, format=Format.SVG, legend=True))
    root = ET.fromstring(body)  # noqa: S314 - drawn by this test
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert tags == {"svg", "title", "rect", "path", "text"}
    said = " ".join(element.text or "" for element in root.iter())
    for word in ("Summary", "a<script>", "Avg: 150 W", "Total: 150 Wh"):
        assert word in said
    assert re.search(r"Avg: 150 W\s{2,}Min: ", said)


def test_svg_has_every_sign_but_those_that_xml_cannot_hold() -> None:
    told(**{"a\x01\ufffe\u00a0é🔌": 100.0})
    body, _ = drawn(Look(table("a\x01\ufffe\u00a0é🔌")), replace(SMALL, format=Format.SVG))
    assert ET.fromstring(body)[0].text == "a\u00a0é🔌"  # noqa: S314 - drawn by this test


def test_every_sign_under_a_picture_is_in_the_font_of_pngs() -> None:
    told(a=100.0, b=50.0)
    body, _ = drawn(Look(table("a", "b")), replace(SMALL, format=Format.SVG, legend=True))
    words = "".join(ET.fromstring(body).itertext())  # noqa: S314 - drawn here
    missing = mask("\uffff", 12, strong=False)[0].tobytes()
    assert "Avg: 150 W" in words
    assert [
        sign
        for sign in sorted({*words, "₂", "€", UNKNOWN})
        if mask(sign, 12, strong=False)[0].tobytes() == missing
    ] == []


def test_a_probe_without_readings_has_a_picture_that_says_so() -> None:
    body, _ = drawn(Look(table("nobody")), replace(SMALL, format=Format.SVG))
    assert b"Nothing was read in this period" in body


def test_a_mark_changes_with_whatever_the_picture_depends_on() -> None:
    told(a=100.0)
    look = Look(table("a"))
    marks = {
        drawn(look, style)[1]
        for style in (
            SMALL,
            replace(SMALL, theme=Theme.DARK),
            replace(SMALL, width=401),
            replace(SMALL, format=Format.SVG),
        )
    }
    told_more = Look(table("a", "nobody"))
    assert len({*marks, drawn(told_more, SMALL)[1]}) == 5
    assert drawn(Look(table("a")), SMALL)[1] in marks


def test_nothing_is_drawn_again_without_new_data(monkeypatch: pytest.MonkeyPatch) -> None:
    told(a=100.0)
    drawings = []

    def counted(*arguments: object) -> object:
        drawings.append(1)
        return raster(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(drawing, "raster", counted)
    wanted = Wanted(seen("a"), HOUR, None)
    found = [
        picture(wanted, SMALL, now=NOON + timedelta(seconds=later)) for later in (0, 5, 11, 400)
    ]
    assert len({each.mark for each in found}) == 1
    assert len(drawings) == 1


def test_a_picture_is_at_most_a_resolution_old() -> None:
    told(a=100.0)
    for name, age_s in (("minute", 1), ("hour", 10)):
        window = WINDOWS[name]
        period = replace(HOUR, start=NOON - window.length)
        found = picture(Wanted(seen("a"), period, window), SMALL, now=NOON)
        assert found.age_s == pytest.approx(age_s, rel=0.01)
    day = WINDOWS["day"]
    period = replace(HOUR, start=NOON - day.length)
    found = picture(Wanted(seen("a"), period, day), SMALL, now=NOON)
    assert found.age_s == pytest.approx(900 / 24, rel=0.1), "one hour of it is filled"


def test_who_sees_other_things_has_another_picture() -> None:
    told(a=100.0, b=50.0)
    both = Wanted(seen("a", "b"), HOUR, None)
    one = Wanted(seen("a"), HOUR, None)
    later = Wanted(seen("a", stretches=((END - 60_000, END),)), HOUR, None)
    assert len({both.key, one.key, later.key}) == 3
    marks = {picture(each, SMALL, now=NOON).mark for each in (both, one, later)}
    assert len(marks) == 3


@pytest.mark.parametrize(("theme", "place"), [(Theme.LIGHT, 0), (Theme.DARK, 1)])
def test_pictures_and_pages_have_the_same_colours(theme: Theme, place: int) -> None:
    css = (ROOT / "src/meterhouse/web/static/meterhouse/house.css").read_text()
    found = re.findall(r"--b(\d+): light-dark\((#\w{6}), (#\w{6})\)", css)
    colours = {int(number): pair[place] for number, *pair in found}
    assert [colours[number] for number in sorted(colours)] == list(LOOKS[theme].bands)


def luminance(colour: str) -> float:
    """Source: WCAG 2.2, relative luminance."""
    parts = [each / 255 for each in rgb(colour)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


@pytest.mark.parametrize("theme", Theme)
def test_neighbours_in_a_stack_differ_in_lightness(theme: Theme) -> None:
    """By 3 to 2 at least, so that who sees no hues, or a print without them, tells them apart."""
    light = [luminance(colour) + 0.05 for colour in LOOKS[theme].bands[:12]]
    ratios = [max(pair) / min(pair) for pair in pairwise(light)]
    assert min(ratios) > 1.5


@pytest.mark.parametrize(
    ("probes", "size", "most"), [(1, (497, 220), 12_000), (100, (694, 400), 24_000)]
)
@pytest.mark.parametrize("theme", Theme)
def test_pictures_are_as_small_as_kwapi_promised(
    theme: Theme, probes: int, size: tuple[int, int], most: int
) -> None:
    """12 KB a probe and 24 KB the summary, of a day in which every node draws something else."""
    random = np.random.default_rng(probes)
    watts = random.uniform(80, 250, (probes, 1)) + random.normal(0, 8, (probes, 288))
    names = [f"n{number}" for number in range(probes)]
    told(**dict.fromkeys(names, 100.0))
    of = table(*names)
    day = Period.from_ms(END - 86_400_000, END)
    whole = replace_power(of, day, watts)
    body, _ = drawn(Look(whole), Style(theme=theme, width=size[0], height=size[1]))
    assert pixels(body).shape == (size[1], size[0], 3)
    assert len(body) < most


def replace_power(of: Power, period: Period, watts: NDArray[np.float64]) -> Power:
    """The same probes over a period of buckets of five minutes, with other watts."""
    start = period.start_ms + np.arange(watts.shape[1], dtype=np.int64) * 300_000
    return Power(
        *(of.seen, period, timedelta(minutes=5), start, watts.astype(np.float32)),
        *(watts.min(axis=1), watts.max(axis=1), watts.mean(axis=1), watts[:, -1]),
        *(watts.sum(axis=1) * 300, np.full(len(watts), 86_400_000), of.parts),
    )


def test_the_colours_that_cover_most_stay_as_they_are() -> None:
    random = np.random.default_rng(1)
    noise = random.integers(0, 256, (40, 40, 3), np.uint8)  # 1600 colours
    plain = np.zeros((80, 40, 3), np.uint8)
    plain[:40], plain[40:] = (11, 107, 96), (255, 255, 255)
    found = pixels(png(np.concatenate([plain, noise])))
    assert (found[:80] == plain).all()
    palette = np.unique(found.reshape(-1, 3), axis=0).astype(int)
    apart = noise.reshape(-1, 1, 3).astype(int) - palette
    nearest = np.sqrt((apart**2).sum(axis=2).min(axis=1))
    taken = np.sqrt(((found[80:].astype(int) - noise) ** 2).sum(axis=2)).ravel()
    assert len(palette) == 256
    assert (taken - nearest).max() <= 2 * np.sqrt(3 * 8**2)  # what looks the same


@pytest.mark.parametrize("colours", [1, 2, 255, 256, 257])
def test_a_picture_of_any_number_of_colours_is_read_back(colours: int) -> None:
    levels = np.arange(colours) * 60_000
    flat = np.stack([levels >> 16 & 255, levels >> 8 & 255, levels & 255], axis=-1)
    image = np.repeat(flat, 2, axis=0)[None].astype(np.uint8)
    found = pixels(png(image))
    assert found.shape == image.shape
    assert (found == image).all() if colours <= 256 else (found != image).any(axis=2).sum() <= 2
