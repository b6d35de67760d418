"""The Read page around its desk: words, buttons, drops and exports."""

import csv
import json
import threading
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QFileDialog,
    QLineEdit,
    QMenu,
    QPushButton,
    QWidget,
)

from app.application import Application
from app.drops import Dropped
from app.widgets.page import READ
from app.widgets.viewer.picture import to_image
from core.errors import Message
from core.phantom import draw_film
from tests.app.hands import button, field, label_texts, press, speak, wait_until
from tests.app.reading.read_bench import Bench

Key = Qt.Key


def shown_buttons(where: QWidget) -> set[str]:
    """Return the texts of the visible buttons."""
    return {one.text() for one in where.findChildren(QPushButton) if one.isVisible()}


def status(bench: Bench) -> str:
    """The line below the title."""
    return bench.page._status.text() if bench.page._status.isVisible() else ""


class TestInvitation:
    def test_without_a_model_it_says_where_to_get_one(self, bench: Bench) -> None:
        assert "No model yet" in label_texts(bench.page)
        assert "Choose X-rays …" not in shown_buttons(bench.page)
        assert not button(bench.page, "Open X-rays …").isEnabled()
        assert not button(bench.page, "Quiz …").isEnabled()

    def test_with_a_model_it_asks_for_films(self, opened: Bench) -> None:
        assert "Drop X-rays here" in label_texts(opened.page)
        assert {"Choose X-rays …", "Choose folder …"} <= shown_buttons(opened.page)
        assert "runs/best.safetensors" in label_texts(opened.page)

    def test_its_buttons_say_what_is_wanted(self, opened: Bench) -> None:
        wanted: list[str] = []
        opened.page.films_wanted.connect(lambda: wanted.append("films"))
        opened.page.folder_wanted.connect(lambda: wanted.append("folder"))
        opened.page.model_wanted.connect(lambda: wanted.append("model"))
        press(opened.page, "Choose X-rays …")
        press(opened.page, "Choose folder …")
        press(opened.page, "Open X-rays …")
        for one in opened.page.findChildren(QPushButton):
            if one.text() == "Open model …" and one.isVisible():
                one.click()
        assert wanted == ["films", "folder", "films", "model", "model"]

    def test_films_take_its_place_and_the_keys(self, opened: Bench, films: list[Path]) -> None:
        opened.read(films[0])
        assert opened.desk.isVisible()
        QTest.keyClick(QApplication.focusWidget(), Key.Key_O)
        assert not opened.viewer.is_heat_shown

    def test_clearing_brings_it_back(self, opened: Bench, films: list[Path]) -> None:
        opened.read(*films)
        press(opened.page, "Clear")
        assert "Drop X-rays here" in label_texts(opened.page)
        assert not button(opened.page, "Clear").isEnabled()
        assert status(opened) == ""


class TestStatus:
    def test_films_wait_for_a_model(self, bench: Bench, films: list[Path]) -> None:
        bench.reading.read(films)
        assert status(bench) == "6 films wait for a model."

    def test_a_model_is_being_opened(self, bench: Bench) -> None:
        bench.readings.opening.clear()
        bench.reading.open_model(Path("best.safetensors"))
        assert status(bench) == "Opening the model …"
        bench.readings.opening.set()
        bench.settle()
        assert status(bench) == ""

    def test_films_are_being_read(self, opened: Bench, films: list[Path]) -> None:
        opened.readings.gate.clear()
        opened.reading.read(films[:3])
        now = "Looking for films: 1 of 3  ·  1 films read, 0 refused"
        wait_until(lambda: status(opened) == now)
        opened.readings.gate.set()
        opened.settle()
        assert status(opened) == "3 films read, 0 refused"

    def test_what_was_refused_or_repeated_is_counted(
        self, opened: Bench, films: list[Path], broken_film: Path
    ) -> None:
        opened.read(*films[:2], broken_film)
        opened.read(*films[:2])
        assert status(opened) == "2 films read, 1 refused, 2 were in the list already"

    def test_stopping_leaves_the_rest_unread(self, opened: Bench, films: list[Path]) -> None:
        assert "Stop" not in shown_buttons(opened.page)
        opened.readings.gate.clear()
        opened.reading.read(films)
        wait_until(lambda: len(opened.films) == 1)
        press(opened.page, "Stop")
        opened.readings.gate.set()
        opened.settle()
        assert len(opened.films) < len(films)
        assert "Stop" not in shown_buttons(opened.page)

    def test_what_was_written_is_told_until_something_else_happens(
        self, opened: Bench, films: list[Path]
    ) -> None:
        opened.read(films[0])
        opened.exports.saved.emit(Message("{file} was written.", file="films.csv"))
        assert status(opened) == "films.csv was written.  ·  1 films read, 0 refused"
        opened.read(films[1])
        assert status(opened) == "2 films read, 0 refused"


class TestModelWords:
    def test_the_panel_says_what_the_model_is(self, opened: Bench, films: list[Path]) -> None:
        opened.read(films[0])
        [words] = [text for text in opened.said() if text.startswith("ResNet-18 at 96 px")]
        assert words.startswith("ResNet-18 at 96 px, trained on 胸片.zip.\n")
        assert "Never tested on X-rays from elsewhere" in words

    def test_all_that_it_says_of_itself_is_a_button_away(
        self, opened: Bench, films: list[Path]
    ) -> None:
        opened.read(films[0])
        press(opened.panel, "About this model …")
        [dialog] = opened.page.findChildren(QDialog)
        assert dialog.isVisible()
        assert "best.safetensors" in label_texts(dialog)
        dialog.close()


class TestPasting:
    @pytest.fixture
    def dropped(self, opened: Bench) -> list[Dropped]:
        """Collect the drops that the page tells of."""
        dropped: list[Dropped] = []
        opened.page.dropped.connect(dropped.append)
        return dropped

    def paste(self, widget: QWidget, data: QMimeData) -> None:
        QGuiApplication.clipboard().setMimeData(data)
        QTest.keySequence(widget, QKeySequence(QKeySequence.StandardKey.Paste))

    def test_a_picture(self, opened: Bench, dropped: list[Dropped]) -> None:
        data = QMimeData()
        data.setImageData(to_image(draw_film("NORMAL", 3, 64)))
        self.paste(opened.page, data)
        [one] = dropped
        assert (one.paths, len(one.pictures), one.refusals) == ((), 1, ())

    def test_a_file(self, opened: Bench, dropped: list[Dropped], films: list[Path]) -> None:
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(films[0]))])
        self.paste(opened.page, data)
        assert dropped == [Dropped(paths=(films[0],))]

    def test_a_link_is_refused_in_words(self, opened: Bench, dropped: list[Dropped]) -> None:
        data = QMimeData()
        data.setText("https://example.org/film.png")
        self.paste(opened.page, data)
        [one] = dropped
        assert "This is a link to example.org." in str(one.refusals[0])

    def test_a_text_that_is_no_place_is_refused_in_words(
        self, opened: Bench, dropped: list[Dropped]
    ) -> None:
        data = QMimeData()
        data.setText("a few words")
        self.paste(opened.page, data)
        assert dropped[0].refusals

    def test_wherever_the_keys_go(
        self, opened: Bench, dropped: list[Dropped], films: list[Path]
    ) -> None:
        opened.read(*films[:2])
        for widget in (opened.film_list, opened.viewer, opened.panel.bars, opened.page.export_menu):
            widget.setFocus()
            data = QMimeData()
            data.setUrls([QUrl.fromLocalFile(str(films[2]))])
            self.paste(QApplication.focusWidget() or opened.page, data)
            assert dropped.pop() == Dropped(paths=(films[2],))

    def test_words_go_into_the_field_that_is_typed_into(
        self, opened: Bench, dropped: list[Dropped], films: list[Path]
    ) -> None:
        opened.read(films[0])
        search = field(opened.film_list, QLineEdit, "Search names")
        search.setFocus()
        data = QMimeData()
        data.setText("a few words")
        self.paste(search, data)
        assert search.text() == "a few words"
        assert dropped == []


class TestQuiz:
    def test_it_opens_and_closes(self, opened: Bench, films: list[Path]) -> None:
        opened.read(films[0])
        press(opened.page, "Quiz …")
        assert opened.page.quiz.isVisible()
        assert not opened.desk.isVisible()
        assert not {"Clear", "Export", "Quiz …"} & shown_buttons(opened.page)
        opened.page.quiz.closed.emit()
        assert opened.desk.isVisible()
        assert {"Clear", "Export", "Quiz …"} <= shown_buttons(opened.page)

    def test_films_that_are_read_meanwhile_do_not_end_it(
        self, opened: Bench, films: list[Path]
    ) -> None:
        press(opened.page, "Quiz …")
        opened.read(films[0])
        assert opened.page.quiz.isVisible()
        opened.page.quiz.closed.emit()
        assert opened.desk.isVisible()


def exports(bench: Bench) -> dict[str, QAction | QMenu]:
    """What the menu offers, by its words."""
    menu = bench.page.export_menu.menu()
    actions = [*menu.actions()]
    for sub in [action.menu() for action in actions if action.menu()]:
        actions += sub.actions()
    return {action.text(): action for action in actions}


FILM = {
    "Picture with heat map (PNG) …",
    "Report of this film (PDF) …",
    "Copy to the clipboard",
}
FILMS = {"Table of all films (CSV) …", "All films (JSON) …", "Report of all films (PDF) …"}


class TestExports:
    def enabled(self, bench: Bench) -> set[str]:
        return {text for text, action in exports(bench).items() if action.isEnabled() and text} & (
            FILM | FILMS | {"Export the model"}
        )

    def test_without_a_model_there_is_nothing_to_take_away(self, bench: Bench) -> None:
        assert not bench.page.export_menu.isEnabled()

    def test_a_model_can_go_out_without_films(self, opened: Bench) -> None:
        assert opened.page.export_menu.isEnabled()
        assert self.enabled(opened) == {"Export the model"}

    def test_films_can_go_out_one_by_one_and_together(
        self, opened: Bench, films: list[Path]
    ) -> None:
        opened.read(*films[:2])
        assert self.enabled(opened) == FILM | FILMS | {"Export the model"}

    def test_a_refused_file_in_hand_is_no_film(
        self, opened: Bench, films: list[Path], broken_film: Path
    ) -> None:
        opened.read(films[0], broken_film)
        opened.film_list.choose(opened.reading.refused[0].key)
        assert self.enabled(opened) == FILMS | {"Export the model"}

    def test_after_clearing_the_model_is_left(self, opened: Bench, films: list[Path]) -> None:
        opened.read(films[0])
        opened.reading.clear()
        assert self.enabled(opened) == {"Export the model"}

    @pytest.mark.parametrize(
        ("text", "name"),
        [
            ("Picture with heat map (PNG) …", "a.png"),
            ("Report of this film (PDF) …", "a.pdf"),
            ("Table of all films (CSV) …", "films.csv"),
            ("All films (JSON) …", "films.json"),
            ("Report of all films (PDF) …", "films.pdf"),
            ("ONNX, for other programs …", "model.onnx"),
            ("Paddle inference …", "model"),
            ("Weights only (.pdparams) …", "model.pdparams"),
        ],
    )
    def test_each_asks_where_to(
        self, opened: Bench, films: list[Path], text: str, name: str
    ) -> None:
        opened.read(*films[:2])
        exports(opened)[text].trigger()
        [dialog] = opened.page.findChildren(QFileDialog)
        assert dialog.isVisible()
        assert dialog.acceptMode() is QFileDialog.AcceptMode.AcceptSave
        assert [Path(one).name for one in dialog.selectedFiles()] == [name]
        dialog.close()

    def test_the_table_is_of_the_films_that_are_listed(
        self, opened: Bench, films: list[Path], tmp_path: Path
    ) -> None:
        opened.read(*films[:3])
        field(opened.film_list, QLineEdit, "Search names").setText("b.png")
        exports(opened)["Table of all films (CSV) …"].trigger()
        [dialog] = opened.page.findChildren(QFileDialog)
        assert dialog.windowTitle() == "Save a table of 1 films"
        dialog.fileSelected.emit(str(tmp_path / "films.csv"))
        dialog.close()
        opened.settle()
        with (tmp_path / "films.csv").open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))
        assert [row[0] for row in rows[1:]] == [str(films[1])]
        assert "films.csv was written." in status(opened)

    def test_where_the_list_shows_none_all_go_out(
        self, opened: Bench, films: list[Path], tmp_path: Path
    ) -> None:
        opened.read(*films[:3])
        field(opened.film_list, QLineEdit, "Search names").setText("nothing is called so")
        exports(opened)["All films (JSON) …"].trigger()
        [dialog] = opened.page.findChildren(QFileDialog)
        dialog.fileSelected.emit(str(tmp_path / "films.json"))
        dialog.close()
        opened.settle()
        written = json.loads((tmp_path / "films.json").read_text("utf-8"))
        assert len(written["predictions"]) == 3

    def test_an_answer_goes_to_the_clipboard(self, opened: Bench, films: list[Path]) -> None:
        opened.read(films[0])
        exports(opened)["Copy to the clipboard"].trigger()
        text = QGuiApplication.clipboard().text()
        assert str(films[0]) in text
        assert "Normal  80.0 %" in text
        assert "Research and teaching only, never diagnosis." in text

    def test_a_file_that_is_being_written_can_be_stopped(
        self, opened: Bench, films: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gate, waits = threading.Event(), "core.report.facts.dicom_fields"
        monkeypatch.setattr(waits, lambda *_: {"Modality": str(gate.wait(60))})
        opened.read(*films[:3])
        opened.exports.dicom_names = ("PatientID",)
        opened.exports.save_csv(tmp_path / "films.csv", opened.films)
        press(opened.page, "Stop")
        gate.set()
        opened.settle()
        assert not (tmp_path / "films.csv").exists()
        assert status(opened) == "3 films read, 0 refused"

    def test_it_is_told_how_far_a_file_is(
        self, opened: Bench, films: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gate, waits = threading.Semaphore(1), "core.report.facts.dicom_fields"
        monkeypatch.setattr(waits, lambda *_: {"Modality": str(gate.acquire(timeout=60))})
        opened.read(*films[:3])
        opened.exports.dicom_names = ("PatientID",)
        opened.exports.save_csv(tmp_path / "films.csv", opened.films)
        wait_until(lambda: status(opened) == "Gathering the answers: 1 of 3")
        gate.release(2)
        opened.settle()
        assert status(opened) == "films.csv was written.  ·  3 films read, 0 refused"

    def test_fields_of_dicom_files_go_out_only_where_they_are_ticked(self, opened: Bench) -> None:
        opened.page.export_menu.dicom_chosen.emit(["PatientAge"])
        assert opened.exports.dicom_names == ("PatientAge",)


def test_words_follow_the_language(opened: Bench, films: list[Path]) -> None:
    opened.read(*films[:2])
    speak("zh_CN")
    assert {"阅片", "清空"} & {*label_texts(opened.page), *shown_buttons(opened.page)}
    left = [text for text in shown_buttons(opened.page) if text.isascii() and text]
    assert left == []
    speak("en")
    assert status(opened) == "2 films read, 0 refused"
    assert "Read" in label_texts(opened.page)


@pytest.mark.usefixtures("explanations")
class TestInTheWindow:
    @pytest.fixture
    def window(self, application: Application, model_file: Path, film_files: list[Path]) -> object:
        """The program with three films read."""
        window = application.window
        window.open_paths([model_file, *film_files])
        wait_until(lambda: len(application.reading.films) == 3 and not application.reading.is_busy)
        desk = window.reading_page.desk
        wait_until(lambda: desk.current is not None and not window._is_at_work())
        window.activateWindow()
        wait_until(window.isActiveWindow)
        return window

    def test_full_screen_leaves_the_film_and_all_can_be_done_by_keyboard(
        self, window: QWidget, application: Application
    ) -> None:
        page = application.window.reading_page
        page.desk.viewer.take_keys()
        QTest.keyClick(page.desk.viewer.panes[0], Key.Key_F11)
        assert window.isFullScreen()
        assert not page.desk.list.isVisible()
        assert not page.desk.panel.isVisible()
        assert not application.window._rail.isVisible()
        assert not application.window.menuBar().isVisible()
        assert page.desk.viewer.isVisible()
        assert any("never diagnosis" in text for text in label_texts(window))
        assert shown_buttons(page) == set()
        assert not any("films read" in text for text in label_texts(page))
        QTest.keyClick(page.desk.viewer.panes[0], Key.Key_Escape)
        assert not window.isFullScreen()
        assert page.desk.list.isVisible()
        assert page.desk.panel.isVisible()
        assert application.window._rail.isVisible()

        desk, films = page.desk, list(application.reading.films.values())

        def key(*keys: Key) -> None:
            for one in keys:
                QTest.keyClick(QApplication.focusWidget() or window, one)

        application.window.show_page(0)
        QTest.keySequence(window, QKeySequence(f"Ctrl+{READ + 1}"))
        wait_until(lambda: application.window.page == READ)  # the button is seen to go down
        QTest.keySequence(window, QKeySequence(QKeySequence.StandardKey.Find))
        key(Key.Key_Down)  # out of the field, into the list
        key(Key.Key_Down)
        wait_until(lambda: desk.current is films[1])
        key(Key.Key_O)  # the list leaves letters to the viewer
        assert not desk.viewer.is_heat_shown
        key(Key.Key_Return, Key.Key_Right)
        wait_until(lambda: desk.current is films[2])
        key(Key.Key_D)
        assert desk.viewer.n_panes == 2
        wait_until(lambda: not application.window._is_at_work())

        # A window that is closed in full screen has its frame the next time.
        application.window.set_full_screen(True)
        application.window.close()
        assert not window.isFullScreen()
