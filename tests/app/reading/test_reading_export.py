"""The export menu, and the files that are written."""

import csv
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from app.i18n import set_language
from app.reading import export as export_module
from app.reading.export import DicomMenu, ExportMenu, ExportViewModel
from app.tasks import TaskRunner
from core.prediction.classifier import Classifier
from core.prediction.explanation import Explanation
from core.prediction.reading import FilmResult
from core.report import facts as facts_module
from core.report.facts import DICOM_FIELDS
from tests.app.hands import WAIT_MS, wait_until
from tests.app.pretended_explanations import DOUBT, begun, complete
from tests.app.pretended_reading import digest_of, opinion
from tests.app.reading.foreign_words import speak_tilde
from tests.core.images.dicom_files import dataset
from tests.core.images.dicom_files import written as dicom
from tests.core.prediction.made_results import NORMAL, VIRAL, film_result


@pytest.fixture
def export(qtbot: QtBot) -> ExportMenu:
    export = ExportMenu()
    qtbot.addWidget(export)
    export.show_available(has_film=True, n_films=3, has_model=True)
    return export


def all_actions(menu: QMenu) -> list[QAction]:
    actions = []
    for action in menu.actions():
        inner = action.menu()
        actions += all_actions(inner) if isinstance(inner, QMenu) else [action]
    return [action for action in actions if action.text()]


def action(export: ExportMenu, beginning: str) -> QAction:
    found = [one for one in all_actions(export.menu()) if one.text().startswith(beginning)]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(
    ("beginning", "signal"),
    [
        ("Picture", "picture_wanted"),
        ("Report of this", "report_wanted"),
        ("Copy to", "copy_wanted"),
        ("Copy the table", "table_copy_wanted"),
        ("Table", "csv_wanted"),
        ("All films (JSON)", "json_wanted"),
        ("Report of all", "reports_wanted"),
    ],
)
def test_each_entry_tells_what_is_wanted(
    qtbot: QtBot, export: ExportMenu, beginning: str, signal: str
) -> None:
    with qtbot.waitSignal(getattr(export, signal)) as told:
        action(export, beginning).trigger()
    assert told.args == []


@pytest.mark.parametrize(
    ("beginning", "name"), [("ONNX", "onnx"), ("Paddle", "paddle"), ("Weights", "pdparams")]
)
def test_a_model_goes_out_in_three_formats(
    qtbot: QtBot, export: ExportMenu, beginning: str, name: str
) -> None:
    with qtbot.waitSignal(export.model_wanted) as told:
        action(export, beginning).trigger()
    assert told.args == [name]


offscreen = pytest.mark.qt_log_ignore("plugin does not support")  # raising a menu, and such


class TestDicomMenu:
    def ticked(self, export: ExportMenu, *words: str) -> None:
        for word in words:
            one = action(export, word)
            menu = export.findChild(DicomMenu)
            QTest.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(one).center())

    @pytest.fixture
    def menu(self, qtbot: QtBot, export: ExportMenu) -> Iterator[DicomMenu]:
        menu = export.findChild(DicomMenu)
        menu.popup(QPoint(0, 0))
        yield menu
        menu.close()

    def test_none_goes_out_unless_asked_for(self, export: ExportMenu) -> None:
        assert export.findChild(DicomMenu).chosen == []

    @offscreen
    def test_ticking_one_tells_it_and_leaves_the_menu_open(
        self, qtbot: QtBot, export: ExportMenu, menu: DicomMenu
    ) -> None:
        with qtbot.waitSignal(export.dicom_chosen) as chosen:
            self.ticked(export, "Patient ID")
        assert chosen.args == [["PatientID"]]
        with qtbot.waitSignal(export.dicom_chosen) as chosen:
            self.ticked(export, "Modality")
        assert chosen.args == [["PatientID", "Modality"]]
        assert menu.isVisible()
        assert menu.title() == "DICOM fields in exports (2)"

    @offscreen
    def test_ticking_it_again_takes_it_back(
        self, qtbot: QtBot, export: ExportMenu, menu: DicomMenu
    ) -> None:
        self.ticked(export, "Age")
        with qtbot.waitSignal(export.dicom_chosen) as chosen:
            self.ticked(export, "Age")
        assert chosen.args == [[]]

    @offscreen
    def test_the_keys_tick_too(self, qtbot: QtBot, export: ExportMenu, menu: DicomMenu) -> None:
        menu.setActiveAction(action(export, "Hospital"))
        with qtbot.waitSignal(export.dicom_chosen) as chosen:
            QTest.keyClick(menu, Qt.Key.Key_Space)
        assert chosen.args == [["InstitutionName"]]
        assert menu.isVisible()

    def test_they_are_those_that_can_be_exported(self, export: ExportMenu) -> None:
        menu = export.findChild(DicomMenu)
        fields = [one for one in menu.actions() if one.isCheckable()]
        for field in fields:
            field.setChecked(True)
        assert len(fields) == len(DICOM_FIELDS)
        assert set(menu.chosen) == set(DICOM_FIELDS)


def test_only_what_there_is_can_be_taken_away(export: ExportMenu) -> None:
    export.show_available(has_film=False, n_films=2, has_model=True)
    assert not action(export, "Picture").isEnabled()
    assert not action(export, "Copy to").isEnabled()
    assert action(export, "Table").isEnabled()
    export.show_available(has_film=False, n_films=0, has_model=True)
    assert not action(export, "Table").isEnabled()
    assert export.isEnabled()
    export.show_available(has_film=False, n_films=0, has_model=False)
    assert not export.isEnabled()


def test_the_keyboard_reaches_it(export: ExportMenu) -> None:
    assert export.focusPolicy() & Qt.FocusPolicy.TabFocus
    assert export.accessibleName() == "Export"


def test_it_speaks_another_language(export: ExportMenu) -> None:
    speak_tilde(export)
    assert export.text() == "~Export"
    assert [one.text() for one in all_actions(export.menu()) if one.text()[0] != "~"] == []


@pytest.fixture(scope="module")
def classifier(model_file: Path) -> Classifier:
    return Classifier.open(model_file)


@pytest.fixture
def known() -> dict[int, Explanation]:
    """Explanations that the desk has, by film."""
    return {}


@pytest.fixture
def exports(
    runner: TaskRunner, classifier: Classifier, known: dict[int, Explanation]
) -> ExportViewModel:
    exports = ExportViewModel(runner, lambda film: known.get(film.key))
    exports.use(classifier)
    return exports


@pytest.fixture
def films(film_files: list[Path]) -> list[FilmResult]:
    """One of each class, of which the model says that it is normal."""
    return [read_film(key, path) for key, path in enumerate(film_files, start=1)]


def read_film(key: int, path: Path) -> FilmResult:
    true_class = "COVID" if key == 1 else None
    return film_result(
        path, key=key, digest=digest_of(path), opinion=opinion(NORMAL), true_class=true_class
    )


def written(qtbot: QtBot, exports: ExportViewModel, write: Callable[[], None]) -> str:
    """Have something written; what is said in the end."""
    with qtbot.waitSignal(exports.saved, timeout=WAIT_MS) as saved:
        write()
    return str(saved.args[0])


class TestTables:
    def test_the_csv_has_a_row_a_film(
        self, qtbot: QtBot, exports: ExportViewModel, films: list[FilmResult], tmp_path: Path
    ) -> None:
        path = tmp_path / "films.csv"
        said = written(qtbot, exports, lambda: exports.save_csv(path, films))
        assert said == "films.csv was written."
        assert path.read_bytes().startswith(b"\xef\xbb\xbf")  # spreadsheets know it by that
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        assert [row["file"] for row in rows] == [film.file for film in films]
        assert {row["class"] for row in rows} == {"NORMAL"}
        assert [row["true_class"] for row in rows] == ["COVID", "", ""]
        assert {row["model"] for row in rows} == {"best.safetensors"}

    def test_the_json_says_the_same(
        self, qtbot: QtBot, exports: ExportViewModel, films: list[FilmResult], tmp_path: Path
    ) -> None:
        written(qtbot, exports, lambda: exports.save_json(tmp_path / "films.json", films))
        all_of_it = json.loads((tmp_path / "films.json").read_text("utf-8"))
        assert [film["file"] for film in all_of_it["predictions"]] == [film.file for film in films]
        assert all_of_it["disclaimer"] == "Research and teaching only, never diagnosis."

    def test_what_was_found_of_the_heat_goes_with_it(
        self,
        qtbot: QtBot,
        exports: ExportViewModel,
        films: list[FilmResult],
        known: dict[int, Explanation],
        tmp_path: Path,
    ) -> None:
        explained = [complete(NORMAL, is_trustworthy=False), begun(NORMAL), None]
        films = [film.explained(found) for film, found in zip(films, explained, strict=True)]
        written(qtbot, exports, lambda: exports.save_json(tmp_path / "films.json", films))
        first, second, _ = json.loads((tmp_path / "films.json").read_text("utf-8"))["predictions"]
        assert str(DOUBT) in first["heat_checks"]["reasons"]
        assert "heat_checks" not in second

    def test_a_name_that_is_a_formula_is_not_one_in_a_spreadsheet(
        self, qtbot: QtBot, exports: ExportViewModel, films: list[FilmResult], tmp_path: Path
    ) -> None:
        foreign = [replace(films[0], file="=HYPERLINK(1)")]
        written(qtbot, exports, lambda: exports.save_csv(tmp_path / "films.csv", foreign))
        assert not any(
            cell.startswith("=")
            for line in (tmp_path / "films.csv").read_text("utf-8-sig").splitlines()
            for cell in next(csv.reader([line]))
        )


class TestDicomFields:
    @pytest.fixture
    def film(self, tmp_path: Path) -> FilmResult:
        path = tmp_path / "film.dcm"
        pixels = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)
        path.write_bytes(dicom(dataset(pixels)))  # of a Jane Doe
        return read_film(1, path)

    def test_nothing_of_the_header_goes_out_unasked(
        self, qtbot: QtBot, exports: ExportViewModel, film: FilmResult, tmp_path: Path
    ) -> None:
        for name, save in (("a.csv", exports.save_csv), ("a.json", exports.save_json)):
            written(qtbot, exports, partial(save, tmp_path / name, [film]))
            assert b"Jane" not in (tmp_path / name).read_bytes()
        assert "Jane" not in exports.text_of(film)

    def test_what_was_ticked_goes_out_and_no_more(
        self, qtbot: QtBot, exports: ExportViewModel, film: FilmResult, tmp_path: Path
    ) -> None:
        exports.dicom_names = ("Modality",)
        written(qtbot, exports, lambda: exports.save_csv(tmp_path / "a.csv", [film]))
        with (tmp_path / "a.csv").open(encoding="utf-8-sig", newline="") as file:
            [row] = csv.DictReader(file)
        assert row["Modality"] == "DX"
        assert "Jane" not in str(row)


class TestPictures:
    def test_a_film_goes_out_with_the_heat_that_is_known(
        self,
        qtbot: QtBot,
        exports: ExportViewModel,
        films: list[FilmResult],
        known: dict[int, Explanation],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(export_module, "explain", pytest.fail)
        known[1] = complete(NORMAL)
        path = tmp_path / "film.png"
        written(qtbot, exports, lambda: exports.save_picture(path, films[0], NORMAL))
        with Image.open(path) as picture:
            assert picture.mode == "RGB"
            pixels = np.asarray(picture)
        assert (pixels[..., 0].astype(int) - pixels[..., 2]).max() > 40  # heat

    def test_of_another_class_the_heat_is_found_out(
        self, qtbot: QtBot, exports: ExportViewModel, films: list[FilmResult], tmp_path: Path
    ) -> None:
        asked = []
        explain = export_module.explain

        def noted(classifier: Classifier, film: Any, label: int | None) -> Iterator[Explanation]:
            asked.append(label)
            return explain(classifier, film, label)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(export_module, "explain", noted)
            written(
                qtbot, exports, lambda: exports.save_picture(tmp_path / "a.png", films[0], VIRAL)
            )
        assert asked == [VIRAL]
        assert (tmp_path / "a.png").exists()

    def test_a_film_that_is_gone_is_told(
        self, qtbot: QtBot, exports: ExportViewModel, films: list[FilmResult], tmp_path: Path
    ) -> None:
        gone = replace(films[0], path=tmp_path / "gone.png")
        with qtbot.waitSignal(exports.failed, timeout=WAIT_MS) as failed:
            exports.save_picture(tmp_path / "a.png", gone, NORMAL)
        assert "gone.png" in str(failed.args[0].message)
        assert not (tmp_path / "a.png").exists()


class TestReports:
    def test_of_one_film_and_of_all(
        self,
        qtbot: QtBot,
        exports: ExportViewModel,
        films: list[FilmResult],
        known: dict[int, Explanation],
        tmp_path: Path,
    ) -> None:
        known.update({film.key: complete(NORMAL) for film in films})
        sizes = []
        for chosen in (films[:1], films):
            path = tmp_path / f"{len(chosen)}.pdf"
            write = partial(exports.save_report, path, chosen)
            written(qtbot, exports, write)
            assert path.read_bytes().startswith(b"%PDF-")
            sizes.append(path.stat().st_size)
        assert sizes[1] > sizes[0]


class TestClipboard:
    def test_one_film_is_a_few_lines(
        self, exports: ExportViewModel, films: list[FilmResult]
    ) -> None:
        text = exports.text_of(films[0])
        assert films[0].file in text
        assert "True class: COVID-19" in text

    def test_in_the_language_of_the_window(
        self, exports: ExportViewModel, films: list[FilmResult]
    ) -> None:
        set_language("zh_CN")
        try:
            assert "正常肺部" in exports.text_of(films[0])
        finally:
            set_language("en")

    def test_many_films_are_a_table(
        self, exports: ExportViewModel, films: list[FilmResult]
    ) -> None:
        rows = [line.split("\t") for line in exports.table_of(films).splitlines()]
        assert [row[0] for row in rows] == ["file", *(film.file for film in films)]

    def test_without_a_model_it_is_empty(self, runner: TaskRunner, films: list[FilmResult]) -> None:
        exports = ExportViewModel(runner, lambda _film: None)
        assert (exports.text_of(films[0]), exports.table_of(films)) == ("", "")


class TestModels:
    def test_the_weights_go_out_as_pdparams(
        self, qtbot: QtBot, exports: ExportViewModel, tmp_path: Path
    ) -> None:
        path = tmp_path / "model.pdparams"
        said = written(qtbot, exports, lambda: exports.export_model("pdparams", path))
        assert said == "model.pdparams was written."
        assert path.stat().st_size > 0

    def test_what_cannot_be_written_is_told(
        self, qtbot: QtBot, exports: ExportViewModel, tmp_path: Path
    ) -> None:
        with qtbot.waitSignal(exports.failed, timeout=WAIT_MS) as failed:
            exports.export_model("pdparams", tmp_path / "model.txt")
        assert "model.txt" in str(failed.args[0].message)


class TestStopping:
    @pytest.fixture
    def gate(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
        """Holds the writing at its first film."""
        gate = threading.Event()
        monkeypatch.setattr(
            facts_module, "dicom_fields", lambda *_: {"Modality": str(gate.wait(60))}
        )
        yield gate
        gate.set()

    def test_a_stopped_file_is_not_left_behind(
        self,
        exports: ExportViewModel,
        films: list[FilmResult],
        gate: threading.Event,
        tmp_path: Path,
    ) -> None:
        said: list[object] = []
        exports.saved.connect(said.append)
        exports.dicom_names = ("Modality",)
        exports.save_csv(tmp_path / "films.csv", films)
        assert exports.is_busy
        exports.cancel()
        gate.set()
        wait_until(lambda: not exports.is_busy)
        assert list(tmp_path.iterdir()) == []
        assert said == []

    def test_one_file_is_written_at_a_time(
        self,
        qtbot: QtBot,
        exports: ExportViewModel,
        films: list[FilmResult],
        gate: threading.Event,
        tmp_path: Path,
    ) -> None:
        exports.dicom_names = ("Modality",)

        def save_both() -> None:
            exports.save_csv(tmp_path / "first.csv", films)
            exports.save_json(tmp_path / "second.json", films)
            gate.set()

        assert written(qtbot, exports, save_both) == "first.csv was written."
        assert [path.name for path in tmp_path.iterdir()] == ["first.csv"]


def test_a_place_that_cannot_be_written_is_told(
    qtbot: QtBot, exports: ExportViewModel, films: list[FilmResult], tmp_path: Path
) -> None:
    with qtbot.waitSignal(exports.failed, timeout=WAIT_MS) as failed:
        exports.save_csv(tmp_path / "no folder" / "films.csv", films)
    assert "films.csv cannot be written" in str(failed.args[0].message)
    wait_until(lambda: not exports.is_busy)
