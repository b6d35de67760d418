"""Bad input of every kind ends in one plain sentence that names the culprit, and leaves nothing.

What each refusal says in detail is tested beside the module that refuses.
"""

import json
import os
import re
import shutil
import stat
import struct
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from app.cli.options import run
from app.i18n import set_language
from core.models.model_file import METADATA_KEY
from core.phantom import write_dataset
from core.workspace import HOME_VARIABLE

TRAIN = ("--image-size", "32", "--epochs", "1", "--batch-size", "8")


@dataclass(frozen=True)
class Place:
    """Good material to spoil, and an empty folder for what is bad."""

    archive: Path  # twelve films of each of three classes
    model: Path
    film: Path
    bad: Path

    def films(self, n: int = 4) -> list[bytes]:
        """Some different films of the archive."""
        with zipfile.ZipFile(self.archive) as zipped:
            return [zipped.read(name) for name in zipped.namelist()[:n]]

    def zip_of(self, name: str, entries: dict[str, bytes]) -> Path:
        path = self.bad / name
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
            for entry, content in entries.items():
                zipped.writestr(entry, content)
        return path

    def layout(self) -> dict[str, bytes]:
        """Entries of a small good zip."""
        names = ("A/1.png", "A/2.png", "B/1.png", "B/2.png")
        return dict(zip(names, self.films(), strict=True))

    def model_with(self, name: str, change: Callable[[dict[str, object]], None]) -> Path:
        """The model with another card; its weights stay."""
        content = self.model.read_bytes()
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        card = json.loads(header["__metadata__"][METADATA_KEY])
        change(card)
        tensors = safetensors.numpy.load(content)
        path = self.bad / name
        path.write_bytes(safetensors.numpy.save(tensors, {METADATA_KEY: json.dumps(card)}))
        return path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """A home, an archive and a run that was trained on it."""
    root = tmp_path_factory.mktemp("good")
    list(write_dataset(root / "films.zip", n_per_class=12, size=48))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(HOME_VARIABLE, str(root / "home"))
        assert run(["train", str(root / "films.zip"), "--out", str(root / "run"), *TRAIN]) == 0
    return root / "home", root / "films.zip", root / "run"


@pytest.fixture
def place(
    made: tuple[Path, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    home, archive, trained = made
    monkeypatch.setenv(HOME_VARIABLE, str(home))
    set_language("en")
    bad = tmp_path / "bad"
    bad.mkdir()
    film = sorted((home / "datasets").rglob("*.png"))[0]
    yield Place(archive, trained / "best.safetensors", film, bad)
    for dataset in (home / "datasets").glob("[!f]*/"):  # complete ones, or none; and "folders"
        assert (dataset / "index.json").is_file(), f"{dataset.name} was left behind"
    assert not list((home / "caches").glob(".*"))


Words = list[object]
Case = Callable[[Place], tuple[Words, str]]  # the command, and the name its refusal must tell
CASES: dict[str, tuple[int, Case]] = {}


def case(code: int = 1) -> Callable[[Case], Case]:
    """Put a bad input on the list."""

    def add(make: Case) -> Case:
        CASES[make.__name__] = (code, make)
        return make

    return add


# Zips


@case()
def text_called_zip(place: Place) -> tuple[Words, str]:
    path = place.bad / "text.zip"
    path.write_text("not a zip at all", encoding="utf-8")
    return ["check", path], "text.zip"


@case()
def empty_file_called_zip(place: Place) -> tuple[Words, str]:
    path = place.bad / "nothing.zip"
    path.touch()
    return ["check", path], "nothing.zip"


@case()
def zip_without_entries(place: Place) -> tuple[Words, str]:
    return ["check", place.zip_of("empty.zip", {})], "empty.zip"


@case()
def zip_that_was_cut(place: Place) -> tuple[Words, str]:
    path = place.bad / "cut.zip"
    content = place.archive.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    return ["train", path, "--out", place.bad / "run"], "cut.zip"


@case()
def zip_of_text_files(place: Place) -> tuple[Words, str]:
    return ["check", place.zip_of("texts.zip", {"A/1.txt": b"a", "B/2.txt": b"b"})], "texts.zip"


@case()
def zip_with_one_class(place: Place) -> tuple[Words, str]:
    one, two, *_ = place.films()
    return ["check", place.zip_of("single.zip", {"A/1.png": one, "A/2.png": two})], "single.zip"


@case()
def zip_without_class_folders(place: Place) -> tuple[Words, str]:
    one, two, *_ = place.films()
    return ["check", place.zip_of("flat.zip", {"1.png": one, "2.png": two})], "flat.zip"


@case()
def zip_with_a_class_of_one_film(place: Place) -> tuple[Words, str]:
    entries = place.layout()
    del entries["B/2.png"]
    return ["check", place.zip_of("lonely.zip", entries)], "lonely.zip"


@case()
def zip_of_damaged_films(place: Place) -> tuple[Words, str]:
    entries = {name: film[: len(film) // 2] for name, film in place.layout().items()}
    return ["train", place.zip_of("damaged.zip", entries), "--out", place.bad / "run"], (
        "damaged.zip"
    )


@case()
def zip_of_links(place: Place) -> tuple[Words, str]:
    path = place.bad / "links.zip"
    with zipfile.ZipFile(path, "w") as zipped:
        for name in place.layout():
            entry = zipfile.ZipInfo(name)
            entry.create_system = 3
            entry.external_attr = (stat.S_IFLNK | 0o777) << 16
            zipped.writestr(entry, "/etc/hostname")
    return ["check", path], "links.zip"


@case()
def zip_that_climbs_out(place: Place) -> tuple[Words, str]:
    entries = {f"../{name}": film for name, film in place.layout().items()}
    return ["check", place.zip_of("climbing.zip", entries)], "climbing.zip"


@case()
def zip_that_says_it_is_encrypted(place: Place) -> tuple[Words, str]:
    path = place.zip_of("locked.zip", place.layout())
    content = bytearray(path.read_bytes())
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # APPNOTE 4.4.4, bit 0
        at = content.find(magic)
        while at >= 0:
            content[at + offset] |= 1
            at = content.find(magic, at + 4)
    path.write_bytes(content)
    return ["check", path], "locked.zip"


@case()
def zip_with_too_few_films_to_train_on(place: Place) -> tuple[Words, str]:
    path = place.zip_of("few.zip", place.layout())
    words = ["train", path, "--out", place.bad / "run", *TRAIN, "--split", "reference"]
    return words, "class A"


# Folders


@case()
def data_that_is_not_there(place: Place) -> tuple[Words, str]:
    return ["train", place.bad / "gone.zip", "--out", place.bad / "run"], "gone.zip"


@case()
def name_that_would_break_the_line(place: Place) -> tuple[Words, str]:
    return ["check", place.bad / "gone\nTraceback.zip"], "gone\ufffdTraceback.zip"


@case()
def name_that_is_too_long(place: Place) -> tuple[Words, str]:
    return ["check", place.bad / ("x" * 300 + ".zip")], "x" * 300


@case()
def empty_folder(place: Place) -> tuple[Words, str]:
    (place.bad / "hollow").mkdir()
    return ["check", place.bad / "hollow"], "hollow"


@case()
def folder_with_unreadable_films(place: Place) -> tuple[Words, str]:
    for name, film in place.layout().items():
        path = place.bad / "films" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(film[:100])
    return ["check", place.bad / "films"], "films"


# Images


@case()
def film_that_is_not_there(place: Place) -> tuple[Words, str]:
    return ["predict", place.model, place.bad / "gone.png"], "gone.png"


@case()
def film_that_was_cut(place: Place) -> tuple[Words, str]:
    path = place.bad / "cut.png"
    path.write_bytes(place.film.read_bytes()[:500])
    return ["predict", place.model, path], "cut.png"


@case()
def film_of_a_billion_pixels(place: Place) -> tuple[Words, str]:
    path = place.bad / "huge.png"
    content = bytearray(place.film.read_bytes())
    content[16:24] = struct.pack(">II", 40_000, 40_000)  # PNG's IHDR: width, height
    path.write_bytes(content)
    return ["predict", place.model, path], "huge.png"


@case()
def zip_without_a_film(place: Place) -> tuple[Words, str]:
    path = place.zip_of("texts.zip", {"ward/notes.txt": b"no film at all"})
    return ["predict", place.model, path], "texts.zip"


@case()
def text_in_place_of_films_called_zip(place: Place) -> tuple[Words, str]:
    path = place.bad / "text.zip"
    path.write_text("no films at all")
    return ["predict", place.model, path], "text.zip"


@case()
def folder_without_a_film(place: Place) -> tuple[Words, str]:
    (place.bad / "hollow").mkdir()
    return ["predict", place.model, place.bad / "hollow"], "hollow"


# Model files


@case()
def model_that_is_not_there(place: Place) -> tuple[Words, str]:
    return ["evaluate", place.bad / "gone.safetensors", place.archive], "gone.safetensors"


@case()
def model_that_is_a_folder(place: Place) -> tuple[Words, str]:
    return ["predict", place.bad, place.film], "bad"


@case()
def model_that_was_cut(place: Place) -> tuple[Words, str]:
    path = place.bad / "cut.safetensors"
    path.write_bytes(place.model.read_bytes()[:-100])
    return ["predict", path, place.film], "cut.safetensors"


@case()
def model_with_one_changed_bit(place: Place) -> tuple[Words, str]:
    path = place.bad / "flipped.safetensors"
    content = bytearray(place.model.read_bytes())
    content[-1000] ^= 1
    path.write_bytes(content)
    return ["predict", path, place.film], "flipped.safetensors"


@case()
def pickle_called_model(place: Place) -> tuple[Words, str]:
    path = place.bad / "pickle.safetensors"
    path.write_bytes(b"\x80\x04\x95" + bytes(100))
    return ["predict", path, place.film], "pickle.safetensors"


@case()
def model_of_somebody_else(place: Place) -> tuple[Words, str]:
    path = place.bad / "foreign.safetensors"
    path.write_bytes(safetensors.numpy.save({"weight": np.zeros((2, 2), np.float32)}))
    return ["predict", path, place.film], "foreign.safetensors"


@case()
def model_of_the_future(place: Place) -> tuple[Words, str]:
    path = place.model_with("future.safetensors", lambda card: card.update(format_version=99))
    return ["predict", path, place.film], "future.safetensors"


@case()
def model_that_names_another_network(place: Place) -> tuple[Words, str]:
    path = place.model_with("other.safetensors", lambda card: card.update(architecture="resnet50"))
    return ["evaluate", path, place.archive], "other.safetensors"


@case()
def data_with_a_class_the_model_does_not_know(place: Place) -> tuple[Words, str]:
    path = place.zip_of("strange.zip", place.layout())
    return ["evaluate", place.model, path], "A, B"


@case()
def data_without_the_models_test_films(place: Place) -> tuple[Words, str]:
    layout = place.layout()
    entries = {
        f"{'NORMAL' if name[0] == 'A' else 'COVID'}/{name[2:]}": film + b"\0"
        for name, film in layout.items()
    }
    return ["evaluate", place.model, place.zip_of("others.zip", entries)], "others.zip"


# Settings and run folders


@case(2)
def epochs_out_of_range(place: Place) -> tuple[Words, str]:
    return ["train", place.archive, "--out", place.bad / "run", "--epochs", "1001"], "Epochs"


@case(2)
def learning_rate_that_is_no_number(place: Place) -> tuple[Words, str]:
    words = ["train", place.archive, "--out", place.bad / "run", "--learning-rate", "nan"]
    return words, "Learning rate"


@case(2)
def image_size_with_a_fraction(place: Place) -> tuple[Words, str]:
    words = ["train", place.archive, "--out", place.bad / "run", "--image-size", "64.5"]
    return words, "--image-size"


@case(2)
def network_that_does_not_exist(place: Place) -> tuple[Words, str]:
    return ["train", place.archive, "--out", place.bad / "run", "--arch", "resnet19"], "--arch"


@case()
def graphics_card_that_is_not_there(place: Place) -> tuple[Words, str]:
    words = ["train", place.archive, "--out", place.bad / "run", "--device", "gpu:99"]
    return words, "gpu:99"


@case()
def run_folder_that_holds_a_run(place: Place) -> tuple[Words, str]:
    return ["train", place.archive, "--out", place.model.parent], str(place.model.parent)


@case()
def run_folder_that_is_a_file(place: Place) -> tuple[Words, str]:
    return ["train", place.archive, "--out", place.film], str(place.film)


@case()
def run_folder_below_a_file(place: Place) -> tuple[Words, str]:
    return ["train", place.archive, "--out", place.film / "run", *TRAIN], str(place.film / "run")


@case()
def table_in_a_folder_that_is_not_there(place: Place) -> tuple[Words, str]:
    path = place.bad / "gone" / "table.csv"
    return ["predict", place.model, place.film, "--csv", path], "table.csv"


@pytest.mark.parametrize("name", CASES)
def test_it_ends_in_one_plain_sentence(
    place: Place, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, make = CASES[name]
    words, culprit = make(place)
    before = {path: path.stat().st_mtime_ns for path in place.model.parent.iterdir()}
    capsys.readouterr()

    assert run([str(word) for word in words]) == code

    said = capsys.readouterr()
    *remarks, sentence = said.err.removesuffix("\n").split("\n")
    assert all(re.fullmatch(r"[A-Z].+: \d+ of \d+", line) for line in remarks)  # slow progress
    assert culprit in sentence
    assert sentence[0].isalnum() or sentence.startswith((culprit, os.sep))
    assert sentence.endswith(".")
    for jargon in ("Traceback", "Error(", "Errno", "not prepared for", "{", "<class"):
        assert jargon not in sentence.replace(culprit, "")
    assert {path: path.stat().st_mtime_ns for path in place.model.parent.iterdir()} == before
    assert not (place.bad / "run").exists()


def test_a_home_on_a_full_or_foreign_place_is_told(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(place.film, place.bad / "file")
    monkeypatch.setenv(HOME_VARIABLE, str(place.bad / "file"))
    assert run(["check", str(place.archive)]) == 1
    assert str(place.bad / "file") in capsys.readouterr().err
