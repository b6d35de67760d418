import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.i18n import set_language
from core.data.dataset import load_dataset
from core.data.edits import Edits, EditsFile
from core.workspace import HOME_VARIABLE, Workspace

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


def test_json_tells_everything_that_is_known(command: Command, mixed: Path) -> None:
    said = command("check", mixed, "--json")
    assert said.code == 0
    keys = ["classes", "left_out", "groups", "findings", "patients", "split"]
    assert list(said.json) == [*keys, "class_level", "labels", "zip_names"]
    assert said.json["labels"] is None
    assert said.json["classes"] == COUNTS
    assert said.json["groups"] == {"n": 18, "pattern": "before_underscore"}
    assert said.json["patients"] == {
        "n": 18,
        "per_class": dict.fromkeys(COUNTS, 6),
        "pattern": "before_underscore",
    }
    parts = said.json["split"]
    assert list(parts) == ["train", "validation", "test", "kept"]
    assert {name: sum(part[name] for part in parts.values()) for name in COUNTS} == COUNTS
    left_out = {one["file"]: one["reason"] for one in said.json["left_out"]}
    assert sorted(left_out) == ["input_data/COVID/99999_000.png", "input_data/COVID/notes.txt"]
    assert "is cut short" in left_out["input_data/COVID/99999_000.png"]
    findings = {one["kind"]: one for one in said.json["findings"]}
    cut = findings["truncated"]
    assert (cut["severity"], cut["files"]) == ("warning", ["input_data/COVID/99999_000.png"])
    assert "cut short and left out: 1, such as" in cut["message"]
    assert findings["not_an_image"]["files"] == ["input_data/COVID/notes.txt"]
    assert 0 < findings["leakage"]["value"] < 1


def test_text_tells_the_same_and_shortens_what_was_left_out_for_one_reason(
    command: Command, mixed: Path
) -> None:
    with zipfile.ZipFile(mixed, "a") as zipped:
        for number in range(12):
            zipped.writestr(f"input_data/COVID/a{number:02}.txt", "text")
        zipped.writestr("input_data/COVID/a\n0 files left out\x1b[2J.txt", "text")  # forges a line
    said = command("check", mixed)
    assert said.code == 0
    assert "    12  NORMAL  (Normal)\n" in said.out
    assert "15 files left out\n" in said.out
    assert "  input_data/COVID/a08.txt: A text file, not an X-ray." in said.out
    assert "a11.txt" not in said.out
    assert "  and 4 more\n" in said.out
    assert "99999_000.png is cut short" in said.out
    assert "Warning: Cut short\n  Films that are cut short and left out: 1" in said.out
    assert "\n0 files left out" not in said.out
    assert "\x1b" not in said.out
    set_language("zh_CN")
    assert "正常肺部" in command("check", mixed).out


def test_several_sources_are_one_dataset(command: Command, archive: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(archive) as zipped:
        zipped.extractall(tmp_path / "films")
    assert command("check", tmp_path / "films", "--json").json["classes"] == COUNTS
    said = command("check", archive, tmp_path / "films", "--json")
    assert said.json["classes"] == {name: 2 * n for name, n in COUNTS.items()}
    copies = [one for one in said.json["findings"] if one["kind"] == "exact_duplicate"]
    assert len(copies) == 36
    assert {name.split("/")[0] for name in copies[0]["files"]} == {archive.name, "films"}


def test_changes_made_in_the_window_count_unless_they_are_to_be_ignored(
    command: Command, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    workspace = Workspace.of_user()
    *_, loaded = load_dataset([archive], workspace, 32)
    names = [loaded.dataset.records[0].name]
    EditsFile(workspace.edits, loaded.as_found).save(Edits().leave_out(names))
    said = command("check", archive, "--json")
    assert said.json["classes"]["COVID"] == 11
    assert said.json["left_out"] == [{"file": names[0], "reason": "You left it out."}]
    assert "--as-found ignores them" in said.err
    plain = command("check", archive, "--json", "--as-found")
    assert plain.json["classes"] == COUNTS
    assert plain.err == ""


def test_films_with_no_patients_in_their_names_are_said_so(
    command: Command, archive: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(tmp_path / "flat.zip", "w") as new:
        for number, name in enumerate(old.namelist()):
            new.writestr(f"{name.split('/')[1]}/{number}.png", old.read(name))
    said = command("check", tmp_path / "flat.zip")
    assert "No patient names found" in said.out


def test_the_code_page_of_names_is_told_and_chosen(
    command: Command, archive: Path, tmp_path: Path
) -> None:
    path = tmp_path / "films.zip"
    content = archive.read_bytes()
    path.write_bytes(
        content.replace(b"input_data/NORMAL", "input_data/gr\u00fcn..".encode("cp850"))
    )
    assert command("check", path, "--json").json["zip_names"] == {"films.zip": "cp850"}
    assert "--zip-names changes it" in command("check", path).out
    chosen = command("check", path, "--json", "--zip-names", "866").json
    assert chosen["zip_names"] == {"films.zip": "cp866"}
    assert "gr\u0411n.." in chosen["classes"]
    again = command("check", path, "--json", "--zip-names", "auto").json
    assert "gr\u00fcn.." in again["classes"]
    refused = command("check", path, "--zip-names", "klingon")
    assert refused.code == 2
    assert "klingon is none of these: auto, utf-8" in refused.err


def test_the_level_of_the_class_folders_is_told_and_can_be_given(
    command: Command, archive: Path
) -> None:
    said = command("check", archive, "--json", "--class-level", "2")
    assert said.json["classes"] == COUNTS
    level = said.json["class_level"]
    assert (level["level"], level["is_certain"], level["alternatives"]) == (2, True, [])
    refused = command("check", archive, "--class-level", "1")
    assert refused.code == 1
    assert "2: COVID, NORMAL, Viral_Pneumonia" in refused.err
    assert command("check", archive, "--class-level", "two").code == 2
