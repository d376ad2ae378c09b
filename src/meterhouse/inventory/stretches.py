"""Stretches of time as pairs of milliseconds: start in, end out."""

from collections.abc import Iterable

Stretch = tuple[int, int]


def without(stretches: Iterable[Stretch], cut: Iterable[Stretch]) -> list[Stretch]:
    """What is left of the stretches when others are cut out of them."""
    left = list(stretches)
    for start, end in cut:
        left = [
            part
            for a, b in left
            for part in ((a, min(b, start)), (max(a, end), b))
            if part[0] < part[1]
        ]
    return left
