import os
from pathlib import Path

import psutil
import pytest

from core.files import part_folder, remove_abandoned

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
        (".key.999999999.aa.part", 100, False),
        (f".key.{PARENT.pid}.aa.part", 100, True),
        (f".key.{PARENT.pid}.aa.part", -100, False),  # the number is another process's now
        (".notes.part", -100, True),
        (".key.nobody.aa.part", -100, True),
        ("key", -100, True),
    ],
)
def test_only_what_a_dead_process_left_half_built_is_removed(
    name: str, seconds: float, is_kept: bool, tmp_path: Path
) -> None:
    folder = left(tmp_path, name, seconds)
    remove_abandoned(tmp_path)
    assert folder.exists() is is_kept


def test_a_folder_that_is_being_built_is_never_abandoned(tmp_path: Path) -> None:
    store = tmp_path / "new"
    one, other = part_folder(store, "key"), part_folder(store, "key")
    remove_abandoned(store)
    assert sorted(store.iterdir()) == sorted([one, other])
