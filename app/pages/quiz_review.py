"""After a quiz: look at its films again, with all that was said of them."""

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout

from app import resources
from app.pages.page import primary_button
from app.pages.quiz_question import MARGIN_PX, PANEL_PX
from app.pages.quiz_words import answer_marks
from app.settings import Theme
from app.translation import language, say, tr
from app.viewmodels.quiz import QuizViewModel
from app.widgets.labels import card, plain_label
from app.widgets.quiz.answer_choice import AnswerChoice
from app.widgets.quiz.file_line import FileLine
from app.widgets.quiz.film_controls import add_viewer_keys, lay_heat
from app.widgets.quiz.opinion_card import OpinionCard
from app.widgets.translated import TranslatedWidget
from app.widgets.viewer.film_pane import FilmPane


class QuizReview(TranslatedWidget):
    """One film of a quiz that is over; the arrow keys go on to others."""

    closed = Signal()  # back to the score card

    def __init__(self, model: QuizViewModel) -> None:
        super().__init__()
        self._model = model
        self._shown: object = None  # what was read for the film in the pane
        self._pane = FilmPane()
        self._progress, self._file = plain_label("sectionTitle"), FileLine()
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
        colours = resources.colours(theme)
        self._answers.show_colours(colours)
        self._opinion.show_colours(colours)

    def _lay_out(self) -> None:
        panel = card()
        panel.setFixedWidth(PANEL_PX)
        side = QVBoxLayout(panel)
        side.setContentsMargins(MARGIN_PX, 12, MARGIN_PX, 12)
        side.setSpacing(8)
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
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        layout.addWidget(self._pane, 1)
        layout.addWidget(panel)

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
        self._file.show_file(answer.film.name)
        self._verdict.setText(tr("✓ right") if is_right else tr("× wrong"))
        self._answers.show_classes(names)
        self._answers.show_answer(answer.final)
        marks = [*answer_marks(answer), (tr("model"), answer.model.label)]
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
        self._opinion.show_opinion(
            names, read.opinion, read.verdict, has_heat=read.heat is not None
        )
        if read is not self._shown:
            self._shown = read
            self._pane.show_film(read.view, "")
            self._show_heat()

    @Slot()
    def _show_heat(self) -> None:
        read = self._model.reviewed
        if read is not None:
            lay_heat(self._pane, read.heat, is_shown=self._opinion.is_heat_wanted)
