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

    def file(self, name: str, content: bytes | bytearray = b"") -> Path:
        path = self.bad / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def folder(self, name: str) -> Path:
        path = self.bad / name
        path.mkdir()
        return path

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
        return self.file(name, safetensors.numpy.save(tensors, {METADATA_KEY: json.dumps(card)}))


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


Ends = Callable[..., None]  # exit code, the name that the refusal must tell, the command


@pytest.fixture
def ends(place: Place, capsys: pytest.CaptureFixture[str]) -> Ends:
    """Runs a command that must end in one plain sentence, and leave everything as it was."""

    def ends(code: int, culprit: str, *words: object) -> None:
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

    return ends


def zip_of_links(place: Place) -> Path:
    path = place.bad / "links.zip"
    with zipfile.ZipFile(path, "w") as zipped:
        for name in place.layout():
            entry = zipfile.ZipInfo(name)
            entry.create_system = 3
            entry.external_attr = (stat.S_IFLNK | 0o777) << 16
            zipped.writestr(entry, "/etc/hostname")
    return path


def encrypted_zip(place: Place) -> Path:
    path = place.zip_of("locked.zip", place.layout())
    content = bytearray(path.read_bytes())
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # APPNOTE 4.4.4, bit 0
        at = content.find(magic)
        while at >= 0:
            content[at + offset] |= 1
            at = content.find(magic, at + 4)
    path.write_bytes(content)
    return path


def damaged(place: Place) -> dict[str, bytes]:
    return {name: film[: len(film) // 2] for name, film in place.layout().items()}


def folder_of_damaged_films(place: Place) -> Path:
    for name, film in damaged(place).items():
        place.file(f"films/{name}", film)
    return place.bad / "films"


def huge_film(place: Place) -> Path:
    content = bytearray(place.film.read_bytes())
    content[16:24] = struct.pack(">II", 40_000, 40_000)  # PNG's IHDR: width, height
    return place.file("huge.png", content)


def flipped_model(place: Place) -> Path:
    content = bytearray(place.model.read_bytes())
    content[-1000] ^= 1
    return place.file("flipped.safetensors", content)


def without(name: str, entries: dict[str, bytes]) -> dict[str, bytes]:
    return {entry: film for entry, film in entries.items() if entry != name}


def other_films(place: Place) -> dict[str, bytes]:
    """Films of the model's classes with which it was never tested."""
    return {
        f"{'NORMAL' if name[0] == 'A' else 'COVID'}/{name[2:]}": film + b"\0"
        for name, film in place.layout().items()
    }


# What is given to a command, which is to name it.
CHECKED: dict[str, Callable[[Place], Path]] = {
    "text called zip": lambda place: place.file("text.zip", b"not a zip at all"),
    "empty file called zip": lambda place: place.file("nothing.zip"),
    "zip without entries": lambda place: place.zip_of("empty.zip", {}),
    "zip of text": lambda place: place.zip_of("texts.zip", {"A/1.txt": b"a", "B/2.txt": b"b"}),
    "one class": lambda place: place.zip_of(
        "one.zip", dict(zip(("A/1.png", "A/2.png"), place.films(2), strict=True))
    ),
    "no class folders": lambda place: place.zip_of(
        "flat.zip", dict(zip(("1.png", "2.png"), place.films(2), strict=True))
    ),
    "class of one film": lambda place: place.zip_of(
        "lonely.zip", without("B/2.png", place.layout())
    ),
    "links": zip_of_links,
    "zip that climbs out": lambda place: place.zip_of(
        "climbing.zip", {f"../{name}": film for name, film in place.layout().items()}
    ),
    "encrypted": encrypted_zip,
    "name that is too long": lambda place: place.bad / ("x" * 300 + ".zip"),
    "empty folder": lambda place: place.folder("hollow"),
    "folder of damaged films": folder_of_damaged_films,
}
TRAINED_ON: dict[str, Callable[[Place], Path]] = {
    "zip that was cut": lambda place: place.file(
        "cut.zip", place.archive.read_bytes()[: place.archive.stat().st_size * 2 // 3]
    ),
    "zip of damaged films": lambda place: place.zip_of("damaged.zip", damaged(place)),
    "data that is not there": lambda place: place.bad / "gone.zip",
}
READ: dict[str, Callable[[Place], Path]] = {
    "film that is not there": lambda place: place.bad / "gone.png",
    "film that was cut": lambda place: place.file("cut.png", place.film.read_bytes()[:500]),
    "film of a billion pixels": huge_film,
    "zip without a film": lambda place: place.zip_of("texts.zip", {"ward/notes.txt": b"no film"}),
    "text called zip": lambda place: place.file("text.zip", b"no films at all"),
    "folder without a film": lambda place: place.folder("hollow"),
}
MODELS: dict[str, Callable[[Place], Path]] = {
    "model that is not there": lambda place: place.bad / "gone.safetensors",
    "model that is a folder": lambda place: place.bad,
    "model that was cut": lambda place: place.file(
        "cut.safetensors", place.model.read_bytes()[:-100]
    ),
    "model with one changed bit": flipped_model,
    "pickle": lambda place: place.file("pickle.safetensors", b"\x80\x04\x95" + bytes(100)),
    "model of somebody else": lambda place: place.file(
        "foreign.safetensors", safetensors.numpy.save({"weight": np.zeros((2, 2), np.float32)})
    ),
    "model of the future": lambda place: place.model_with(
        "future.safetensors", lambda card: card.update(format_version=99)
    ),
    "model that names another network": lambda place: place.model_with(
        "other.safetensors", lambda card: card.update(architecture="resnet50")
    ),
}
# Options of `train` that are refused, and how they are called in the refusal.
OPTIONS = {
    ("--epochs", "1001"): (2, "Epochs"),
    ("--learning-rate", "nan"): (2, "Learning rate"),
    ("--image-size", "64.5"): (2, "--image-size"),
    ("--arch", "resnet19"): (2, "--arch"),
    ("--device", "gpu:99"): (1, "gpu:99"),
}


@pytest.mark.parametrize("name", CHECKED)
def test_a_dataset_that_cannot_be_checked(place: Place, ends: Ends, name: str) -> None:
    path = CHECKED[name](place)
    ends(1, path.name[:300], "check", path)


@pytest.mark.parametrize("name", TRAINED_ON)
def test_a_dataset_that_cannot_be_trained_on(place: Place, ends: Ends, name: str) -> None:
    path = TRAINED_ON[name](place)
    ends(1, path.name, "train", path, "--out", place.bad / "run")


@pytest.mark.parametrize("name", READ)
def test_films_that_cannot_be_read(place: Place, ends: Ends, name: str) -> None:
    path = READ[name](place)
    ends(1, path.name, "predict", place.model, path)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_that_cannot_be_used(place: Place, ends: Ends, name: str) -> None:
    path = MODELS[name](place)
    ends(1, path.name, "predict", path, place.film)
    ends(1, path.name, "evaluate", path, place.archive)


@pytest.mark.parametrize("words", OPTIONS)
def test_a_setting_that_cannot_be(place: Place, ends: Ends, words: tuple[str, ...]) -> None:
    code, culprit = OPTIONS[words]
    ends(code, culprit, "train", place.archive, "--out", place.bad / "run", *words)


def test_a_folder_that_cannot_hold_the_run(place: Place, ends: Ends) -> None:
    for folder in (place.model.parent, place.film, place.film / "run"):
        ends(1, str(folder), "train", place.archive, "--out", folder, *TRAIN)


def test_what_does_not_go_together(place: Place, ends: Ends) -> None:
    few = place.zip_of("few.zip", place.layout())
    split = (*TRAIN, "--split", "reference")
    ends(1, "class A", "train", few, "--out", place.bad / "run", *split)
    ends(1, "A, B", "evaluate", place.model, few)  # classes that it does not know
    others = place.zip_of("others.zip", other_films(place))
    ends(1, "others.zip", "evaluate", place.model, others)
    table = place.bad / "gone" / "table.csv"
    ends(1, "table.csv", "predict", place.model, place.film, "--csv", table)


def test_a_name_that_would_break_the_line(place: Place, ends: Ends) -> None:
    ends(1, r"gone\nTraceback.zip", "check", place.bad / "gone\nTraceback.zip")


def test_a_home_on_a_full_or_foreign_place_is_told(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(place.film, place.bad / "file")
    monkeypatch.setenv(HOME_VARIABLE, str(place.bad / "file"))
    assert run(["check", str(place.archive)]) == 1
    said = capsys.readouterr().err
    assert str(place.bad / "file") in said
    assert "Set PNEUMOSCOPE_HOME to a folder that you may write to." in said
