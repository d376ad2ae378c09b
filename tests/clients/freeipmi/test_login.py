"""A login is written where nobody else reads it, or refused without being shown."""

import stat
from pathlib import Path

import pytest

from meterhouse.clients.freeipmi.login import Login
from meterhouse.metering.secrets import Secret


def test_the_file_is_ours_alone_and_is_never_written_over(tmp_path: Path) -> None:
    login = Login("metering", Secret('a "b" \\ #c'), Secret("key"))
    login.write(tmp_path / "0.conf")
    assert stat.S_IMODE((tmp_path / "0.conf").stat().st_mode) == 0o600
    assert (tmp_path / "0.conf").read_text().splitlines() == [
        'username "metering"',
        r'password "a \"b\" \\ \#c"',
        'k_g "key"',
    ]
    with pytest.raises(FileExistsError):
        login.write(tmp_path / "0.conf")


@pytest.mark.parametrize("text", ["x" * 21, "line\nk_g 0", "nul\0", "pässword", "tab\t"])
def test_what_a_bmc_cannot_hold_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(ValueError, match=r"^password: ") as refused:
        Login("metering", Secret(text))
    assert text not in str(refused.value)


def test_a_user_has_sixteen_characters() -> None:
    with pytest.raises(ValueError, match="user: IPMI knows at most 16"):
        Login("u" * 17, Secret(""))
