import csv
import os
import shutil
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2
import pytest
from PIL import Image

from app.i18n import set_language
from core.errors import Message, RunFolderError
from core.prediction.novelty import Novelty
from core.prediction.reading import FilmResult
from core.prediction.verdict import Opinion
from tests.core.images.dicom_files import dicom
from tests.core.prediction.made_results import film_result

Command = Callable[..., Any]
CLASSES = ["COVID", "NORMAL", "Viral_Pneumonia"]
DISCLAIMER = "Research and teaching only, never diagnosis."


def opinion(novelty: Novelty | None = None, candidates: tuple[int, ...] = (0,)) -> Opinion:
    return Opinion(np.array([0.5, 0.3, 0.2], np.float32), novelty is not None, candidates, novelty)


def pdf_text(path: Path) -> str:
    with pypdfium2.PdfDocument(path) as document:
        return "\n".join(page.get_textpage().get_text_range() for page in document)


def answering(answer: Opinion, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every film get the same answer."""

    def read(_classifier: object, found: Sequence[Any]) -> Iterator[FilmResult]:
        for film in found:
            yield film_result(film.path, opinion=answer)

    monkeypatch.setattr("app.cli.predict.read_films", read)


def test_json_tells_a_class_and_probabilities_of_each_film(
    command: Command, model: Path, film: Path
) -> None:
    said = command("predict", model, film, film, "--json")
    assert said.code == 0
    assert list(said.json) == ["warnings", "predictions", "refused"]
    assert said.json["refused"] == []
    one, other = said.json["predictions"]
    assert one == other
    assert set(one) >= {"file", "class", "probabilities", "calibrated", "novelty"}
    assert "heatmap" not in one
    assert one["file"] == str(film)
    assert list(one["probabilities"]) == CLASSES
    assert sum(one["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert one["class"] == max(one["probabilities"], key=one["probabilities"].__getitem__)


WITHOUT_PADDLE = """
import sys
sys.modules["paddle"] = None  # to import it is an error
from core.models import weights
weights.STEM_WIDTH, weights.STAGE_WIDTHS = 8, (8, 16, 32, 64)
from app.cli.options import run
sys.exit(run(sys.argv[1:]))
"""


def test_a_film_with_its_checked_heat_map_needs_no_paddle(
    model: Path, film: Path, tmp_path: Path
) -> None:
    words = ["predict", str(model), str(film), "--heatmaps", str(tmp_path / "heat")]
    done = subprocess.run([sys.executable, "-c", WITHOUT_PADDLE, *words], check=False)
    assert done.returncode == 0
    assert list((tmp_path / "heat").iterdir())


def test_pictures_of_films_that_were_read_are_let_go(
    command: Command, model: Path, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures: list[weakref.ref[Any]] = []
    most = 0

    def read(_classifier: object, found: Sequence[Any]) -> Iterator[FilmResult]:
        nonlocal most
        for one in found:
            picture = np.zeros((8, 8), np.uint8)
            pictures.append(weakref.ref(picture))
            event = film_result(one.path, thumbnail=picture)
            del picture
            yield event
            most = max(most, sum(reference() is not None for reference in pictures))

    monkeypatch.setattr("app.cli.predict.read_films", read)
    assert command("predict", model, *[film] * 9, "--json").code == 0
    assert len(pictures) == 9
    assert most <= 2


def test_refused_files_do_not_stop_the_others(
    command: Command, model: Path, film: Path, tmp_path: Path
) -> None:
    cut, empty, missing = (tmp_path / name for name in ("cut.png", "empty", "missing.png"))
    cut.write_bytes(film.read_bytes()[:200])
    empty.mkdir()
    said = command("predict", model, cut, film, empty, missing, "--json")
    assert said.code == 0
    assert [one["file"] for one in said.json["predictions"]] == [str(film)]
    assert [one["file"] for one in said.json["refused"]] == [str(cut), str(empty), str(missing)]
    text = command("predict", model, cut, film)
    assert text.code == 0
    assert text.err.startswith(f"{cut}: cut.png is cut short")


def test_it_fails_where_no_film_could_be_read(
    command: Command, model: Path, tmp_path: Path
) -> None:
    said = command("predict", model, tmp_path / "1.png", tmp_path / "2.png", "--json")
    assert said.code == 1
    assert said.json["predictions"] == []
    assert len(said.json["refused"]) == 2
    assert said.err.count("\n") == 1
    assert said.err.startswith("No X-ray could be read. 2.png cannot be opened")


def test_a_folder_stands_for_the_images_below_it(
    command: Command, model: Path, film: Path, tmp_path: Path
) -> None:
    (tmp_path / "more").mkdir()
    shutil.copy(film, tmp_path / "b.png")
    shutil.copy(film, tmp_path / "more" / "a.png")
    shutil.copy(film, tmp_path / "no ending")
    (tmp_path / "notes.txt").write_text("text", encoding="utf-8")
    said = command("predict", model, tmp_path, "--json")
    assert [one["file"] for one in said.json["predictions"]] == [
        str(tmp_path / name) for name in ("b.png", "more/a.png", "no ending")
    ]
    assert said.json["refused"] == [
        {
            "file": str(tmp_path / "notes.txt"),
            "reason": "A text file, not an X-ray.",
        }
    ]


def test_the_table_opens_in_a_spreadsheet(
    command: Command, model: Path, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(film, "=1+1.png")
    shutil.copy(film, "正常,肺部.png")
    said = command("predict", model, "=1+1.png", "正常,肺部.png", "--csv", "out.csv", "--json")
    content = Path("out.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    header, *rows = csv.reader(content.decode("utf-8-sig").splitlines())
    assert header[:5] == ["file", "class", *CLASSES]
    assert header[-1] == DISCLAIMER
    assert [row[0] for row in rows] == ["'=1+1.png", "正常,肺部.png"]
    for row, one in zip(rows, said.json["predictions"], strict=True):
        assert row[1] == one["class"]
        assert [float(p) for p in row[2:5]] == pytest.approx(
            list(one["probabilities"].values()), abs=1e-6
        )


def test_an_answer_says_whether_it_can_be_believed(
    command: Command, model: Path, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    novelty = Novelty(9.5, 4.0, False, "unlike_training", Message("Nothing like it."))
    answering(opinion(novelty, (0, 1)), monkeypatch)
    network = (
        "A network must name one of its classes whatever it is shown, so how sure it seems says "
        "nothing here."
    )
    several = "Not sure: 2 of 3 classes remain possible."
    (one,) = command("predict", model, film, "--json").json["predictions"]
    assert one["calibrated"] is True
    assert one["novelty"] == {
        "score": 9.5,
        "threshold": 4.0,
        "is_familiar": False,
        "reason": "Nothing like it.",
        "fingerprint": None,
    }
    assert one["seen_in_training"] is False
    assert one["candidates"] == ["COVID", "NORMAL"]
    said = command("predict", model, film).out.splitlines()
    about = [line for line in said if line.startswith("About the model: ")]
    assert about
    lines = said[len(about) :]
    assert lines[:3] == [f"{film}: Not reliable", "  Nothing like it.", f"  {network}"]
    assert lines[3].startswith(f"  {several}")
    assert "--show-anyway" in lines[-2]
    assert lines[-1] == DISCLAIMER
    assert not any("COVID" in line for line in lines)
    shown = command("predict", model, film, "--show-anyway").out.splitlines()
    assert (
        f"{film}: Not reliable · COVID  (COVID 0.5000, NORMAL 0.3000, Viral_Pneumonia 0.2000)"
        in shown
    )
    answering(opinion(), monkeypatch)
    (one,) = command("predict", model, film, "--json").json["predictions"]
    assert (one["calibrated"], one["novelty"]) == (False, None)
    assert one["verdict"]["level"] == "cannot_be_checked"


def test_the_result_is_there_where_the_table_cannot_be_written(
    command: Command, model: Path, film: Path, tmp_path: Path
) -> None:
    said = command("predict", model, film, "--csv", tmp_path / "none" / "out.csv", "--json")
    assert said.code == 1
    assert len(said.json["predictions"]) == 1
    assert said.err.startswith(f"{tmp_path / 'none' / 'out.csv'} cannot be written")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has such names")
def test_names_that_are_no_text_are_read_too(
    command: Command, model: Path, film: Path, tmp_path: Path
) -> None:
    strange = tmp_path / os.fsdecode(b"bad\xff\nname.png")
    shutil.copy(film, strange)
    said = command("predict", model, strange, "--csv", tmp_path / "out.csv", "--json")
    assert said.json["predictions"][0]["file"] == str(strange)
    (tmp_path / "out.csv").read_bytes().decode("utf-8")
    text = command("predict", model, strange)
    assert text.code == 0
    assert r"bad\xff\nname.png: " in text.out


def test_heat_maps_go_into_a_folder_that_is_made(
    command: Command, model: Path, film: Path, tmp_path: Path
) -> None:
    shutil.copy(film, tmp_path / "胸片.png")
    (tmp_path / "heat").mkdir()
    (tmp_path / "heat" / "胸片.heatmap.png").write_bytes(b"mine")
    words = ("predict", model, film, tmp_path / "胸片.png", "--heatmaps")
    said = command(*words, tmp_path / "new" / "heat", "--json")
    assert said.code == 0
    for one, name in zip(said.json["predictions"], (film.stem, "胸片"), strict=True):
        assert one["heatmap"] == str(tmp_path / "new" / "heat" / f"{name}.heatmap.png")
        with Image.open(one["heatmap"]) as picture:
            assert picture.info["Description"] == DISCLAIMER
            picture.load()
        assert set(one["heat_checks"]) >= {"lung_share", "agreement", "is_trustworthy"}
    again = command(*words, tmp_path / "new" / "heat", "--json")
    assert again.json == said.json
    kept = command(*words, tmp_path / "heat", "--json").json["predictions"][1]
    assert Path(kept["heatmap"]).name == "胸片 (2).heatmap.png"
    assert (tmp_path / "heat" / "胸片.heatmap.png").read_bytes() == b"mine"


def test_a_folder_for_heat_maps_that_cannot_be_made_is_refused_at_once(
    command: Command, model: Path, film: Path
) -> None:
    said = command("predict", model, film, "--heatmaps", film / "heat", "--json")
    assert said.code == 1
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert "cannot be made" in said.err


def test_the_answers_are_there_where_a_picture_cannot_be_written(
    command: Command, model: Path, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object) -> None:
        raise RunFolderError(Message("The disk is full."))

    monkeypatch.setattr("app.cli.predict.write_picture", full)
    said = command("predict", model, film, film, "--heatmaps", tmp_path / "heat", "--json")
    assert said.code == 1
    assert said.err == "The disk is full.\n"
    assert [one["heatmap"] for one in said.json["predictions"]] == [None, None]


def test_a_report_tells_of_all_films(
    command: Command, model: Path, film: Path, tmp_path: Path
) -> None:
    said = command("predict", model, film, film, "--report", tmp_path / "out.pdf", "--json")
    assert said.code == 0
    assert "heatmap" not in said.json["predictions"][0]
    text = pdf_text(tmp_path / "out.pdf")
    assert text.count(film.name) == 4  # twice in the table, and on a page each
    assert "What speaks for" in text
    assert "best.safetensors" in text
    set_language("zh_CN")
    assert command("predict", model, film, "--report", tmp_path / "out.pdf").code == 0
    assert "仅供科研与教学" in pdf_text(tmp_path / "out.pdf")


IDENTIFIERS = {
    "PatientName": "Doe^Jane",
    "PatientID": "P-1799",
    "PatientBirthDate": "19510203",
    "StudyDate": "20200102",
    "InstitutionName": "St. Elsewhere",
    "AccessionNumber": "ACC-991",
}


@pytest.mark.parametrize("asked", [(), ("PatientID", "StudyDate")], ids=["none", "two"])
def test_of_a_dicom_header_nothing_goes_out_that_was_not_asked_for(
    command: Command, model: Path, tmp_path: Path, asked: tuple[str, ...]
) -> None:
    pixels = np.random.default_rng(4).integers(0, 256, (64, 64), dtype=np.uint8)
    path, out = tmp_path / "film", tmp_path / "out"
    path.write_bytes(dicom(pixels, **IDENTIFIERS))
    words = ["--include-dicom", ",".join(asked)] if asked else []
    words += ["--csv", out / "out.csv", "--report", out / "out.pdf", "--heatmaps", out]
    out.mkdir()
    plain = command("predict", model, path, *words)
    said = command("predict", model, path, *words, "--json")
    assert said.code == 0
    png = out / "film.heatmap.png"
    with Image.open(png) as picture:
        told = [str(picture.info), str(png.read_bytes())]
    told += [plain.out, said.out, pdf_text(out / "out.pdf")]
    told += [(out / "out.csv").read_text("utf-8-sig"), str((out / "out.pdf").read_bytes())]
    for name, value in IDENTIFIERS.items():
        n_found = sum(value in text for text in told)
        assert n_found == (4 if name in asked else 0), name


def test_the_first_frame_of_several_is_read_or_the_one_that_was_asked_for(
    command: Command, model: Path, film: Path, tmp_path: Path
) -> None:
    first = np.asarray(Image.open(film).convert("L"))
    frames = [first, np.ascontiguousarray(first[:, ::-1])]
    path = tmp_path / "film"
    path.write_bytes(
        dicom(first, NumberOfFrames=2, PixelData=b"".join(one.tobytes() for one in frames))
    )
    for number, frame in enumerate(frames, start=1):
        Image.fromarray(frame).save(tmp_path / "alone.png")
        words = ["--frame", number] if number > 1 else []
        [many] = command("predict", model, path, *words, "--json").json["predictions"]
        [alone] = command("predict", model, tmp_path / "alone.png", "--json").json["predictions"]
        assert (many["frame"], many["n_frames"]) == (number, 2)
        assert many["probabilities"] == pytest.approx(alone["probabilities"], abs=1e-6)
    assert "Frame 1 of 2" in command("predict", model, path).out
    said = command("predict", model, path, "--frame", 3)
    assert said.code == 1
    assert "no frame 3: its last one is 2" in said.err


def test_only_known_fields_of_dicom_files_can_be_asked_for(
    command: Command, model: Path, film: Path
) -> None:
    said = command("predict", model, film, "--include-dicom", "PatientID,PixelData")
    assert said.code == 2
    assert said.err.startswith("PixelData is no DICOM field that can be exported; choose from")
