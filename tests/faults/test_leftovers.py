"""What killed processes leave unfinished is known by its name and goes at the next start."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from core import files
from core.demo import demo_archive
from core.files import part_path, remove_stale, temporary_folder
from core.workspace import Workspace

DEMO = """import os, signal, sys
from pathlib import Path
from core.demo import draw_demo
from core.workspace import Workspace
for event in draw_demo(Workspace(Path(sys.argv[1]))):
    if event.done == 3:
        os.kill(os.getpid(), signal.SIGKILL)
"""


def left_in(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*.part")]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_a_killed_demo_leaves_nothing_after_the_next_start(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", DEMO, str(tmp_path)], check=False)
    assert done.returncode == -signal.SIGKILL
    workspace = Workspace(tmp_path)
    assert len(left_in(tmp_path)) == 1
    workspace.remove_leftovers()
    assert not left_in(tmp_path)
    assert not demo_archive(workspace).exists()


def of_dead_process(path: Path) -> Path:
    part = part_path(path)
    return part.with_name(part.name.replace(f".{os.getpid()}.", ".999999999."))


def test_leftovers_are_found_wherever_the_program_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    home = tmp_path / "home"
    places = [home / "a", home / "runs/one/last.safetensors", home / "caches/one/index.json"]
    for place in (*places, home / "datasets/key", tmp_path / "tmp/pneumoscope"):
        place.parent.mkdir(parents=True, exist_ok=True)
        of_dead_process(place).touch()
        part_path(place).touch()  # of a process that lives
        (place.parent / ".mine.part").touch()
    Workspace(home).remove_leftovers()
    assert len(left_in(tmp_path)) == 10
    assert not [name for name in left_in(tmp_path) if "999999999" in name]


def test_another_machine_s_unfinished_file_is_left_alone_for_a_week(tmp_path: Path) -> None:
    part = tmp_path / f".key.999999999.{'0' * 16}.part"
    part.touch()
    remove_stale(tmp_path)
    assert part.exists()
    os.utime(part, (0, 0))
    remove_stale(tmp_path)
    assert not part.exists()


def test_a_file_beside_which_one_was_left_unfinished_is_written_and_the_rest_goes(
    tmp_path: Path,
) -> None:
    path = tmp_path / ("n" * 250)  # as long as a name may nearly be
    of_dead_process(path).touch()
    files.write_user_file(path, b"x")
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_a_temporary_folder_is_gone_afterwards() -> None:
    with temporary_folder() as folder:
        (folder / "file").touch()
    assert not folder.exists()
