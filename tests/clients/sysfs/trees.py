"""Trees of files that look like other machines' /sys."""

from collections.abc import Mapping
from pathlib import Path

RANGE_UJ = 262_143_328_850  # of a Xeon's package


def tree(root: Path, files: Mapping[str, object]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"{content}\n")
    return root


def chip(number: int, name: str, **inputs: object) -> dict[str, object]:
    folder = f"class/hwmon/hwmon{number}"
    return {f"{folder}/name": name} | {f"{folder}/{key}": value for key, value in inputs.items()}


def zone(
    number: str, name: str, energy_uj: object = 0, *, driver: str = "intel-rapl"
) -> dict[str, object]:
    folder = f"class/powercap/{driver}:{number}"
    return {
        f"{folder}/name": name,
        f"{folder}/energy_uj": energy_uj,
        f"{folder}/max_energy_range_uj": RANGE_UJ,
    }
