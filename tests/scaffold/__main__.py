"""Makes a new source: ``python -m tests.scaffold NAME``, as ``make new-source name=NAME`` does.

The code and the sample are those that docs/adding-a-source.md shows, under another name; beside
this file is what that page does not show.
"""

import keyword
import re
import sys
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
EXAMPLE = "wattmeter"
LONGEST_NAME = 24  # so that no line of what is made is too long
CASES = {
    "plugged_in/input.bin": "W 212.4\n",
    "plugged_in/expected.jsonl": "212.4\n",
    "plugged_in/origin.txt": "synthetic\n",
    "garbled/input.bin": "W two\n",
    "garbled/error.txt": "W two\n",
    "garbled/origin.txt": "synthetic: a number that is none\n",
}


class Refused(Exception):
    """Nothing was made."""


def make(name: str, root: Path) -> list[Path]:
    """Make the source of that name under a checkout; what was made. Raises Refused."""
    room = root / "src/meterhouse/sources"
    tests = root / f"tests/sources/test_{name}.py"
    _check(name, room, tests)
    files = {
        **{room / name / file: text for file, text in _folder(name, root)},
        tests: renamed((HERE / "cases.txt").read_text("utf-8"), name),
    }
    for file, text in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    _add_row(root / "README.md", name)
    return [*files, root / "README.md"]


def _check(name: str, room: Path, tests: Path) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or keyword.iskeyword(name):
        raise Refused(f"{name!r} is no name: small letters, digits, _ between them (name=thermo)")
    if len(name) > LONGEST_NAME:
        raise Refused(f"{name!r} is longer than {LONGEST_NAME} letters")
    taken = [path for path in (room / name, room / f"{name}.py", tests) if path.exists()]
    if taken:
        raise Refused(f"{name!r} is taken: there is {taken[0]}")
    if f'"{name}"' in (room / "__init__.py").read_text("utf-8"):
        raise Refused(f"{name!r} is taken: it is a word of the room itself")


def _folder(name: str, root: Path) -> Iterator[tuple[str, str]]:
    page = (root / "docs/adding-a-source.md").read_text("utf-8")
    sample = renamed(_shown(page, "toml"), name)
    readme = renamed((HERE / "readme.md").read_text("utf-8"), name)
    yield "__init__.py", f'"""A {name} that answers over TCP."""\n'
    yield "source.py", renamed(_shown(page, "python"), name)
    yield "sample.toml", sample
    yield "README.md", readme.replace("SAMPLE\n", sample)
    for file, text in CASES.items():
        yield f"cases/{file}", text


def _shown(page: str, language: str) -> str:
    found = re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)
    if len(found) != 1:
        raise Refused(f"docs/adding-a-source.md shows {len(found)} blocks of {language}, not one")
    return str(found[0])


def renamed(text: str, name: str) -> str:
    """The example's text for a source of that name."""
    camel = "".join(part.capitalize() for part in name.split("_"))
    return text.replace("Wattmeter", camel).replace(EXAMPLE, name)


def _add_row(readme: Path, name: str) -> None:
    """Name it in the project's README, under the sources there are."""
    text = readme.read_text("utf-8")
    last = list(re.finditer(r"^\| \[`\w+`\]\(src/meterhouse/sources/.*\n", text, re.MULTILINE))
    if not last:
        raise Refused(f"{readme} has no table of sources")
    row = f"| [`{name}`](src/meterhouse/sources/{name}/README.md) | a {name} over TCP |\n"
    readme.write_text(text[: last[-1].end()] + row + text[last[-1].end() :], "utf-8")


def main(arguments: list[str]) -> int:
    try:
        made = make(arguments[0] if arguments else "", Path.cwd())
    except Refused as error:
        sys.stderr.write(f"new-source: {error}\n")
        return 2
    sys.stdout.write("".join(f"{path.relative_to(Path.cwd())}\n" for path in made))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
