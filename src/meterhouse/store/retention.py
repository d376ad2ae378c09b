"""Throws away what is older than it has to be kept."""


def prune(now_ms: int, *, using: str = "default") -> None: ...
