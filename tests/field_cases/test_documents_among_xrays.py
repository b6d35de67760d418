"""Text, Word and PDF files dropped among X-rays are named as such and never become films."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data.sources import list_folder
from core.data.unpacked import Unpacked
from core.errors import ImageReadError
from core.images.reading import load_xray
from core.prediction.film_search import FoundFilm, RefusedFilm, find_films


def office(folder: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as made:
        made.writestr("[Content_Types].xml", "<Types/>")
        made.writestr(f"{folder}/document.xml", "<document/>")
    return target.getvalue()


TEXT, PDF, OFFICE = "text file", "PDF document", "office document"
DOCUMENTS = {
    "notes.txt": (b"Findings: no consolidation.\r\n", TEXT),
    "labels.csv": ("file,label\n1.png,肺炎\n".encode(), TEXT),
    "bericht.txt": ("Befund: Lungenentzündung".encode("cp1252"), TEXT),
    "report.txt": ("病人: 肺炎".encode("gb18030"), TEXT),
    "unicode.txt": ("Befund".encode("utf-16"), TEXT),
    "page.html": (b"<!DOCTYPE html><html></html>", TEXT),
    "README": (b"# Data set\n", TEXT),
    "report.pdf": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", PDF),
    "report.docx": (office("word"), OFFICE),
    "table.xlsx": (office("xl"), OFFICE),
    "old.doc": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), OFFICE),
    "letter.rtf": (b"{\\rtf1\\ansi Befund}", OFFICE),
}


@pytest.fixture
def ward(tmp_path: Path) -> Path:
    ward = tmp_path / "ward"
    ward.mkdir()
    for name, (content, _) in DOCUMENTS.items():
        (ward / name).write_bytes(content)
    grey = np.arange(400, dtype=np.uint16).reshape(20, 20).astype(np.uint8)
    Image.fromarray(grey).save(ward / "film.png")
    return ward


def test_in_a_folder_they_are_left_out_by_kind(ward: Path, tmp_path: Path) -> None:
    events = list(find_films([ward], tmp_path / "store"))
    assert [e.path.name for e in events if isinstance(e, FoundFilm)] == ["film.png"]
    said = {
        Path(e.refusal.file).name: str(e.refusal.reason)
        for e in events
        if isinstance(e, RefusedFilm)
    }
    assert {name: kind in said[name] for name, (_, kind) in DOCUMENTS.items()} == dict.fromkeys(
        DOCUMENTS, True
    )


def test_dropped_one_by_one_they_are_no_films_either(ward: Path, tmp_path: Path) -> None:
    paths = [ward / name for name in DOCUMENTS]
    events = list(find_films([*paths, ward / "film.png"], tmp_path / "store"))
    assert [e.path.name for e in events if isinstance(e, FoundFilm)] == ["film.png"]
    for (name, (_, kind)), refused in zip(
        DOCUMENTS.items(), [e for e in events if isinstance(e, RefusedFilm)], strict=True
    ):
        assert name in str(refused.refusal.reason)
        assert kind in str(refused.refusal.reason)


def test_in_a_dataset_they_are_named_too(ward: Path) -> None:
    unpacked = list(list_folder(ward))[-1]
    assert isinstance(unpacked, Unpacked)
    said = {refusal.file: str(refusal.reason) for refusal in unpacked.left_out}
    assert {name: kind in said[name] for name, (_, kind) in DOCUMENTS.items()} == dict.fromkeys(
        DOCUMENTS, True
    )


def test_one_that_is_called_an_image_is_named_by_the_reader(tmp_path: Path) -> None:
    path = tmp_path / "film.png"
    for content, kind in DOCUMENTS.values():
        path.write_bytes(content)
        with pytest.raises(ImageReadError, match=f"film.png is an? {kind}") as caught:
            load_xray(path)
        assert caught.value.kind == "not_an_image"


def test_bytes_that_are_no_text_are_not_called_one(tmp_path: Path) -> None:
    path = tmp_path / "film"
    for content in (b"GIF89a" + bytes(99), bytes(range(256)), b"\0\1", b"\xff\xfa\x80" * 99):
        path.write_bytes(content)
        with pytest.raises(ImageReadError, match="is not an image that can be read"):
            load_xray(path)
