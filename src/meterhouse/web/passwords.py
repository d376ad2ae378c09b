"""Which passwords are refused beside those that Django's own validators refuse."""

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

LEAST_LETTERS = 6  # different ones


class NotRepeated:
    """Refuses a few letters again and again: ``aaaaaaaaaaaa``, ``abcabcabcabc``, ``121212121212``.

    A validator, as AUTH_PASSWORD_VALIDATORS takes it.
    """

    def validate(self, password: str, user: User | None = None) -> None:
        if len(set(password.lower())) < LEAST_LETTERS or _is_repeated(password.lower()):
            raise ValidationError(
                "This password repeats a few letters; a few words that nobody would guess are "
                "better.",
                code="password_repeats",
            )

    def get_help_text(self) -> str:
        return (
            f"Your password must have at least {LEAST_LETTERS} different letters, and must not be "
            "the same few again and again."
        )


def _is_repeated(text: str) -> bool:
    """Whether it is a part of itself, twice or more; the last one need not be whole."""
    return any(text[size:] == text[:-size] for size in range(1, len(text) // 2 + 1))
