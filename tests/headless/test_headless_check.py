import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.translation import set_language

Command = Callable[..., Any]
COUNTS = {"COVID": 12, "NORMAL": 12, "Viral_Pneumonia": 12}


@pytest.fixture
def mixed(archive: Path, tmp_path: Path) -> Path:
    """The dataset with a text file and a damaged film beside the good ones."""
    path = tmp_path / "mixed.zip"
    path.write_bytes(archive.read_bytes())
    with zipfile.ZipFile(path, "a") as zipped:
        film = zipped.read(zipped.namelist()[0])
        zipped.writestr("input_data/COVID/notes.txt", "nothing to see")
        zipped.writestr("input_data/COVID/99999_000.png", film[: len(film) // 2])
    return path


def test_json_tells_classes_what_was_left_out_and_patients(command: Command, mixed: Path) -> None:
    said = command("check", mixed, "--json")
    assert said.code == 0
    assert list(said.json) == ["classes", "left_out", "groups"]
    assert said.json["classes"] == COUNTS
    assert said.json["groups"] == {"n": 18, "pattern": "before_underscore"}
    left_out = {one["file"]: one["reason"] for one in said.json["left_out"]}
    assert sorted(left_out) == ["input_data/COVID/99999_000.png", "input_data/COVID/notes.txt"]
    assert "damaged" in left_out["input_data/COVID/99999_000.png"]


def test_text_tells_the_same(command: Command, mixed: Path) -> None:
    said = command("check", mixed)
    assert said.code == 0
    assert "    12  NORMAL  (Normal)\n" in said.out
    assert "2 files left out\n" in said.out
    assert "  input_data/COVID/notes.txt: Not a PNG or JPEG image.\n" in said.out


def test_a_folder_is_a_dataset_too(command: Command, archive: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(archive) as zipped:
        zipped.extractall(tmp_path / "films")
    said = command("check", tmp_path / "films", "--json")
    assert said.json["classes"] == COUNTS


def test_class_names_are_shown_in_the_users_language(command: Command, archive: Path) -> None:
    set_language("zh_CN")
    assert "正常肺部" in command("check", archive).out


def test_films_with_no_patients_in_their_names_are_said_so(
    command: Command, archive: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(tmp_path / "flat.zip", "w") as new:
        for number, name in enumerate(old.namelist()):
            new.writestr(f"{name.split('/')[1]}/{number}.png", old.read(name))
    said = command("check", tmp_path / "flat.zip")
    assert "No patient names found" in said.out


def test_foreign_names_cannot_forge_lines(command: Command, archive: Path, tmp_path: Path) -> None:
    path = tmp_path / "forged.zip"
    path.write_bytes(archive.read_bytes())
    with zipfile.ZipFile(path, "a") as zipped:
        zipped.writestr("input_data/COVID/a\n0 files left out\x1b[2J.txt", "text")
    said = command("check", path)
    assert said.code == 0
    assert "\n0 files left out" not in said.out
    assert "\x1b" not in said.out
