"""Colours of pictures, by theme. The bands' are the style sheet's, which a test holds to it.

Neighbours in a stack differ in lightness as well as in hue, so that they are told apart by those
who do not see all hues, and in print.
"""

from dataclasses import dataclass
from enum import StrEnum


class Theme(StrEnum):
    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class Look:
    """Colours as #rrggbb. bands: of single probes, then of the tiers of the rest."""

    paper: str
    ink: str
    soft: str
    grid: str
    line: str
    under: str
    bands: tuple[str, ...]


LOOKS = {
    Theme.LIGHT: Look(
        paper="#ffffff",
        ink="#1b211f",
        soft="#56605c",
        grid="#e4e1d9",
        line="#0b6b60",
        under="#d8e8e5",
        bands=(
            *("#0b6b60", "#dc9a62", "#41579f", "#c2ae4a", "#87457d", "#7fb0da"),
            *("#a5432f", "#84c5ac", "#2b4a70", "#df99ac", "#5d7a2a", "#b3a2dc"),
            *("#6fa39b", "#93bab3", "#b3cfca", "#d0e1de"),
        ),
    ),
    Theme.DARK: Look(
        paper="#161c1b",
        ink="#e7ece9",
        soft="#9fada7",
        grid="#263130",
        line="#59cdb9",
        under="#22423d",
        bands=(
            *("#59cdb9", "#b5652f", "#a3b5f4", "#8d7a1f", "#dda0d1", "#3f7fb5"),
            *("#f39c84", "#2c8a70", "#a9c8ec", "#b0577a", "#b9d57e", "#7a64c2"),
            *("#447d74", "#38675f", "#2e534d", "#25413d"),
        ),
    ),
}


def rgb(colour: str) -> tuple[int, int, int]:
    """#0b6b60 as three numbers."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
