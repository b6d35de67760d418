"""The quiz: its settings, the films one by one, the score card, the films again."""

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout

from app.pages.quiz_question import QuizQuestion
from app.pages.quiz_review import QuizReview
from app.pages.quiz_score import QuizScore
from app.pages.quiz_start import QuizStart
from app.settings import Theme
from app.viewmodels.quiz import QuizViewModel
from app.widgets.translated import TranslatedWidget


class QuizView(TranslatedWidget):
    """Shows what the quiz has come to; its clock runs only while it is in sight."""

    closed = Signal()  # the user goes back to reading

    def __init__(self, model: QuizViewModel) -> None:
        super().__init__()
        self._model = model
        self._start, self._question = QuizStart(model), QuizQuestion(model)
        self._score, self._review = QuizScore(model), QuizReview(model)
        self._stack = QStackedWidget()
        for part in (self._start, self._question, self._score, self._review):
            self._stack.addWidget(part)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._stack)
        self._start.closed.connect(self.closed)
        self._score.closed.connect(self._on_score_closed)
        self._review.closed.connect(lambda: model.review(None))
        model.changed.connect(self._on_model_changed)
        model.set_in_sight(False)
        self._on_model_changed()

    def apply_theme(self, theme: Theme) -> None:
        """Redraw what the style sheet does not reach."""
        self._question.apply_theme(theme)
        self._score.apply_theme(theme)
        self._review.apply_theme(theme)

    @Slot()
    def _on_model_changed(self) -> None:
        match self._model.stage:
            case None:
                part: QuizStart | QuizQuestion | QuizScore | QuizReview = self._start
            case "over" if self._model.reviewing is not None:
                part = self._review
            case "over":
                part = self._score
            case _:
                part = self._question
        if self._stack.currentWidget() is not part:
            self._stack.setCurrentWidget(part)
            part.focus()

    @Slot()
    def _on_score_closed(self) -> None:
        self._model.leave()
        self.closed.emit()

    # Qt's own.

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._model.set_in_sight(True)
        if self._stack.currentWidget() is self._start:
            self._start.focus()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._model.set_in_sight(False)
