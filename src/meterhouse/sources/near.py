"""Telling somebody who wrote a word nobody knows what they may have meant."""

from collections.abc import Iterable
from difflib import get_close_matches


def hint(wrong: str, known: Iterable[str]) -> str:
    """The end of a sentence that says ``wrong`` is not known."""
    words = list(known)
    near = get_close_matches(wrong, words, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; there are: {', '.join(words)}"
