"""One film of the quiz: the learner's answer, the model's opinion, the truth."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Slot
from PySide6.QtGui import QHideEvent, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QMessageBox,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
)

from app import resources
from app.durations import duration
from app.pages.page import primary_button
from app.pages.quiz_words import answer_marks
from app.settings import Theme
from app.translation import language, tr
from app.viewmodels.quiz import QuizViewModel
from app.widgets.labels import card, plain_label
from app.widgets.quiz.answer_choice import MOST_BUTTONS, AnswerChoice
from app.widgets.quiz.file_line import FileLine
from app.widgets.quiz.film_controls import add_viewer_keys, lay_heat
from app.widgets.quiz.opinion_card import OpinionCard
from app.widgets.translated import TranslatedWidget
from app.widgets.viewer.film_pane import FilmPane
from core.quiz.session import QuizSession

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
        self._file, self._help = FileLine(), plain_label("muted", wraps=True)
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
        colours = resources.colours(theme)
        self._answers.show_colours(colours)
        self._opinion.show_colours(colours)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self._progress)
        head.addStretch()
        head.addWidget(self._clock)
        panel = card()
        panel.setFixedWidth(PANEL_PX)
        side = QVBoxLayout(panel)
        side.setContentsMargins(MARGIN_PX, 12, MARGIN_PX, 12)
        side.setSpacing(8)
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
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        layout.addWidget(self._pane, 1)
        layout.addWidget(panel)

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
            self._opinion.show_opinion(
                names, heard.opinion, heard.verdict, has_heat=heard.heat is not None
            )
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
        self._tells.setText(tells)
        self._tells.setVisible(bool(tells))
        self._file.setVisible(bool(file))
        self._file.show_file(file)
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
        box = QMessageBox(self)
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle(tr("PneumoScope"))
        box.setText(
            tr("Stop after {done} of {n} films?", done=len(session.answers), n=len(session.films))
        )
        box.setInformativeText(tr("The score card tells of the films answered so far."))
        stop = box.addButton(tr("Stop the quiz"), QMessageBox.ButtonRole.AcceptRole)
        box.setDefaultButton(box.addButton(tr("Go on"), QMessageBox.ButtonRole.RejectRole))
        stop.clicked.connect(self._model.end)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowModality(Qt.WindowModality.WindowModal)
        box.open()

    # Qt's own.

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._ticking.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._ticking.stop()


def _marks(session: QuizSession, heard: "QuizFilmRead | None") -> list[tuple[str, int]]:
    """Who gave which answer, as far as the learner may know."""
    marks: list[tuple[str, int]] = []
    if session.stage == "truth":
        marks += answer_marks(session.answers[-1])
    elif session.alone is not None:
        marks.append((tr("you"), session.alone))
    if heard is not None:
        marks.append((tr("model"), heard.opinion.predicted))
    return marks
