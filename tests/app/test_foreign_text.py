"""File and class names are shown as they are, even where they look like markup."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from weakref import WeakSet

import pytest
from PySide6.QtGui import Qt, QTextDocument
from PySide6.QtWidgets import QApplication, QLabel, QListView, QTableWidget

from app.application import Application
from app.tasks import TaskRunner
from core.models.model_file import open_model, save_model
from core.workspace import Workspace
from tests.app.hands import drop, field, table_rows, wait_until, words
from tests.app.whole_program import english_settings, running_application

BOLD = "<b>bold<b>"
PICTURE = "<img src='secret.png'>"
LONG = 70 * "x"  # long cells have tooltips


@pytest.fixture(scope="module")
def foreign_model(model_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model with class names that look like markup, in a folder that does too."""
    card, arrays, _ = open_model(model_file)
    classes = (BOLD, PICTURE, "NORMAL")
    folder = tmp_path_factory.mktemp("model") / BOLD
    folder.mkdir()
    path = folder / "best.safetensors"
    save_model(
        path,
        card.changed(
            findings=None,
            classes=classes,
            display_names={name: {"en": name, "zh_CN": name} for name in classes},
        ),
        arrays,
    )
    return path


@pytest.fixture(scope="module")
def foreign_films(film_files: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset whose folder, classes and files look like markup."""
    folder = tmp_path_factory.mktemp("films") / f"{PICTURE} films"
    for name in (BOLD, PICTURE):
        (folder / name).mkdir(parents=True)
        for number, film in enumerate(film_files):
            shutil.copy(film, folder / name / f"{number}{name}.png")
        (folder / name / f"{PICTURE}{LONG}.png").write_bytes(b"broken" + name.encode())
    return folder


@pytest.fixture(scope="module")
def full(
    qapp: QApplication,
    started_runners: WeakSet[TaskRunner],
    foreign_model: Path,
    foreign_films: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Application]:
    """The window with foreign names wherever they can stand."""
    home = tmp_path_factory.mktemp("home")
    film, broken = foreign_films / BOLD / f"0{BOLD}.png", home / f"{PICTURE}.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n and then nothing of sense")
    settings, workspace = english_settings(home), Workspace(home / "workspace")
    with running_application(settings, workspace, started_runners) as program:
        program.start([], demo=False)
        drop(program.window, foreign_films)
        wait_until(lambda: program.data.report is not None and not program.data.is_busy)
        drop(program.window, foreign_model)
        wait_until(lambda: program.reading.card is not None and not program.reading.is_busy)
        drop(program.window, film, broken)
        wait_until(lambda: bool(program.reading.refused) and not program.reading.is_busy)
        desk = program.window.reading_page.desk
        wait_until(lambda: desk.current is not None and not program.window._is_at_work())
        program.evaluation.part = "all"
        yield program


def test_names_stand_in_the_tables_as_they_are(full: Application) -> None:
    overview = full.window.data_page.overview
    classes = field(overview, QTableWidget, "Classes")
    left_out = field(overview, QTableWidget, "Left out")
    assert {row[1] for row in table_rows(classes)} == {BOLD, PICTURE}
    assert {row[0] for row in table_rows(left_out)} == {
        f"{name}/{PICTURE}{LONG}.png" for name in (BOLD, PICTURE)
    }


def test_names_stand_in_the_list_of_films_as_they_are(full: Application) -> None:
    films = field(full.window.reading_page, QListView, "Films").model()
    names = [films.index(row, 0).data() for row in range(films.rowCount())]
    assert names == [f"0{BOLD}.png", f"{PICTURE}.png"]


def test_labels_with_foreign_text_show_it_plainly(full: Application) -> None:
    shown = full.window.reading_page.desk.list
    seen = set()
    for key in shown.keys_in_order():
        shown.choose(key)
        wait_until(lambda: not full.window._is_at_work())
        for label in full.window.findChildren(QLabel):
            if BOLD in label.text() or PICTURE in label.text():
                seen.add(label.text())
                assert label.textFormat() == Qt.TextFormat.PlainText, label.text()
    assert {f"0{BOLD}.png", f"{PICTURE}.png", f"{BOLD}/best.safetensors"} <= seen


def test_tooltips_show_foreign_text_plainly(full: Application) -> None:
    tips = {text for where, text in words(full.window) if "tooltip" in where}
    for view in full.window.reading_page.findChildren(QListView):
        model = view.model()
        rows = [model.index(row, 0) for row in range(model.rowCount())]
        tips |= {index.data(Qt.ItemDataRole.ToolTipRole) or "" for index in rows}
    foreign = {tip for tip in tips if "bold" in tip or "secret" in tip}
    assert len(foreign) >= 8  # the source, films, files that were left out, classes
    for tip in foreign:
        document = QTextDocument()
        document.setHtml(tip)  # as Qt does with what looks like markup
        assert Qt.mightBeRichText(tip)
        assert BOLD in document.toPlainText() or PICTURE in document.toPlainText()
        assert "￼" not in document.toPlainText()  # a picture in its place
