"""Promises of writing: whole or not at all, links and pipes stay what they are, nothing is replaced by accident."""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import pytest

from vfi_flow import files
from vfi_flow.errors import OutputError
from vfi_flow.files import cache_folder, check_free, is_same, write_complete
from vfi_flow.pipeline.output_files import share_files


def test_a_file_that_cannot_be_replaced_stays_and_leaves_nothing_beside_it(tmp_path, monkeypatch):
    path = tmp_path / "report.json"
    path.write_bytes(b"old")
    monkeypatch.setattr(Path, "replace", lambda self, target: (_ for _ in ()).throw(OSError(5, "broken")))

    with pytest.raises(OutputError, match=r"report.json: cannot be written \(broken\)"):
        write_complete(path, b"new")
    assert path.read_bytes() == b"old" and [file.name for file in tmp_path.iterdir()] == ["report.json"]


def test_what_a_link_leads_to_is_written_and_the_link_stays(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    link, file = tmp_path / "link", tmp_path / "elsewhere" / "file"
    link.symlink_to(file)

    write_complete(link, b"first")
    write_complete(link, b"second")

    assert link.is_symlink() and file.read_bytes() == b"second"


@pytest.mark.parametrize("name", ["\u65e5" * 83 + ".json", "n" * 250 + ".json"], ids=["three bytes a letter", "one"])
def test_the_longest_names_are_written(tmp_path, name):
    write_complete(tmp_path / name, b"data")

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {name: b"data"}


@pytest.mark.skipif(sys.platform == "win32", reason="named pipes of POSIX")
def test_a_named_pipe_is_written_to(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)

    check_free(pipe, "the report", {}, overwrite=False)
    write_complete(pipe, b"data")

    assert os.read(reader, 10) == b"data"
    os.close(reader)


def test_what_may_not_be_replaced_is_told_before_the_work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    clip, link, folder = Path("clip"), Path("link"), Path("folder")
    clip.write_text("precious")
    link.symlink_to(clip)
    folder.mkdir()
    taken = {"the input itself": [clip], "the result itself": [Path("result")]}

    def complaint(path: str, overwrite: bool = True) -> str:
        with pytest.raises(OutputError) as caught:
            check_free(Path(path), "the list", taken, overwrite)
        return str(caught.value)

    assert complaint("link") == "link: is the input itself; choose another name for the list"
    assert complaint("./result") == "result: is the result itself; choose another name for the list"
    assert complaint("folder") == "folder: is a folder, expected a file for the list"
    assert complaint("no/list") == "no: no such folder for the list"
    assert complaint("x" * 300).endswith(": File name too long")
    Path("loop").symlink_to("loop")
    assert complaint("loop").startswith("loop: ")
    Path("list").touch()
    assert complaint("list", overwrite=False) == "list exists; pass --overwrite to replace it"
    check_free(Path("list"), "the list", taken, overwrite=True)
    check_free(Path("new"), "the list", taken, overwrite=False)
    monkeypatch.setattr(os, "access", lambda place, mode: Path(place) != tmp_path / "folder")
    Path("link to new").symlink_to("folder/new")
    assert complaint("folder/new") == f"{tmp_path / 'folder'}: no permission to write the list into this folder"
    assert complaint("link to new") == complaint("folder/new")
    check_free(Path("new"), "the list", taken, overwrite=False)


@pytest.mark.skipif(sys.platform == "win32", reason="descriptors of POSIX")
@pytest.mark.parametrize("name", ["/dev/stderr", "/dev/fd/2"])
def test_what_stands_in_a_log_behind_a_descriptor_stays(tmp_path, name):
    log = tmp_path / "log"
    code = "import sys; from pathlib import Path; from vfi_flow.files import write_complete;"
    code += f"print('before', file=sys.stderr, flush=True); write_complete(Path('{name}'), b'data');"
    code += "print('after', file=sys.stderr)"
    with log.open("ab") as file:
        subprocess.run([sys.executable, "-c", code], stderr=file, check=True)

    assert log.read_text() == "before\ndataafter\n"


@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="no /dev/shm")
def test_a_file_in_shared_memory_is_replaced_as_any_other():
    with TemporaryDirectory(dir="/dev/shm") as folder:
        report = Path(folder, "report.json")
        write_complete(report, b"the first, which is longer")
        write_complete(report, b"the second")

        assert report.read_bytes() == b"the second"


def test_two_ways_to_one_file_that_is_not_there_yet_are_one(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    (tmp_path / "dangling").symlink_to(tmp_path / "missing" / "file")

    with pytest.raises(OutputError, match="is named twice"):
        check_free(tmp_path / "link" / "r", "it", {"named twice": [tmp_path / "folder" / "r"]}, overwrite=True)
    with pytest.raises(OutputError, match="no such folder"):
        check_free(tmp_path / "dangling", "it", {}, overwrite=True)


def test_where_files_have_no_numbers_their_names_tell_them_apart(tmp_path, monkeypatch):
    """As on some network shares."""
    one, other, link = (tmp_path / name for name in ("one", "other", "link"))
    one.touch()
    other.touch()
    link.symlink_to(one)
    stat = Path.stat
    monkeypatch.setattr(
        Path, "stat", lambda path, **how: SimpleNamespace(st_mode=stat(path, **how).st_mode, st_dev=0, st_ino=0)
    )

    assert is_same(one, link) and not is_same(one, other)
    assert share_files([one], [other, link]) and not share_files([one], [other])


def test_the_cache_is_where_the_user_wants_it(monkeypatch):
    monkeypatch.setattr(files.sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", os.path.join("somewhere", "else"))

    assert cache_folder() == Path("somewhere", "else", "vfi_flow")
