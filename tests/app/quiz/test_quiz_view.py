import csv
import dataclasses
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QTextDocument
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QFileDialog,
    QLabel,
    QLineEdit,
    QListWidget,
    QMessageBox,
    QScrollArea,
    QSpinBox,
    QTableWidget,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.i18n import set_language
from app.quiz.answers import AnswerChoice, AnswerRow
from app.quiz.start import QuizView
from app.quiz.viewmodel import QuizViewModel
from app.tasks import TaskRunner
from app.widgets.page import TranslatedWidget
from app.widgets.tables import ConfusionMatrixView
from app.widgets.viewer.pane import FilmPane
from core.data.dataset import LoadedDataset
from core.errors import ImageReadError, Message
from core.quiz.films import QuizFilm
from core.quiz.reading import QuizFilmRead, read_quiz_films
from tests.app.hands import button, field, label_texts, press, table_rows, wait_until, words
from tests.app.pretended_quiz import Clock, PretendedModel, sources

Key = Qt.Key
Kind = TypeVar("Kind", bound=QWidget)
N_FILMS = 5
HEAT = np.eye(4, dtype=np.float32)


@pytest.fixture
def classifier(loaded: LoadedDataset) -> PretendedModel:
    return PretendedModel(loaded.dataset.classes)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def model(
    runner: TaskRunner, clock: Clock, loaded: LoadedDataset, classifier: PretendedModel
) -> QuizViewModel:
    """A quiz of five films is offered."""
    model = QuizViewModel(runner, clock)
    model.prepare(sources(loaded), classifier)
    model.change(n_films=N_FILMS, allows_heat_map=False)
    return model


@pytest.fixture
def view(qtbot: QtBot, model: QuizViewModel) -> Iterator[QuizView]:
    view = QuizView(model)
    qtbot.addWidget(view)
    view.apply_theme("dark")
    view.resize(900, 600)
    with qtbot.waitExposed(view):
        view.show()
    view.activateWindow()
    yield view
    view.close()


def begin(view: QuizView, model: QuizViewModel) -> None:
    view.activateWindow()  # offscreen, a question that is closed leaves no window active
    press(view, "Start the quiz")
    wait_until(lambda: model.stage == "alone")


def hit(key: Qt.Key) -> None:
    """Press a key, whoever has the focus."""
    assert QApplication.focusWidget() is not None
    QTest.keyClick(QApplication.focusWidget(), key)


def answer(view: QuizView, model: QuizViewModel, alone: int, final: int) -> None:
    """The film in hand for good, by keys alone; its truth is seen."""
    wait_until(lambda: model.stage == "alone")
    for label in (alone, final):
        hit(Key(Key.Key_1 + label))
        hit(Key.Key_Return)
    if model.stage == "truth":
        hit(Key.Key_Return)


def finish(view: QuizView, model: QuizViewModel) -> None:
    begin(view, model)
    for _ in range(N_FILMS):
        answer(view, model, 1, 0)
    assert model.stage == "over"


def rows(view: QuizView) -> list[AnswerRow]:
    return [row for row in view.findChildren(AnswerRow) if row.isVisible()]


def in_sight(view: QWidget, kind: type[Kind]) -> Kind:
    """The one widget of a kind that is visible."""
    [found] = [one for one in view.findChildren(kind) if one.isVisible()]
    return found


def text(view: QWidget) -> str:
    return "\n".join(label_texts(view))


# Before it begins.


def test_the_films_are_counted_and_what_is_left_out_is_said(
    view: QuizView, model: QuizViewModel, loaded: LoadedDataset
) -> None:
    assert "60 films to ask about: 20 COVID-19, 20 Normal, 20 Viral pneumonia" in text(view)
    assert button(view, "Start the quiz").isEnabled()
    digests = tuple(record.digest for record in loaded.dataset.records)
    knowing = PretendedModel(loaded.dataset.classes[:2], train=digests[:30])
    model.prepare((*sources(loaded), sources(loaded)[31]), knowing)
    shown = text(view)
    assert "30 films are left out because the model has learned them." in shown
    assert "1 copies of films are left out." in shown
    assert "20 films are left out because the model does not know their class." in shown
    [box] = [one for one in view.findChildren(QCheckBox) if "(30)" in one.text()]
    assert "too good" not in shown
    box.click()
    assert model.n_usable == 40
    assert "too good" in text(view)


def test_what_is_missing_for_a_quiz_is_said(
    view: QuizView, model: QuizViewModel, loaded: LoadedDataset, classifier: PretendedModel
) -> None:
    model.prepare((), None)
    assert "Open a model and a dataset" in text(view)
    assert not button(view, "Start the quiz").isEnabled()
    model.prepare(sources(loaded)[:4], classifier)
    assert "Only 4 films can be asked about, and a quiz needs at least 5." in text(view)
    assert not button(view, "Start the quiz").isEnabled()


def test_settings_are_the_teachers(view: QuizView, model: QuizViewModel) -> None:
    field(view, QSpinBox, "Number of films").setValue(12)
    field(view, QSpinBox, "Seed").setValue(7)
    QTest.keyClicks(field(view, QLineEdit, "Learner"), "Li Lei ")
    for box in view.findChildren(QCheckBox):
        if box.isVisible():
            box.click()
    settings = model.settings
    assert (settings.n_films, settings.seed, settings.learner) == (12, 7, "Li Lei")
    assert (settings.shows_truth, settings.allows_heat_map) == (False, True)
    assert field(view, QLineEdit, "Learner").text() == "Li Lei "  # one may go on typing


# Under way.


def test_a_film_is_shown_without_its_name_once_it_is_read(
    view: QuizView, model: QuizViewModel, classifier: PretendedModel
) -> None:
    classifier.gate = threading.Semaphore(0)
    press(view, "Start the quiz")
    pane = in_sight(view, FilmPane)
    assert pane.text == "Reading the film …"
    assert not rows(view)[0].isEnabled()
    for _ in range(9):
        classifier.gate.release()
    wait_until(lambda: model.stage == "alone")
    assert pane.state.film is model.shown.view
    assert not [one for _, one in words(view) if model.shown.film.path.stem in one]
    assert "Film 1 of 5" in text(view)


def test_digits_or_clicks_choose_and_enter_confirms(view: QuizView, model: QuizViewModel) -> None:
    begin(view, model)
    assert not button(view, "Answer").isEnabled()
    QTest.mouseClick(rows(view)[1], Qt.MouseButton.LeftButton)
    assert model.chosen == 1
    hit(Key.Key_3)
    assert [row.isChecked() for row in rows(view)] == [False, False, True]
    hit(Key.Key_Enter)
    assert button(view, "Keep my answer").isEnabled()
    button(view, "Stop here …").setFocus()  # keys still answer
    hit(Key.Key_1)
    assert button(view, "Change my answer").isEnabled()
    hit(Key.Key_Return)
    [given] = model.session.answers
    assert (given.alone, given.final) == (2, 0)


def test_who_answered_what_stands_beside_the_classes(view: QuizView, model: QuizViewModel) -> None:
    def names() -> list[str]:
        return [row.accessibleName() for row in rows(view)]

    begin(view, model)
    truth = model.shown.film.label
    hit(Key.Key_2)
    assert names() == ["COVID-19", "Normal", "Viral pneumonia"]
    assert "The model says" not in text(view)  # not before the learner has answered
    hit(Key.Key_Return)
    assert "The model is sure." in text(view)
    assert names() == ["COVID-19  model", "Normal  you", "Viral pneumonia"]
    hit(Key.Key_3)
    hit(Key.Key_Return)
    assert "you first" in names()[1]
    assert "you now" in names()[2]
    assert [("✓ truth" in name) for name in names()] == [label == truth for label in range(3)]


def test_the_truth_comes_with_a_word_and_the_name_of_the_film(
    view: QuizView, model: QuizViewModel
) -> None:
    begin(view, model)
    film = model.shown.film
    for _ in range(2):
        hit(Key(Key.Key_1 + film.label))
        hit(Key.Key_Return)
    assert "✓ right" in text(view)
    assert any(film.name in label.toolTip() for label in view.findChildren(QLabel))
    assert not rows(view)[0].isEnabled()
    hit(Key.Key_Return)
    wait_until(lambda: model.stage == "alone")
    assert rows(view)[0].isEnabled()
    assert not any(row.isChecked() for row in rows(view))


def test_words_change_with_the_language_and_answers_stay(
    view: QuizView, model: QuizViewModel
) -> None:
    begin(view, model)
    hit(Key.Key_2)
    hit(Key.Key_Return)
    try:
        set_language("zh_CN")
        QApplication.sendEvent(view, QEvent(QEvent.Type.LanguageChange))
        for part in view.findChildren(TranslatedWidget):
            QApplication.sendEvent(part, QEvent(QEvent.Type.LanguageChange))
        assert rows(view)[1].accessibleName().startswith("正常肺部")
        assert rows(view)[1].isChecked()
    finally:
        set_language("en")


def test_the_clock_runs_only_while_the_film_is_in_sight(
    view: QuizView, model: QuizViewModel, clock: Clock
) -> None:
    begin(view, model)
    clock.now += 7
    view.hide()
    clock.now += 100
    view.show()
    clock.now += 1
    assert model.seconds == 8
    wait_until(lambda: "0:08" in text(view))


def test_letters_change_how_the_film_is_seen(view: QuizView, model: QuizViewModel) -> None:
    begin(view, model)
    pane = in_sight(view, FilmPane)
    hit(Key.Key_I)
    assert pane.state.is_inverted
    before = pane.geometry_now.scale
    hit(Key.Key_Plus)
    assert pane.geometry_now.scale > before
    assert model.chosen is None


def test_stopping_early_asks_first(view: QuizView, model: QuizViewModel) -> None:
    begin(view, model)
    press(view, "Stop here …")  # before the first answer there is nothing to ask about
    begin(view, model)
    answer(view, model, 0, 0)
    wait_until(lambda: model.stage == "alone")
    press(view, "Stop here …")
    [box] = view.findChildren(QMessageBox)
    assert box.text() == "Stop after 1 of 5 films?"
    press(box, "Go on")
    assert model.stage == "alone"
    press(view, "Stop here …")
    press(next(one for one in view.findChildren(QMessageBox) if one.isVisible()), "Stop the quiz")
    assert model.stage == "over"
    assert "The quiz was stopped early: 1 of 5 films were answered." in text(view)


# The heat map.


@pytest.fixture
def _heat(model: QuizViewModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """A heat map comes with every opinion: all heat in one corner."""

    def read_all(
        classifier: PretendedModel, films: Sequence[QuizFilm], *, with_heat: bool
    ) -> Iterator[object]:
        for event in read_quiz_films(classifier, films, with_heat=False):  # type: ignore[arg-type]
            assert isinstance(event, QuizFilmRead)
            yield dataclasses.replace(event, heat=HEAT) if with_heat else event

    monkeypatch.setattr("app.quiz.viewmodel.read_quiz_films", read_all)
    model.change(allows_heat_map=True)


@pytest.mark.usefixtures("_heat")
def test_the_heat_map_comes_by_a_key_once_the_model_is_heard(
    view: QuizView, model: QuizViewModel
) -> None:
    begin(view, model)
    pane = in_sight(view, FilmPane)
    hit(Key.Key_O)
    assert pane.overlays.heat is None
    hit(Key.Key_1)
    hit(Key.Key_Return)
    assert pane.overlays.visible_heat is None  # the film is to be seen first
    before = pane.grab().toImage()
    hit(Key.Key_O)
    assert pane.overlays.visible_heat is not None
    assert pane.grab().toImage() != before
    hit(Key.Key_Return)
    hit(Key.Key_Return)
    wait_until(lambda: model.stage == "alone")
    assert pane.overlays.heat is None
    hit(Key.Key_1)
    hit(Key.Key_Return)
    assert pane.overlays.visible_heat is not None  # as it was left
    press(view, "Stop here …")
    press(in_sight(view, QMessageBox), "Stop the quiz")
    press(view, "Another quiz")
    model.change(allows_heat_map=False)
    begin(view, model)
    hit(Key.Key_1)
    hit(Key.Key_Return)
    assert pane.overlays.heat is None
    boxes = [one for one in view.findChildren(QCheckBox) if "Heat map of" in one.text()]
    assert not any(box.isVisible() for box in boxes)


# The score card.


def test_the_score_card_tells_of_three_readers_and_of_every_film(
    view: QuizView, model: QuizViewModel
) -> None:
    finish(view, model)  # every answer goes from Normal to the model's COVID-19
    matrices = [one for one in view.findChildren(ConfusionMatrixView) if one.isVisible()]
    assert len(matrices) == 3
    shown = [table_rows(one) for one in view.findChildren(QTableWidget) if one.isVisible()]
    summary, sensitivities, films = shown
    assert [row[0] for row in summary] == ["You alone", "The model alone", "You with the model"]
    assert summary[0][1] == f"{model.score.alone.n_right} of 5"
    assert all("to" in cell for cell in summary[0][2:4])  # intervals
    assert {row[0] for row in sensitivities} <= {"COVID-19", "Normal", "Viral pneumonia"}
    assert all("%" in cell for row in sensitivities for cell in row[1:])
    assert len(films) == N_FILMS
    for row in films:
        assert row[3] == ("✓ Normal" if row[2] == "Normal" else "× Normal")
        assert row[5] == ("✓ COVID-19" if row[2] == "COVID-19" else "× COVID-19")
    said, n = text(view), model.score.influence.n_misled
    assert n > 0
    assert f"It talked you into a wrong answer on {n} of them." in said
    assert "automation bias" in said
    assert "5 films are few" in said


def test_after_a_quiz_one_goes_on_to_another_or_back_to_reading(
    qtbot: QtBot, view: QuizView, model: QuizViewModel
) -> None:
    finish(view, model)
    scroll = QApplication.focusWidget()
    assert isinstance(scroll, QScrollArea)
    hit(Key.Key_PageDown)
    assert scroll.verticalScrollBar().value() > 0
    press(view, "Another quiz")
    assert model.stage is None
    assert field(view, QSpinBox, "Seed").value() == 2
    hit(Key.Key_Return)  # starts the next one
    assert model.stage is not None
    press(view, "Stop here …")
    with qtbot.waitSignal(view.closed):
        press(view, "Back to reading")


def test_signed_answers_are_not_left_unsaved_without_asking(
    qtbot: QtBot, view: QuizView, model: QuizViewModel, tmp_path: Path
) -> None:
    model.change(learner="Li Lei")
    finish(view, model)
    press(view, "Another quiz")
    press(in_sight(view, QMessageBox), "Stay")
    assert model.stage == "over"
    with qtbot.waitSignal(view.closed):
        press(view, "Back to reading")
        press(in_sight(view, QMessageBox), "Leave without saving")
    assert model.stage is None
    finish(view, model)
    QTest.keyClick(QApplication.focusWidget(), Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    [dialog] = view.findChildren(QFileDialog)
    dialog.fileSelected.emit(str(tmp_path / "quiz.csv"))
    dialog.close()
    with (tmp_path / "quiz.csv").open(encoding="utf-8-sig", newline="") as file:
        assert len([row for row in csv.reader(file) if row and row[0].isdigit()]) == N_FILMS
    assert f"Saved in {tmp_path / 'quiz.csv'}" in text(view)
    press(view, "Another quiz")
    assert model.stage is None


def test_where_no_film_can_be_read_the_reasons_are_told(
    view: QuizView, model: QuizViewModel, loaded: LoadedDataset, tmp_path: Path
) -> None:
    gone = [dataclasses.replace(one, path=tmp_path / "gone.png") for one in sources(loaded)[:5]]
    model.prepare(gone, PretendedModel(loaded.dataset.classes))
    press(view, "Start the quiz")
    wait_until(lambda: model.stage == "over")
    assert "5 films could not be read:" in text(view)
    assert "No film was answered." in text(view)
    assert not button(view, "Save table …").isEnabled()


# The films again.


@pytest.fixture
def reviewed(view: QuizView, model: QuizViewModel) -> QuizView:
    """The second film of a quiz that is over."""
    finish(view, model)
    films = [one for one in view.findChildren(QTableWidget) if one.isVisible()][2]
    films.activated.emit(films.model().index(1, 0))
    wait_until(lambda: model.reviewed is not None)
    return view


def test_films_can_be_looked_at_again_with_all_that_was_said(
    reviewed: QuizView, model: QuizViewModel, classifier: PretendedModel
) -> None:
    answer = model.session.answers[1]
    pane = in_sight(reviewed, FilmPane)
    assert pane.state.film is model.reviewed.view
    assert "Film 2 of 5" in text(reviewed)
    names = [row.accessibleName() for row in rows(reviewed)]
    assert "you first" in names[1]
    assert {"you now", "model"} <= set(names[0].replace("  ", ", ").split(", "))
    assert "✓ truth" in names[answer.film.label]
    assert "The model says" in text(reviewed)
    hit(Key.Key_Right)
    assert (model.reviewing, pane.text) == (2, "Reading the film …")
    wait_until(lambda: model.reviewed is not None)
    for _ in range(9):
        hit(Key.Key_Left)
    assert model.reviewing == 0
    assert not button(reviewed, "Previous").isEnabled()
    wait_until(lambda: model.reviewed is not None)
    classifier.error = ImageReadError(Message("{file} is gone.", file="x.png"))
    hit(Key.Key_Right)
    wait_until(lambda: model.review_refusal is not None)
    assert pane.text.endswith(".png is gone.")
    assert "The model says" not in text(reviewed)
    hit(Key.Key_Escape)
    assert model.reviewing is None
    assert "Score card" in text(reviewed)


# Foreign names, many classes, small windows.


@pytest.fixture
def many(model: QuizViewModel, loaded: LoadedDataset, view: QuizView) -> None:
    """A model of a thousand classes, some of which look like markup, is offered."""
    names = [*loaded.dataset.classes, *(f"<b>class {number}</b>" for number in range(997))]
    model.prepare(sources(loaded), PretendedModel(names))


@pytest.mark.usefixtures("many")
def test_with_many_classes_one_searches(view: QuizView, model: QuizViewModel) -> None:
    begin(view, model)
    choice = in_sight(view, AnswerChoice)
    listed = field(choice, QListWidget, "Your answer")
    assert listed.count() == 1000
    QTest.keyClicks(QApplication.focusWidget(), "class 41")
    assert model.chosen is None  # digits are typed, not pressed
    shown = [row for row in range(1000) if not listed.item(row).isHidden()]
    assert "class 41<" in listed.item(shown[0]).text()
    listed.setCurrentRow(shown[0])
    assert model.chosen == shown[0]
    hit(Key.Key_Return)
    assert model.stage == "with_model"
    assert choice.isEnabled()


@pytest.mark.usefixtures("many")
def test_of_many_classes_the_matrices_have_those_that_were_named(
    view: QuizView, model: QuizViewModel
) -> None:
    begin(view, model)
    assert view.minimumSizeHint().height() <= 520  # a thousand classes leave the window as it is
    while model.stage != "over":
        wait_until(lambda: model.stage != "waiting")
        model.choose(7)
        model.confirm()
    matrices = view.findChildren(ConfusionMatrixView)
    assert len({matrix.sizeHint().width() for matrix in matrices}) == 1
    assert matrices[0].sizeHint().width() < 600  # the three of the dataset, and one more
    assert view.minimumSizeHint().height() <= 520
    assert not view.grab().isNull()


def test_foreign_names_are_shown_as_they_are(
    view: QuizView, model: QuizViewModel, loaded: LoadedDataset
) -> None:
    bold, picture = "<b>bold</b>", "<img src='secret.png'>"
    names = (bold, picture, "NORMAL")
    foreign = [
        dataclasses.replace(one, name=f"{picture}{number}.png", true_class=names[number % 3])
        for number, one in enumerate(sources(loaded)[:9])
    ]
    model.prepare(foreign, PretendedModel(names))
    begin(view, model)
    for _ in range(2):
        hit(Key.Key_1)
        hit(Key.Key_Return)
    for label in view.findChildren(QLabel):
        assert label.textFormat() == Qt.TextFormat.PlainText, label.text()
    for where, tip in words(view):
        if "tooltip" in where and ("bold" in tip or "secret" in tip):
            document = QTextDocument()
            document.setHtml(tip)
            assert "<" in document.toPlainText()


def test_all_parts_fit_into_small_and_large_windows(
    view: QuizView, model: QuizViewModel, loaded: LoadedDataset
) -> None:
    names = [*loaded.dataset.classes, *(f"class {number}" for number in range(6))]
    for size, n_classes in (((820, 490), 9), ((1820, 950), 3)):
        model.prepare(sources(loaded), PretendedModel(names[:n_classes]))
        view.resize(*size)
        finish(view, model)
        assert view.size().toTuple() == size
        assert not view.grab().isNull()
        model.leave()
