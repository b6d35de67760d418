"""One film of the quiz: the learner's answer, the model's opinion, the truth."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import (
    QColor,
    QFont,
    QHideEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QShortcut,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app import theme as styling
from app.i18n import duration, language, listing, say, tr
from app.quiz.answers import MOST_BUTTONS, AnswerChoice
from app.quiz.score import answer_marks
from app.quiz.viewmodel import QuizViewModel
from app.settings import Theme
from app.widgets.dialogs import ask
from app.widgets.labels import ElidedLabel, card, plain_label, show_text
from app.widgets.page import TranslatedWidget, primary_button
from app.widgets.signs import VerdictSign
from app.widgets.viewer.commands import Command
from app.widgets.viewer.pane import FilmPane
from app.widgets.viewer.picture import STEP
from core.prediction.reading import FilmResult
from core.prediction.verdict import Opinion
from core.quiz.session import QuizSession

SCORE_ROW_PX = 44
SCORE_BAR_PX = 8


class ScoreBars(QWidget):
    """Probabilities as bars; the highest is bold and has the accent's colour."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[tuple[str, float]] = []
        self._accent, self._muted, self._track = QColor(), QColor(), QColor()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)

    def show_scores(self, names: Sequence[str], probabilities: Sequence[float]) -> None:
        """Draw one row a class, the most probable first."""
        pairs = zip(names, (float(p) for p in probabilities), strict=True)
        self._rows = sorted(pairs, key=lambda row: -row[1])
        self.setAccessibleName(", ".join(f"{name} {p:.1%}" for name, p in self._rows))
        self.updateGeometry()
        self.update()

    def show_colours(self, accent: str, muted: str, track: str) -> None:
        """Take a theme's colours."""
        self._accent, self._muted, self._track = QColor(accent), QColor(muted), QColor(track)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(220, max(1, len(self._rows)) * self._row_height())

    def minimumSizeHint(self) -> QSize:
        return QSize(160, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        height, width = self._row_height(), self.width()
        for place, (name, probability) in enumerate(self._rows):
            top, is_first = place * height, place == 0
            font = QFont(self.font())
            font.setBold(is_first)
            painter.setFont(font)
            painter.setPen(self.palette().text().color())
            number = f"{probability:.1%}"
            number_width = painter.fontMetrics().horizontalAdvance(number)
            text_height = height - SCORE_BAR_PX - 12
            room = QRectF(0, top, width - number_width - 8, text_height)
            fitting = painter.fontMetrics().elidedText(
                name, Qt.TextElideMode.ElideRight, int(room.width())
            )
            painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter), fitting)
            painter.drawText(
                QRectF(width - number_width, top, number_width, text_height),
                int(Qt.AlignmentFlag.AlignVCenter),
                number,
            )
            bar = QRectF(0, top + text_height + 2, width, SCORE_BAR_PX)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._track)
            painter.drawRoundedRect(bar, 3, 3)
            painter.setBrush(self._accent if is_first else self._muted)
            bar.setWidth(max(2.0, width * probability))
            painter.drawRoundedRect(bar, 3, 3)

    def _row_height(self) -> int:
        return max(SCORE_ROW_PX, self.fontMetrics().height() + SCORE_BAR_PX + 16)


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


MAX_NAMED = 4  # classes
LEAST_PX = 90  # high; more is scrolled to


class OpinionCard(TranslatedWidget):
    """Probabilities, how sure the model is, and the verdict on it."""

    heat_toggled = Signal(bool)  # whether the heat map is to be seen

    def __init__(self) -> None:
        super().__init__()
        self._said: tuple[tuple[str, ...], FilmResult] | None = None
        self._title = plain_label("sectionTitle")
        self._verdict = VerdictSign()
        self._bars = ScoreBars()
        self._sure, self._reasons = plain_label(wraps=True), plain_label("muted", wraps=True)
        self._heat = QCheckBox()  # off at first: the film is to be seen
        self._heat.toggled.connect(self.heat_toggled)
        head = QHBoxLayout()
        head.addWidget(self._title)
        head.addStretch()
        head.addWidget(self._verdict)
        inside = QWidget()
        inside.setObjectName("bare")
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 8, 0)
        column.setSpacing(6)
        column.addLayout(head)
        column.addWidget(self._bars)
        column.addWidget(self._heat)
        column.addWidget(self._sure)
        column.addWidget(self._reasons)
        column.addStretch()
        self._scroll = QScrollArea()
        self._scroll.setWidget(inside)
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setMinimumHeight(LEAST_PX)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._scroll)
        self.retranslate()

    @property
    def is_heat_wanted(self) -> bool:
        """True where the heat map is to be seen."""
        return self._heat.isChecked()

    def toggle_heat(self) -> None:
        """Switch the heat map on or off, where there is one."""
        if self._heat.isVisible():
            self._heat.toggle()

    def show_opinion(
        self, names: Sequence[str], result: FilmResult, *, has_heat: bool = False
    ) -> None:
        """Show what the model says.

        Args:
            names: Of the classes, in the order of their labels; foreign text.
            result: Of the film.
            has_heat: Whether there is a heat map to be switched on and off.
        """
        is_new = self._said is None or self._said[1] is not result
        self._said = tuple(names), result
        self._heat.setVisible(has_heat)
        self.retranslate()
        if is_new:
            self._scroll.verticalScrollBar().setValue(0)

    def show_colours(self, colours: Mapping[str, str]) -> None:
        """Take a theme's colours."""
        self._bars.show_colours(colours["accent"], colours["muted"], colours["raised"])
        self._verdict.show_colours(colours)

    def retranslate(self) -> None:
        self._title.setText(tr("The model says"))
        self._heat.setText(tr("Heat map of its answer (O)"))
        unchecked = tr("Not examined here: the Read page tells whether a heat map can be trusted.")
        self._heat.setToolTip(unchecked)
        self._heat.setAccessibleDescription(unchecked)
        if self._said is None:
            return
        names, result = self._said
        opinion, verdict = result.opinion, result.verdict
        self._bars.show_scores(names, list(opinion.probabilities))
        self._verdict.show_verdict(verdict.level)
        self._sure.setText(_sure_line(names, opinion))
        self._reasons.setText("\n".join(say(reason) for reason in verdict.reasons))


def _sure_line(names: Sequence[str], opinion: Opinion) -> str:
    if opinion.is_sure:
        return tr("The model is sure.")
    possible = [names[label] for label in opinion.candidates]
    if not possible:
        return tr("The model is not sure of any class.")
    if len(possible) > MAX_NAMED:
        return tr("The model is not sure: {n} classes remain possible.", n=len(possible))
    return tr("The model is not sure: it may be {classes}.", classes=listing(possible))


if TYPE_CHECKING:  # loads Paddle
    from core.quiz.reading import QuizFilmRead

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
        head = QHBoxLayout()
        head.addWidget(self._progress)
        head.addStretch()
        head.addWidget(self._clock)
        side = _side_of(self, self._pane)
        side.addLayout(head)
        side.addWidget(self._bar)
        side.addSpacing(2)
        side.addWidget(self._asks)
        side.addWidget(self._tells)
        side.addWidget(self._file)
        side.addWidget(self._answers)
        side.addWidget(self._opinion, 1)
        side.addStretch()
        side.addWidget(self._help)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self._stop)
        buttons.addWidget(self._confirm, 1)
        side.addLayout(buttons)

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


def _marks(session: QuizSession, heard: "QuizFilmRead | None") -> list[tuple[str, int]]:
    """Return who gave which answer, as far as the learner may know."""
    marks: list[tuple[str, int]] = []
    if session.stage == "truth":
        marks += answer_marks(session.answers[-1])
    elif session.alone is not None:
        marks.append((tr("you"), session.alone))
    if heard is not None:
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
        side = _side_of(self, self._pane)
        for part in (self._progress, self._file, self._verdict, self._answers):
            side.addWidget(part)
        side.addWidget(self._opinion, 1)
        side.addStretch()
        steps = QHBoxLayout()
        steps.setSpacing(8)
        steps.addWidget(self._previous, 1)
        steps.addWidget(self._next, 1)
        side.addLayout(steps)
        side.addWidget(self._back)

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
        marks = [*answer_marks(answer), (tr("model"), answer.model.predicted)]
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


def _side_of(part: QWidget, pane: FilmPane) -> QVBoxLayout:
    """Lay out a pane and a card at its right; return the layout of the card."""
    panel = card()
    panel.setFixedWidth(PANEL_PX)
    side = QVBoxLayout(panel)
    side.setContentsMargins(MARGIN_PX, 12, MARGIN_PX, 12)
    side.setSpacing(8)
    layout = QHBoxLayout(part)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(12)
    layout.addWidget(pane, 1)
    layout.addWidget(panel)
    return side
