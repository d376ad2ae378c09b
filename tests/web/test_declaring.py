from pathlib import Path

import pytest
from django.test import Client
from tests.conftest import NOON

from meterhouse.inventory.declared import Mistakes
from meterhouse.web import sourcebook
from meterhouse.web.declaring import declare, export
from meterhouse.web.models import SourceStatus

pytestmark = pytest.mark.django_db

ESTATE = """
[[institutions]]
key = "osl"
name = "Open Source Lab"

[[projects]]
key = "debian"
name = "Debian"
shares = { osl = 1 }

[[sources]]
name = "cluster"
kind = "ganeti"
url = "https://127.0.0.1:5080"
user = "meterhouse"
password = { file = "password.txt" }
fingerprint = "%s"
""" % ("ab" * 32)


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    (tmp_path / "password.txt").write_text("a secret\n")
    path = tmp_path / "estate.toml"
    path.write_text(ESTATE)
    return path


def test_declaring_twice_changes_nothing(estate: Path, tmp_path: Path) -> None:
    assert declare(estate, tmp_path, now=NOON)
    assert not declare(estate, tmp_path, now=NOON)


def test_a_dry_run_says_the_same_and_does_nothing(estate: Path, tmp_path: Path) -> None:
    would = declare(estate, tmp_path, now=NOON, dry_run=True)
    assert not sourcebook.tables(tmp_path)
    assert declare(estate, tmp_path, now=NOON) == would


def test_an_exported_house_has_no_secret_and_declares_the_same(
    estate: Path, tmp_path: Path
) -> None:
    declare(estate, tmp_path, now=NOON)
    text = export(tmp_path)
    assert "secret" not in text
    again = tmp_path / "again.toml"
    again.write_text(text)
    assert not declare(again, tmp_path, now=NOON)
    assert sourcebook.tables(tmp_path)["cluster"]["password"] == "a secret"


PLUG = """
[[sources]]
name = "plug"
kind = "http"
power = { path = "StatusSNS.ENERGY.Power", unit = "W" }
urls = ["http://192.0.2.7/cm?cmnd=Status%%208&password=%s"]
probes = ["n1"]
"""


def test_a_token_in_an_address_is_shown_nowhere_and_kept(tmp_path: Path, root: Client) -> None:
    (tmp_path / "plug.toml").write_text(PLUG % "hunter2")
    assert "hunter2" not in "".join(declare(tmp_path / "plug.toml", tmp_path, now=NOON).lines)
    sourcebook.note_flaws({"plug": "http://192.0.2.7/?token=hunter2 does not answer"})
    page = root.get("/sources/plug/").content.decode()
    assert "password=…" in page
    text = export(tmp_path)
    assert "hunter2" not in page + text
    (tmp_path / "plug.toml").write_text(text)
    assert not declare(tmp_path / "plug.toml", tmp_path, now=NOON)
    assert "hunter2" in str(sourcebook.tables(tmp_path)["plug"]["urls"])
    (tmp_path / "plug.toml").write_text(PLUG % "hunter3")
    (line,) = declare(tmp_path / "plug.toml", tmp_path, now=NOON).lines
    assert "hunter" not in line
    (tmp_path / "plug.toml").write_text(text.replace("192.0.2.7", "192.0.2.8"))
    with pytest.raises(Mistakes, match="write the secret there"):
        declare(tmp_path / "plug.toml", tmp_path, now=NOON)


def test_a_new_secret_is_a_change_that_does_not_show_it(estate: Path, tmp_path: Path) -> None:
    declare(estate, tmp_path, now=NOON)
    (tmp_path / "password.txt").write_text("another secret\n")
    assert declare(estate, tmp_path, now=NOON).lines == ("~ source cluster: password changed",)


def test_every_mistake_is_told_at_once_and_nothing_is_applied(
    estate: Path, tmp_path: Path
) -> None:
    estate.write_text(
        ESTATE.replace('user = "meterhouse"', "user = 5").replace("osl = 1", "osk = 1")
    )
    with pytest.raises(Mistakes) as told:
        declare(estate, tmp_path, now=NOON)
    assert [line.partition(": ")[2] for line in told.value.lines] == [
        '[[projects]] "debian" (line 6): institution "osk" does not exist; did you mean "osl"?',
        "[[sources]] \"cluster\" (line 11): key 'user': Expected 'str', got 'int'",
    ]
    assert not sourcebook.tables(tmp_path)


def test_a_secret_in_a_file_that_is_not_there_names_the_file(estate: Path, tmp_path: Path) -> None:
    (tmp_path / "password.txt").unlink()
    with pytest.raises(Mistakes, match=r"key 'password': .*password\.txt: No such file"):
        declare(estate, tmp_path, now=NOON)


def test_a_source_that_is_not_in_a_pruning_file_goes(estate: Path, tmp_path: Path) -> None:
    declare(estate, tmp_path, now=NOON)
    estate.write_text("[options]\nprune = true\n")
    assert "- source cluster" in declare(estate, tmp_path, now=NOON).lines
    assert not sourcebook.tables(tmp_path)


def test_two_sources_of_one_name_are_refused(estate: Path, tmp_path: Path) -> None:
    estate.write_text('[[sources]]\nname = "a"\nkind = "host"\n' * 2)
    with pytest.raises(Mistakes, match="twice"):
        declare(estate, tmp_path, now=NOON)


def test_a_secret_in_a_file_that_holds_no_text_names_the_file(
    estate: Path, tmp_path: Path
) -> None:
    (tmp_path / "password.txt").write_bytes(b"\xff\x00")
    with pytest.raises(Mistakes, match=r"password\.txt' holds no text"):
        declare(estate, tmp_path, now=NOON)


def test_a_lost_key_is_mended_by_declaring_the_sources_again(estate: Path, tmp_path: Path) -> None:
    declare(estate, tmp_path, now=NOON)
    (tmp_path / "secrets.key").unlink()
    assert declare(estate, tmp_path, now=NOON).lines == ("~ source cluster: password changed",)
    assert sourcebook.tables(tmp_path)["cluster"]["password"] == "a secret"


def test_a_source_with_a_lost_key_keeps_no_other_from_being_read(
    estate: Path, tmp_path: Path
) -> None:
    declare(estate, tmp_path, now=NOON)
    sourcebook.save("here", {"kind": "host"}, data=tmp_path)
    (tmp_path / "secrets.key").unlink()
    usable, flaws = sourcebook.usable(tmp_path)
    assert [source.name for source in usable] == ["here"]
    sourcebook.note_flaws(flaws)
    sourcebook.note_flaws(flaws)
    (status,) = SourceStatus.objects.all()
    assert (status.source, status.kind, status.status) == ("cluster", "ganeti", "failing")
    assert "secrets.key" in status.error
