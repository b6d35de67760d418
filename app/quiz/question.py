"""One film of the quiz: the learner's answer, the model's opinion, the truth."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtGui import (
    QHideEvent,
    QKeySequence,
    QShortcut,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QApplication,
    QProgressBar,
    QPushButton,
    QWidget,
)

from app import theme as styling
from app.i18n import duration, language, say, tr
from app.quiz.answers import MOST_BUTTONS, AnswerChoice
from app.quiz.opinion import OpinionCard
from app.quiz.score import answer_marks
from app.quiz.viewmodel import QuizViewModel
from app.settings import Theme
from app.widgets.dialogs import ask
from app.widgets.labels import ElidedLabel, card, plain_label, show_text
from app.widgets.layouts import Part, h_box, v_box
from app.widgets.page import TranslatedWidget, primary_button
from app.widgets.viewer.commands import Command
from app.widgets.viewer.pane import FilmPane
from app.widgets.viewer.picture import STEP
from core.quiz.reading import QuizFilmRead
from core.quiz.session import QuizSession

PANEL_PX, MARGIN_PX = 330, 14
TICK_MS = 250  # of the clock; it shows whole seconds


class QuizQuestion(TranslatedWidget):
    """The film at the left, the answers at the right; digits choose, Enter goes on."""

    def __init__(self, model: QuizViewModel) -> None:
        super().__init__()
        self._model = model
        self._film_shown = ""  # digest
        self._heard: QuizFilmRead | None = None  # whose opinion is shown
        self._pane = FilmPane()
        self._pane.has_facts = False  # its size may tell where a film comes from
        self._progress, self._clock = plain_label("sectionTitle"), plain_label("muted")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._asks = plain_label("figure", wraps=True)
        self._tells = plain_label("muted", wraps=True)
        self._file = ElidedLabel("muted", Qt.TextElideMode.ElideMiddle)
        self._help = plain_label("muted", wraps=True)
        self._answers, self._opinion = AnswerChoice(), OpinionCard()
        self._confirm, self._stop = primary_button(), QPushButton()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._ticking = QTimer(self)
        self._ticking.setInterval(TICK_MS)
        self._lay_out()
        self._connect()
        self._opinion.hide()
        self._file.hide()
        self.retranslate()

    def focus(self) -> None:
        """Be where the keys go."""
        self.setFocus(Qt.FocusReason.OtherFocusReason)
        self._answers.focus_search()

    def apply_theme(self, theme: Theme) -> None:
        """Redraw what the style sheet does not reach."""
        colours = styling.colours(theme)
        self._answers.show_colours(colours)
        self._opinion.show_colours(colours)

    def _lay_out(self) -> None:
        _lay_beside(
            self,
            self._pane,
            h_box(self._progress, None, self._clock),
            self._bar,
            2,
            self._asks,
            self._tells,
            self._file,
            self._answers,
            (self._opinion, 1),
            None,
            self._help,
            h_box(self._stop, (self._confirm, 1), spacing=8),
        )

    def _connect(self) -> None:
        model = self._model
        self._answers.chosen.connect(model.choose)
        self._confirm.clicked.connect(model.confirm)
        self._stop.clicked.connect(self._on_stop_clicked)
        self._ticking.timeout.connect(self._show_clock)
        model.changed.connect(self.show_state)
        here = Qt.ShortcutContext.WidgetWithChildrenShortcut
        # Shortcuts and not key events: whatever has the focus, the keys mean the same.
        for key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            QShortcut(QKeySequence(key), self, context=here).activated.connect(model.confirm)
        add_viewer_keys(self, self._pane, self._opinion.toggle_heat)
        self._opinion.heat_toggled.connect(self._show_heat)
        self._digits = [
            QShortcut(QKeySequence(str(number + 1)), self, context=here)
            for number in range(MOST_BUTTONS)
        ]
        for number, shortcut in enumerate(self._digits):
            shortcut.activated.connect(lambda label=number: model.choose(label))

    def retranslate(self) -> None:
        self._pane.setAccessibleName(tr("Film"))
        self._help.setText(
            tr(
                "Drag with the right button: window and level. Wheel: zoom. I inverts, F fits, M "
                "magnifies."
            )
        )
        self._stop.setText(tr("Stop here …"))
        self._stop.setToolTip(tr("Ends the quiz with the score so far"))
        self._clock.setToolTip(tr("How long you have looked at this film"))
        self.show_state()

    @Slot()
    def show_state(self) -> None:
        """Show the film in hand and what can be done with it."""
        model, session = self._model, self._model.session
        shown = model.card
        if session is None or session.stage == "over" or shown is None:
            self._film_shown = ""
            self._pane.show_message("")
            return
        n, number = len(session.films), len(session.answers) + (session.stage != "truth")
        self._progress.setText(tr("Film {number} of {n}", number=number, n=n))
        self._bar.setRange(0, n)
        self._bar.setValue(len(session.answers))
        self._show_film()
        self._show_answers()
        self._show_words()
        self._confirm.setEnabled(model.can_confirm)
        self._show_clock()

    def _show_film(self) -> None:
        read = self._model.shown
        if read is None:
            self._film_shown = ""
            self._pane.show_message(tr("Reading the film …"))
        elif read.film.digest != self._film_shown:
            self._film_shown = read.film.digest
            # Unnamed: a file name or its folder often tells the class.
            self._pane.show_film(read.view, "")
            self._answers.clear_search()

    def _show_answers(self) -> None:
        model, session, shown = self._model, self._model.session, self._model.card
        assert session is not None
        assert shown is not None
        names = [shown.display_names[name][language()] for name in shown.classes]
        self._answers.show_classes(names)
        for shortcut in self._digits:
            shortcut.setEnabled(self._answers.has_keys)
        heard = model.opinion
        is_truth = session.stage == "truth"
        self._let_answer(session.stage in ("alone", "with_model"))
        self._answers.show_answer(session.answers[-1].final if is_truth else model.chosen)
        self._answers.show_marks(_marks(session, heard))
        self._opinion.setVisible(heard is not None)
        self._help.setVisible(heard is None)
        if heard is not None:
            self._opinion.show_opinion(names, heard.result, has_heat=heard.heat is not None)
            if self._heard is not heard:
                self._show_heat()
        self._heard = heard

    @Slot()
    def _show_heat(self) -> None:
        heard = self._model.opinion
        if heard is not None:
            lay_heat(self._pane, heard.heat, is_shown=self._opinion.is_heat_wanted)

    def _let_answer(self, is_asked: bool) -> None:
        if is_asked == self._answers.isEnabled():
            return
        has_focus = self.isAncestorOf(QApplication.focusWidget() or self._pane)
        self._answers.setEnabled(is_asked)
        if has_focus:  # a field that is switched off would pass it to who knows whom
            self.focus()

    def _show_words(self) -> None:
        model, session = self._model, self._model.session
        assert session is not None
        asks, tells, file, confirms = tr("What does it show?"), "", "", tr("Answer")
        match session.stage:
            case "alone":
                tells = tr("Answer alone first: a digit chooses, Enter confirms.")
            case "with_model" if model.chosen == session.alone:
                asks, confirms = tr("And now?"), tr("Keep my answer")
                tells = tr("Keep your answer, or choose another.")
            case "with_model":
                asks, confirms = tr("And now?"), tr("Change my answer")
                tells = tr("Keep your answer, or choose another.")
            case "truth":
                answer = session.answers[-1]
                is_right = answer.final == answer.film.label
                asks = tr("✓ right") if is_right else tr("× wrong")
                file = answer.film.name
                confirms = tr("Next film") if session.n_left else tr("To the score card")
        self._asks.setText(asks)
        show_text(self._tells, tells)
        self._file.setVisible(bool(file))
        self._file.show_text(file)
        self._confirm.setText(confirms)

    @Slot()
    def _show_clock(self) -> None:
        self._clock.setText(duration(int(self._model.seconds)))

    @Slot()
    def _on_stop_clicked(self) -> None:
        session = self._model.session
        if session is None:
            return
        if not session.answers:
            self._model.end()
            return
        ask(
            self,
            tr("Stop after {done} of {n} films?", done=len(session.answers), n=len(session.films)),
            tr("The score card tells of the films answered so far."),
            yes=tr("Stop the quiz"),
            no=tr("Go on"),
            on_yes=self._model.end,
        )

    # Qt's own.

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._ticking.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._ticking.stop()


def _marks(session: QuizSession, heard: QuizFilmRead | None) -> list[tuple[str, int]]:
    """Return who gave which answer, as far as the learner may know."""
    marks: list[tuple[str, int]] = []
    if session.stage == "truth":
        marks += answer_marks(session.answers[-1])
    elif session.alone is not None:
        marks.append((tr("you"), session.alone))
    if heard is not None and not heard.result.hides_answer:
        marks.append((tr("model"), heard.result.predicted))
    return marks


class QuizReview(TranslatedWidget):
    """One film of a quiz that is over; the arrow keys go on to others."""

    closed = Signal()  # back to the score card

    def __init__(self, model: QuizViewModel) -> None:
        super().__init__()
        self._model = model
        self._shown: object = None  # what was read for the film in the pane
        self._pane = FilmPane()
        self._progress = plain_label("sectionTitle")
        self._file = ElidedLabel("muted", Qt.TextElideMode.ElideMiddle)
        self._verdict = plain_label("figure", wraps=True)
        self._answers, self._opinion = AnswerChoice(), OpinionCard()
        self._answers.setEnabled(False)
        self._previous, self._next, self._back = QPushButton(), QPushButton(), primary_button()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._lay_out()
        self._connect()
        self._opinion.hide()
        self.retranslate()

    def focus(self) -> None:
        """Be where the keys go."""
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def apply_theme(self, theme: Theme) -> None:
        """Redraw what the style sheet does not reach."""
        colours = styling.colours(theme)
        self._answers.show_colours(colours)
        self._opinion.show_colours(colours)

    def _lay_out(self) -> None:
        steps = h_box((self._previous, 1), (self._next, 1), spacing=8)
        parts = (self._progress, self._file, self._verdict, self._answers, (self._opinion, 1))
        _lay_beside(self, self._pane, *parts, None, steps, self._back)

    def _connect(self) -> None:
        self._previous.clicked.connect(lambda: self._go(-1))
        self._next.clicked.connect(lambda: self._go(1))
        self._back.clicked.connect(self.closed)
        here = Qt.ShortcutContext.WidgetWithChildrenShortcut
        for key, slot in (
            (Qt.Key.Key_Left, lambda: self._go(-1)),
            (Qt.Key.Key_Right, lambda: self._go(1)),
            (Qt.Key.Key_Escape, self.closed.emit),
        ):
            QShortcut(QKeySequence(key), self, context=here).activated.connect(slot)
        add_viewer_keys(self, self._pane, self._opinion.toggle_heat)
        self._opinion.heat_toggled.connect(self._show_heat)
        self._model.changed.connect(self.show_state)

    def _go(self, step: int) -> None:
        if self._model.reviewing is not None:
            self._model.review(self._model.reviewing + step)

    def retranslate(self) -> None:
        self._pane.setAccessibleName(tr("Film"))
        self._previous.setText(tr("Previous"))
        self._previous.setToolTip(tr("Previous film (left arrow key)"))
        self._next.setText(tr("Next"))
        self._next.setToolTip(tr("Next film (right arrow key)"))
        self._back.setText(tr("Back to the score card"))
        self.show_state()

    @Slot()
    def show_state(self) -> None:
        """Show the film that is looked at again."""
        model, session, shown = self._model, self._model.session, self._model.card
        place = model.reviewing
        if session is None or shown is None or place is None:
            self._shown = None
            self._pane.show_message("")
            return
        answer, n = session.answers[place], len(session.answers)
        names = [shown.display_names[name][language()] for name in shown.classes]
        is_right = answer.final == answer.film.label
        self._progress.setText(tr("Film {number} of {n}", number=place + 1, n=n))
        self._file.show_text(answer.film.name)
        self._verdict.setText(tr("✓ right") if is_right else tr("× wrong"))
        self._answers.show_classes(names)
        self._answers.show_answer(answer.final)
        marks = answer_marks(answer)
        if not answer.model.hides_answer:
            marks = [*marks, (tr("model"), answer.model.predicted)]
        self._answers.show_marks(marks)
        self._previous.setEnabled(place > 0)
        self._next.setEnabled(place < n - 1)
        read = model.reviewed
        self._opinion.setVisible(read is not None)
        if read is None:
            refused = model.review_refusal
            self._shown = None
            self._pane.show_message(say(refused) if refused else tr("Reading the film …"))
            return
        self._opinion.show_opinion(names, read.result, has_heat=read.heat is not None)
        if read is not self._shown:
            self._shown = read
            self._pane.show_film(read.view, "")
            self._show_heat()

    @Slot()
    def _show_heat(self) -> None:
        read = self._model.reviewed
        if read is not None:
            lay_heat(self._pane, read.heat, is_shown=self._opinion.is_heat_wanted)


def _lay_beside(owner: QWidget, pane: FilmPane, *parts: Part) -> None:
    """Lay out a pane and, at its right, a card with a column of parts."""
    panel = card()
    panel.setFixedWidth(PANEL_PX)
    v_box(*parts, owner=panel, margins=(MARGIN_PX, 12, MARGIN_PX, 12), spacing=8)
    h_box((pane, 1), panel, owner=owner, spacing=12)


def add_viewer_keys(owner: QWidget, pane: FilmPane, toggle_heat: Callable[[], object]) -> None:
    """Let keys that are pressed anywhere in `owner` change how the film is seen."""
    does: dict[Command, Callable[[], object]] = {
        Command.INVERT: pane.invert,
        Command.FIT: pane.fit,
        Command.LARGER: lambda: pane.zoom_by(STEP),
        Command.SMALLER: lambda: pane.zoom_by(1 / STEP),
        Command.RESET: pane.reset,
        Command.HEAT: toggle_heat,
        Command.MAGNIFIER: lambda: pane.set_magnifier(not pane.has_magnifier),
    }
    for command, slot in does.items():
        for key in command.value.keys:
            shortcut = QShortcut(QKeySequence(key), owner)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(slot)


def lay_heat(pane: FilmPane, heat: NDArray[np.float32] | None, *, is_shown: bool) -> None:
    """Lay a heat map (h, w) in [0, 1] over the film, or take it away."""
    pane.overlays.is_heat_shown = is_shown
    pane.overlays.set_heat(heat)
    pane.refresh()
