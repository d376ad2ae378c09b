"""Where the browser code that comes in wheels lies. The wheels themselves are not imported."""

from importlib.util import find_spec
from pathlib import Path


def folder(package: str, inside: str) -> Path:
    """A folder of an installed package, found without running the package.

    uplot-python's own module needs libraries that are not installed; its files do not.
    """
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"{package} is missing: pip install -r requirements/assets.txt")
    return Path(spec.submodule_search_locations[0]) / inside
