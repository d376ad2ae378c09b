"""Waiting ends, and says for what it was."""

import subprocess
import sys

import pytest

from tests.patience import eventually, until


def test_what_comes_is_returned() -> None:
    answers = iter([0, None, 7])
    assert eventually(lambda: next(answers), every_s=0) == 7


def test_what_does_not_come_is_named() -> None:
    with pytest.raises(AssertionError, match="waited 0 s in vain for a bus"):
        eventually(lambda: False, "a bus", seconds=0)
    with pytest.raises(AssertionError, match=r"in vain for .*never_true"):
        eventually(lambda: never_true(), seconds=0)  # noqa: PLW0108 - its words are looked for


def never_true() -> bool:
    return False


def test_a_program_that_ends_is_not_waited_for() -> None:
    with (
        subprocess.Popen([sys.executable, "-c", ""]) as process,
        pytest.raises(AssertionError, match="the program ended before it spoke"),
    ):
        eventually(lambda: False, "it spoke", process=process)


async def test_others_run_meanwhile() -> None:
    answers = iter([0, 3])

    async def later() -> int:
        return next(answers)

    await until(later)
    assert not list(answers)
    with pytest.raises(AssertionError, match=r"waited 0\.01 s in vain for the end"):
        await until(lambda: False, "the end", seconds=0.01)
