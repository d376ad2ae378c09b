"""The command as a user types it: a process of its own, its output and its exit status."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.bus.house import sockets
from tests.patience import eventually
from tests.station.test_station import running

from meterhouse.cli import COMMANDS

CLUSTER = """
[[sources]]
name = "cluster"
kind = "ganeti"
url = "https://127.0.0.1:1"
user = "reader"
password = "secret"
fingerprint = "%s"
""" % ("ab" * 32)


def environment(data: Path) -> dict[str, str]:
    """A house on SQLite in its own folder, whatever these tests run on."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("METERHOUSE_")}
    return kept | {"METERHOUSE_DATA": str(data)}


@contextmanager
def up(
    data: Path, *follow: str, stdout: int, stderr: int | None = None
) -> Iterator["subprocess.Popen[str]"]:
    """A house that is gone when the test is over, also when it fails."""
    with subprocess.Popen(
        [sys.executable, "-m", "meterhouse.cli", "up", "--port", "0", *follow],
        env=environment(data),
        stdout=stdout,
        stderr=stderr,
        text=True,
    ) as house:
        try:
            yield house
        finally:
            house.kill()


def meterhouse(*words: str, data: Path, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "meterhouse.cli", *words],
        env=environment(data),
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_without_a_word_it_says_what_there_is(tmp_path: Path) -> None:
    answer = meterhouse(data=tmp_path)
    assert answer.returncode == 0
    assert all(name in answer.stdout for name in COMMANDS)


def test_an_unknown_command_is_one_line_that_names_the_others(tmp_path: Path) -> None:
    answer = meterhouse("repotr", data=tmp_path)
    assert answer.returncode == 2
    assert answer.stderr.count("\n") == 1
    assert "'repotr'" in answer.stderr
    assert "report" in answer.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, tmp_path: Path) -> None:
    answer = meterhouse(name, "--help", data=tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert "--data" in answer.stdout


def test_a_report_before_the_first_start_says_what_to_do(tmp_path: Path) -> None:
    answer = meterhouse("report", data=tmp_path)
    assert answer.returncode == 2
    assert "meterhouse migrate" in answer.stderr
    assert answer.stderr.count("\n") == 1


@pytest.mark.parametrize("command", ["report", "export", "login admin --generate"])
def test_a_folder_that_is_not_there_is_not_made(command: str, tmp_path: Path) -> None:
    answer = meterhouse(*command.split(), data=tmp_path / "absent")
    assert answer.returncode == 2
    assert answer.stderr.count("\n") == 1
    assert "does not exist: start `meterhouse up`" in answer.stderr
    assert not (tmp_path / "absent").exists()


def test_a_question_to_an_empty_folder_leaves_no_database(tmp_path: Path) -> None:
    assert "there is no database" in meterhouse("report", data=tmp_path).stderr
    assert not (tmp_path / "meterhouse.db").exists()


def test_a_report_is_in_the_format_that_its_file_says(tmp_path: Path) -> None:
    meterhouse("migrate", data=tmp_path)
    for name, magic in (("r.pdf", b"%PDF"), ("r.json", b"{"), ("r.CSV", b"row,"), ("r", b"row,")):
        path = tmp_path / name
        assert meterhouse("report", "-o", str(path), data=tmp_path).returncode == 0
        assert path.read_bytes().startswith(magic)
    wrong = meterhouse("report", "--format", "csv", "-o", str(tmp_path / "x.pdf"), data=tmp_path)
    assert wrong.returncode == 2
    assert "leave out --format" in wrong.stderr
    assert not (tmp_path / "x.pdf").exists()


def test_the_first_admin_may_see_everything_whoever_makes_it(tmp_path: Path) -> None:
    meterhouse("migrate", data=tmp_path)
    first = meterhouse("login", "admin", "--generate", data=tmp_path)
    assert "it is the first one: it may see and do everything" in first.stdout
    again = meterhouse("login", "admin", "--generate", data=tmp_path)
    assert "has a new password" in again.stdout
    assert "first" not in again.stdout


def test_migrating_twice_changes_nothing(tmp_path: Path) -> None:
    assert "migrations applied" in meterhouse("migrate", data=tmp_path).stdout
    assert "up to date" in meterhouse("migrate", data=tmp_path).stdout


def test_collecting_without_a_source_says_how_to_get_one(tmp_path: Path) -> None:
    meterhouse("migrate", data=tmp_path)
    answer = meterhouse("collect", "--once", data=tmp_path)
    assert answer.returncode == 2
    assert "meterhouse apply" in answer.stderr


def test_what_is_kept_is_its_owners_only_also_in_an_open_folder(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(0o755)
    meterhouse("migrate", data=data)
    assert data.stat().st_mode & 0o777 == 0o700
    for path in data.iterdir():
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_message_repeats_no_control_character_of_a_file(tmp_path: Path) -> None:
    estate = tmp_path / "estate.toml"
    estate.write_text('[[projects]]\n"k\\u001b[2Jy" = "a"\n')
    answer = meterhouse("apply", str(estate), data=tmp_path)
    assert answer.returncode == 2
    assert "\x1b" not in answer.stderr + answer.stdout
    assert "x1b" in answer.stderr


def test_a_login_takes_its_password_from_a_pipe_and_refuses_a_short_one(tmp_path: Path) -> None:
    meterhouse("migrate", data=tmp_path)
    good = meterhouse("login", "alice", data=tmp_path, stdin="a long enough secret\n")
    assert (good.returncode, good.stdout) == (0, "login alice made\n")
    again = meterhouse("login", "alice", "--generate", data=tmp_path)
    assert "has a new password" in again.stdout
    short = meterhouse("login", "bob", data=tmp_path, stdin="short\n")
    assert short.returncode == 2
    assert "at least 12" in short.stderr


def test_a_login_is_closed_reopened_narrowed_and_deleted(tmp_path: Path) -> None:
    meterhouse("migrate", data=tmp_path)

    def login(*words: str) -> str:
        answer = meterhouse("login", *words, data=tmp_path)
        return answer.stdout if answer.returncode == 0 else answer.stderr

    assert "it is the first one: it may see and do everything" in login("admin", "--generate")
    assert "last that sees everything" in login("admin", "--close")
    login("alice", "--generate", "--everything")
    assert login("alice", "--end") == (
        "login alice has none left: 0 tokens and 0 sessions ended\n"
    )
    assert "login alice closed" in login("alice", "--close")
    assert login("alice", "--reopen") == "login alice may come in again\n"
    assert "and no more" in login("admin", "--not-everything")
    assert "last that sees everything" in login("alice", "--delete")
    assert "login admin deleted" in login("admin", "--delete")
    assert "there is no login admin" in login("admin", "--close")


def test_a_login_sees_what_it_is_granted_and_nothing_unknown_is_granted(tmp_path: Path) -> None:
    estate = tmp_path / "estate.toml"
    estate.write_text('[[projects]]\nkey = "debian"\nname = "Debian"\n')
    meterhouse("apply", str(estate), data=tmp_path)
    made = meterhouse("login", "alice", "--generate", "--project", "debian", data=tmp_path)
    assert "login alice may see debian" in made.stdout
    wrong = meterhouse("login", "alice", "--project", "debain", data=tmp_path)
    assert wrong.returncode == 2
    assert "did you mean" in wrong.stderr
    back = meterhouse("login", "alice", "--withdraw", data=tmp_path)
    assert back.stdout == "1 grants taken back\n"


def test_the_doctor_is_content_with_a_new_house_and_names_an_open_secret(tmp_path: Path) -> None:
    meterhouse("migrate", data=tmp_path)
    tmp_path.chmod(0o700)
    healthy = meterhouse("doctor", data=tmp_path)
    assert healthy.returncode == 0, healthy.stdout
    (tmp_path / "secret.key").chmod(0o644)
    ill = meterhouse("doctor", data=tmp_path)
    assert ill.returncode == 1
    assert f"chmod 600 {tmp_path / 'secret.key'}" in ill.stdout


def test_a_data_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    answer = meterhouse("migrate", "--data", str(blocked / "data"), data=tmp_path)
    assert answer.returncode == 2
    assert answer.stderr.count("\n") == 1


def test_an_odd_database_address_is_one_line(tmp_path: Path) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "meterhouse.cli", "migrate"],
        env=os.environ | {"METERHOUSE_DATA": str(tmp_path), "METERHOUSE_DATABASE": "oracle://x"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 2
    assert "METERHOUSE_DATABASE" in answer.stderr
    assert answer.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--port", "99999"], "there is no port 99999"),
        (["--port", "-1"], "there is no port -1"),
        (["--host", "no.such.host.invalid"], "no.such.host.invalid is no address"),
        (["--host", "192.0.2.1"], "give another with --host"),
    ],
)
def test_a_place_that_cannot_be_listened_at_is_one_line(
    words: list[str], said: str, tmp_path: Path
) -> None:
    answer = meterhouse("up", *words, data=tmp_path)
    assert answer.returncode == 2
    assert answer.stderr.count("\n") == 1
    assert said in answer.stderr


@pytest.mark.parametrize(
    "command", ["up", "migrate", "export", "report", "login alice --generate"]
)
def test_a_damaged_database_is_one_line_that_names_it(command: str, tmp_path: Path) -> None:
    (tmp_path / "meterhouse.db").write_bytes(b"not a database at all" * 1000)
    name, *words = command.split()
    place = ["--port", "0"] if name == "up" else []
    answer = meterhouse(name, *words, *place, data=tmp_path)
    assert answer.returncode in {1, 2}
    assert answer.stderr.count("\n") == 1
    assert "meterhouse.db: file is not a database" in answer.stderr
    assert "doctor" in answer.stderr


@pytest.mark.parametrize("command", ["export", "report"])
def test_output_that_cannot_be_written_is_one_line(command: str, tmp_path: Path) -> None:
    declared = tmp_path / "osl.toml"
    declared.write_text('[[institutions]]\nkey = "osl"\nname = "Open Source Lab"\n')
    meterhouse("migrate", data=tmp_path)
    assert not meterhouse("apply", str(declared), data=tmp_path).returncode
    with Path("/dev/full").open("wb") as full:
        answer = subprocess.run(
            [sys.executable, "-m", "meterhouse.cli", command],
            env=environment(tmp_path),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    assert answer.returncode == 1
    assert answer.stderr == "meterhouse: No space left on device\n"


def test_a_report_into_a_pipe_goes_through_it_and_leaves_it_there(tmp_path: Path) -> None:
    meterhouse("migrate", data=tmp_path)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE) as reader:
        answer = meterhouse("report", "-o", str(pipe), data=tmp_path)
        assert answer.returncode == 0
        assert reader.communicate(timeout=20)[0].startswith(b"row,period_start,")
    assert pipe.is_fifo()


def test_a_report_to_where_a_link_points_keeps_the_link(tmp_path: Path) -> None:
    meterhouse("migrate", data=tmp_path)
    link, real = tmp_path / "latest.csv", tmp_path / "real.csv"
    link.symlink_to(real)
    assert meterhouse("report", "-o", str(link), data=tmp_path).returncode == 0
    assert link.is_symlink()
    assert real.read_text().startswith("row,")
    assert not list(tmp_path.glob(".*.part"))


@pytest.mark.parametrize(
    "words",
    [
        ["-o", "x" * 300],
        ["-o", "."],
        ["-o", "no/such/folder/report.csv"],
        ["--from", "0001-01-01T00:00:00+14:00"],
    ],
)
def test_a_report_that_cannot_be_had_is_one_line(words: list[str], tmp_path: Path) -> None:
    meterhouse("migrate", data=tmp_path)
    answer = meterhouse("report", *words, data=tmp_path)
    assert answer.returncode == 2
    assert answer.stderr.count("\n") == 1


@pytest.mark.parametrize("key", [b"", b"short", b"\xae" * 64])
def test_a_file_that_holds_no_key_is_one_line_that_says_what_to_do(
    key: bytes, tmp_path: Path
) -> None:
    (tmp_path / "secret.key").write_bytes(key)
    answer = meterhouse("export", data=tmp_path)
    assert answer.returncode == 2
    assert answer.stderr.count("\n") == 1
    assert "secret.key: is not a key" in answer.stderr
    assert "move it away" in answer.stderr


def test_the_doctor_says_what_to_do_about_a_damaged_database(tmp_path: Path) -> None:
    meterhouse("migrate", data=tmp_path)
    (tmp_path / "meterhouse.db").write_bytes(b"no database" * 1000)
    answer = meterhouse("doctor", data=tmp_path)
    assert answer.returncode == 1
    assert "restore the database from a backup" in answer.stdout
    assert "Traceback" not in answer.stderr


def test_the_doctor_names_a_source_that_fails(tmp_path: Path) -> None:
    meterhouse("migrate", data=tmp_path)
    declared = tmp_path / "cluster.toml"
    declared.write_text(CLUSTER)
    meterhouse("apply", str(declared), data=tmp_path)
    with up(tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as house:
        ill: list[subprocess.CompletedProcess[str]] = []

        def is_named() -> bool:
            ill.append(meterhouse("doctor", data=tmp_path))
            return "source cluster is failing: " in ill[-1].stdout

        eventually(is_named)
        assert ill[-1].returncode == 1
        assert "All is well" not in ill[-1].stdout
        house.terminate()
        assert house.wait(20) == 0


def test_the_doctor_names_a_collector_to_which_the_key_does_not_fit(tmp_path: Path) -> None:
    file, at, data = tmp_path / "meters.toml", f"ipc://{sockets()}/bus", tmp_path / "house"
    file.write_text('[[sources]]\nname = "rack"\nkind = "dummy"\nprobes = 2\n')
    meterhouse("migrate", data=data)
    key = data / "bus.key"
    key.write_text("k" * 64)
    key.chmod(0o600)
    for name in ("dc1", "dc2"):
        meterhouse("bus-keys", str(tmp_path / name), data=data)
    collect = ["collect", str(file), "--data", str(tmp_path / "c"), "--key", str(key)]
    with (
        running(*collect, "--bind", at, "--encrypt", str(tmp_path / "dc1")),
        up(
            data,
            "--follow",
            f"{at}#{tmp_path / 'dc2.public'}",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ),
    ):

        def said_of_the_key() -> str:
            said = meterhouse("doctor", data=data).stdout
            return said if "has it another key?" in said else ""

        said = eventually(said_of_the_key, "the doctor's word on the key", seconds=90)
    assert f"{at}.live, which is followed, is there, but ends the connection at once" in said
    assert "give the public key of that machine behind the address" in said


def test_a_password_is_told_even_if_it_is_stopped_while_it_starts(tmp_path: Path) -> None:
    with up(tmp_path, stdout=subprocess.PIPE) as house:
        made_after_the_first_login = tmp_path / "bus.key"
        eventually(made_after_the_first_login.exists, "bus.key", every_s=0.001)
        house.terminate()
        assert house.stdout is not None
        assert "Log in as admin with the password" in house.stdout.read()
