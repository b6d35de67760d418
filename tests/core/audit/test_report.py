"""A dataset with one of everything that goes wrong is reported as just that."""

import io
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.audit.findings import Finding
from core.audit.report import Report, audit
from core.data.dataset import LoadedDataset, load_dataset
from core.events import Progress
from core.phantom import draw_film, write_dataset
from core.workspace import Workspace
from tests.core.images.dicom_files import dicom

N_PER_CLASS = 14


class Films:
    """A zip of films that is being spoilt: old ones to read, new ones to add."""

    def __init__(self, old: zipfile.ZipFile, new: zipfile.ZipFile) -> None:
        self._old, self._new = old, new
        self.names = old.namelist()
        for name in self.names:
            self.add(name, self.content(name))

    def content(self, name: str) -> bytes:
        return self._old.read(name)

    def picture(self, name: str) -> Image.Image:
        return Image.open(io.BytesIO(self.content(name)))

    def add(self, name: str, content: bytes) -> None:
        self._new.writestr(name, content)

    def draw(self, name: str, image: Image.Image, kind: str = "PNG", **options: object) -> None:
        out = io.BytesIO()
        image.save(out, kind, **options)
        self.add(name, out.getvalue())


Spoil = Callable[[Films], None]


@pytest.fixture(scope="session")
def clean_zip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Phantoms, two a patient: `input_data/<class>/<patient>_<number>.png`."""
    path = tmp_path_factory.mktemp("phantoms") / "clean.zip"
    for _ in write_dataset(path, n_per_class=N_PER_CLASS, size=144):
        pass
    return path


@pytest.fixture
def report_on(clean_zip: Path, tmp_path: Path) -> Callable[[Spoil], tuple[LoadedDataset, Report]]:
    """Spoils a copy of the clean zip and audits it."""

    def spoiled(spoil: Spoil) -> tuple[LoadedDataset, Report]:
        path = tmp_path / "films.zip"
        with zipfile.ZipFile(clean_zip) as old, zipfile.ZipFile(path, "w") as new:
            spoil(Films(old, new))
        return audited(path, tmp_path)

    return spoiled


def audited(path: Path, folder: Path) -> tuple[LoadedDataset, Report]:
    *_, loaded = load_dataset([path], Workspace(folder / "home"), 32)
    assert isinstance(loaded, LoadedDataset)
    *steps, report = audit(loaded)
    assert all(isinstance(step, Progress) for step in steps)
    assert isinstance(report, Report)
    return loaded, report


def of_kind(report: Report, kind: str) -> list[Finding]:
    return [finding for finding in report.findings if finding.kind == kind]


def test_a_clean_dataset_has_notes_alone(clean_zip: Path, tmp_path: Path) -> None:
    loaded, report = audited(clean_zip, tmp_path)
    assert {finding.severity for finding in report.findings} <= {"note"}
    assert {finding.kind for finding in report.findings} <= {"leakage", "confounder"}
    assert loaded.grouping.n_patients == 3 * N_PER_CLASS // 2


def test_one_of_everything_is_reported_as_just_that(
    report_on: Callable[[Spoil], tuple[LoadedDataset, Report]],
) -> None:
    def spoil(films: Films) -> None:
        names = films.names
        copies, anew, across, cut = names[0:2], names[6:8], names[12], names[20]
        for name in copies:
            films.add(name.replace(".png", "_copy.png"), films.content(name))
        for name in anew:
            small = films.picture(name).resize((130, 130))
            films.draw(name.replace(".png", "_x.jpg"), small, "JPEG", quality=80)
        other = "NORMAL" if "COVID" in across else "COVID"
        moved = across.replace(across.split("/")[1], other)
        films.add(moved, films.content(across))
        films.add(cut.replace(".png", "_cut.png"), films.content(cut)[:-500])
        films.add("input_data/NORMAL/text.png", b"<html>not found</html>")
        films.add("input_data/NORMAL/notes.txt", b"remember the milk")
        deep = np.array(films.picture(names[25])).astype(np.uint16) * 16
        films.draw(names[25].replace(".png", "_16.png"), Image.fromarray(deep))
        frame = np.array(draw_film("COVID", 77, 144))
        made = dicom(frame, NumberOfFrames=2, PixelData=frame.tobytes() * 2)
        films.add("input_data/COVID/77_0.dcm", made)

    _, report = report_on(spoil)
    found = Counter(finding.kind for finding in report.findings)
    found.pop("confounder", None)  # the new formats may well give a class away
    assert found == {
        "exact_duplicate": 2,
        "near_duplicate": 3,
        "in_two_classes": 1,
        "truncated": 1,
        "not_an_image": 2,
        "leakage": 1,
        "several_frames": 1,
    }
    assert [len(finding.files) for finding in of_kind(report, "near_duplicate")] == [2, 2, 2]
    text, notes = of_kind(report, "not_an_image")
    assert (text.severity, text.files) == ("warning", ("input_data/NORMAL/text.png",))
    assert (notes.severity, notes.files) == ("note", ("input_data/NORMAL/notes.txt",))


def test_the_worst_comes_first(report_on: Callable[[Spoil], tuple[LoadedDataset, Report]]) -> None:
    def spoil(films: Films) -> None:
        names = films.names
        blank = Image.new("L", (160, 160), 7)
        films.draw("input_data/NORMAL/99999_0.png", blank)
        films.add("input_data/NORMAL/99998_0.jpg", films.content(names[0]))
        tiny = films.picture(names[5]).resize((60, 50))
        films.draw("input_data/NORMAL/99997_0.png", tiny)
        red = films.picture(names[8]).convert("RGB")
        red.paste((255, 0, 0), (10, 10, 40, 40))
        films.draw("input_data/NORMAL/99996_0.png", red)
        see_through = films.picture(names[11]).rotate(4).convert("LA")
        films.draw("input_data/NORMAL/99995_0.png", see_through)

    _, report = report_on(spoil)
    severities = [finding.severity for finding in report.findings]
    assert severities == sorted(severities, key=["error", "warning", "note"].index)
    assert of_kind(report, "blank")[0].files == ("input_data/NORMAL/99999_0.png",)
    assert of_kind(report, "blank")[0].severity == "error"
    assert of_kind(report, "wrong_extension")[0].files == ("input_data/NORMAL/99998_0.jpg",)
    assert of_kind(report, "tiny")[0].files == ("input_data/NORMAL/99997_0.png",)
    coloured, alpha = of_kind(report, "coloured")
    assert (coloured.severity, coloured.files) == ("warning", ("input_data/NORMAL/99996_0.png",))
    assert (alpha.severity, alpha.files) == ("note", ("input_data/NORMAL/99995_0.png",))
    assert report.counts["error"] == severities.count("error")


def test_a_class_from_another_machine_is_a_red_finding(
    report_on: Callable[[Spoil], tuple[LoadedDataset, Report]],
) -> None:
    def spoil(films: Films) -> None:
        for name in films.names:  # more films of the same patients, COVID's a little lower
            film = films.picture(name).rotate(5)
            height = 130 if "COVID" in name else 144
            films.draw(name.replace(".png", "a.png"), film.resize((144, height)))

    loaded, report = report_on(spoil)
    [finding] = of_kind(report, "confounder")
    # Half of COVID's films look like half of the others: 7 of 8 pairs are told apart.
    assert (finding.severity, finding.value) == ("error", pytest.approx(0.875, abs=0.05))
    assert report.confounder is not None
    assert loaded.dataset.classes[report.confounder.worst.label] == "COVID"
    assert report.confounder.properties[0][0] in ("height", "aspect")


def test_it_is_red_above_an_auroc_of_08(tmp_path: Path, clean_zip: Path) -> None:
    path = tmp_path / "machine.zip"
    with zipfile.ZipFile(clean_zip) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            for turn in range(2):
                film = Image.open(io.BytesIO(old.read(name))).rotate(5 * turn)
                out = io.BytesIO()
                film.resize((144, 130 if "COVID" in name else 144)).save(out, "PNG")
                new.writestr(name.replace(".png", f"{turn}.png"), out.getvalue())
    _, report = audited(path, tmp_path)
    [finding] = of_kind(report, "confounder")
    assert (finding.severity, finding.value) == ("error", pytest.approx(1, abs=0.01))
    said = str(finding.message)
    assert "COVID is told from the rest with AUROC 1.00" in said
    assert "height in pixels (1.00 alone)" in said


def test_a_second_audit_remembers_the_confounder(
    clean_zip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, first = audited(clean_zip, tmp_path)

    def never(*_: object) -> None:
        raise AssertionError("asked again")

    monkeypatch.setattr("core.audit.confounder.find_confounder", never)
    monkeypatch.setattr("core.data.survey.near_duplicates", never)
    _, second = audited(clean_zip, tmp_path)
    assert second == first


def test_damaged_notes_are_made_again(clean_zip: Path, tmp_path: Path) -> None:
    loaded, first = audited(clean_zip, tmp_path)
    for name in ("survey.json", "confounder.json"):
        for spoilt in ("", "{}", "[]", '{"version": 1, "key": 3}', "[" * 99_999):
            (loaded.cache.folder / name).write_text(spoilt)
            _, second = audited(clean_zip, tmp_path)
            assert second == first


def test_uneven_classes_are_told_with_their_ratio(clean_zip: Path, tmp_path: Path) -> None:
    path = tmp_path / "uneven.zip"
    with zipfile.ZipFile(clean_zip) as old, zipfile.ZipFile(path, "w") as new:
        for index, name in enumerate(old.namelist()):
            if "COVID" not in name or index < 12:
                new.writestr(name, old.read(name))
    _, report = audited(path, tmp_path)
    [finding] = of_kind(report, "imbalance")
    assert finding.severity == "warning"
    assert finding.value == pytest.approx(N_PER_CLASS / 4)
    assert "NORMAL has 3.5 times as many films as COVID (14 to 4)" in str(finding.message)


def test_given_folders_that_share_patients_are_an_error(clean_zip: Path, tmp_path: Path) -> None:
    path = tmp_path / "given.zip"
    with zipfile.ZipFile(clean_zip) as old, zipfile.ZipFile(path, "w") as new:
        for index, name in enumerate(old.namelist()):
            part = "test" if index % 4 == 0 else "train"
            new.writestr(name.replace("input_data", part), old.read(name))
    _, report = audited(path, tmp_path)
    given = [finding for finding in of_kind(report, "leakage") if finding.severity == "error"]
    assert len(given) == 1
    assert str(given[0].message).startswith("The parts into which the folders are divided share ")


def test_a_patient_in_two_classes_is_told_once_and_not_for_a_misplaced_copy(
    report_on: Callable[[Spoil], tuple[LoadedDataset, Report]],
) -> None:
    def spoil(films: Films) -> None:
        names = films.names
        normal = next(name for name in names if "/NORMAL/" in name)
        covid = [name for name in names if "/COVID/" in name]
        films.add(covid[0].replace("COVID", "NORMAL"), films.content(covid[0]))
        patient = normal.split("/")[-1].split("_")[0]
        film = films.picture(covid[-1]).rotate(9).crop((20, 20, 150, 150))
        films.draw(f"input_data/COVID/{patient}_7.png", film)

    _, report = report_on(spoil)
    assert len(of_kind(report, "in_two_classes")) == 1
    [finding] = of_kind(report, "patient_in_two_classes")
    assert len(finding.files) == 3
    assert finding.fix == "regroup"


def test_unknown_patients_are_a_warning_and_nothing_is_promised_of_them(
    clean_zip: Path, tmp_path: Path
) -> None:
    path = tmp_path / "renamed.zip"
    with zipfile.ZipFile(clean_zip) as old, zipfile.ZipFile(path, "w") as new:
        for index, name in enumerate(old.namelist()):
            is_covid = "COVID" in name
            new.writestr(
                f"input_data/COVID/COVID ({index}).png" if is_covid else name, old.read(name)
            )
    loaded, report = audited(path, tmp_path)
    [finding] = of_kind(report, "patients_unknown")
    assert (finding.severity, finding.fix) == ("warning", "regroup")
    assert len(finding.files) == N_PER_CLASS
    assert str(finding.message).startswith("Nothing tells the patients of 14 of 42 X-rays")
    assert "(classes: COVID)" in str(finding.message)
    [leakage] = of_kind(report, "leakage")
    assert "0 patients or copies cross" not in str(leakage.message)
    assert "X-rays of unknown patients may" in str(leakage.message)
    assert report.facts is not None
    assert not report.facts.has_patients
    stated = loaded.edited(loaded.edits.group_by("single_images"))
    *_, again = audit(stated)
    assert isinstance(again, Report)
    assert not of_kind(again, "patients_unknown")


def test_look_alikes_by_the_dozen_are_one_warning_that_leaves_nothing_out(
    report_on: Callable[[Spoil], tuple[LoadedDataset, Report]],
) -> None:
    def spoil(films: Films) -> None:
        name = films.names[0]
        film = films.picture(name).convert("L")
        for n in range(13):
            changed = film.point([min(255, level + n) for level in range(256)])
            films.draw(name.replace(".png", f"{n}9_9.png"), changed)

    _, report = report_on(spoil)
    [finding] = of_kind(report, "shared_frame")
    assert (finding.severity, finding.fix) == ("warning", None)
    assert len(finding.files) == 14
    assert not of_kind(report, "near_duplicate")
