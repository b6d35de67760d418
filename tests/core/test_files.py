import errno
import os
import stat
from pathlib import Path

import psutil
import pytest

from core import files
from core.files import part_folder, remove_stale


def test_text_is_written_as_utf_8_and_replaces_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text("old")
    files.write_text(path, "正常肺部\n")
    assert path.read_bytes() == "正常肺部\n".encode()
    assert os.listdir(tmp_path) == ["run.json"]


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file_whole_and_no_temporary(
    failing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model"
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, failing, fail)
    with pytest.raises(OSError, match="No space left"):
        files.write_bytes(path, b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["model"]


def test_content_reaches_the_disk_before_its_name_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    fsync, replace = os.fsync, os.replace

    def noting_fsync(descriptor: int) -> None:
        calls.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    def noting_replace(old: Path, new: Path) -> None:
        calls.append("replace")
        replace(old, new)

    monkeypatch.setattr(os, "fsync", noting_fsync)
    monkeypatch.setattr(os, "replace", noting_replace)
    files.write_bytes(tmp_path / "model", b"new")
    assert calls == ["file", "replace", "folder"]


@pytest.mark.skipif(os.name != "posix", reason="Windows has no umask")
def test_a_model_may_be_read_by_whom_the_umask_lets(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        files.write_bytes(tmp_path / "model", b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "model").stat().st_mode) == 0o644


def test_a_missing_folder_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        files.write_bytes(tmp_path / "nowhere" / "model", b"x")


PARENT = psutil.Process(os.getppid())


def left(store: Path, name: str, seconds_after_start: float = 0) -> Path:
    """A folder as it was left this long after the parent process started."""
    folder = store / name
    folder.mkdir()
    (folder / "film").write_bytes(b"half")
    changed = PARENT.create_time() + seconds_after_start
    os.utime(folder, (changed, changed))
    return folder


@pytest.mark.parametrize(
    ("name", "seconds", "is_kept"),
    [
        (".key.999999999.abcdefgh.part", 100, False),
        (f".key.{PARENT.pid}.abcdefgh.part", 100, True),
        (f".key.{PARENT.pid}.abcdefgh.part", -100, False),  # the number is another process's now
        (".notes.part", -100, True),
        (".key.nobody.abcdefgh.part", -100, True),
        ("key", -100, True),
    ],
)
def test_only_what_a_dead_process_left_half_built_is_removed(
    name: str, seconds: float, is_kept: bool, tmp_path: Path
) -> None:
    folder = left(tmp_path, name, seconds)
    remove_stale(tmp_path)
    assert folder.exists() is is_kept


def test_a_folder_that_is_being_built_is_never_abandoned(tmp_path: Path) -> None:
    store = tmp_path / "new"
    one, other = part_folder(store, "key"), part_folder(store, "key")
    remove_stale(store)
    assert sorted(store.iterdir()) == sorted([one, other])
