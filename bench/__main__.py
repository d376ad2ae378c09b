"""Run every benchmark, or those that are named, and print their rows as tables.

python -m bench [NAME ...] [--write docs/performance.md]
"""

import argparse
import platform
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import bench

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def main() -> None:
    names = sorted(m.name for m in iter_modules(bench.__path__) if not m.name.startswith("_"))
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*names, []], metavar="NAME")
    parser.add_argument("--write", type=Path, help="put the tables between this file's marks")
    arguments = parser.parse_args()
    parts = [machine()]
    for name in arguments.names or names:
        module = import_module(f"bench.{name}")
        print(f"{name} …", file=sys.stderr)
        parts.append(table(name, (module.__doc__ or "").splitlines()[0], module.run()))
        print(parts[-1], flush=True)
    if arguments.write:
        write(arguments.write, "\n".join(parts))


def machine() -> str:
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return f"Machine: {model}, {platform.system()}, Python {platform.python_version()}.\n"


def table(name: str, title: str, rows: list[tuple[str, str]]) -> str:
    body = "\n".join(f"| {what} | {figure} |" for what, figure in rows)
    return f"### {name}\n\n{title}\n\n| what | figure |\n|---|---|\n{body}\n"


def write(path: Path, tables: str) -> None:
    before, _, rest = path.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    path.write_text(f"{before}{BEGIN}\n{tables}\n{END}{after}")


if __name__ == "__main__":
    main()
