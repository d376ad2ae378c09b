"""Turns heads into blocks and blocks into minutes and hours."""


def seal(now_ms: int, *, using: str = "default") -> None: ...
