"""The quiz in the window: its settings before it begins, and the step it is at."""

from collections import Counter

from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtGui import QHideEvent, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QStackedWidget,
    QWidget,
)

from app.i18n import language, listing, tr
from app.quiz.question import QuizQuestion, QuizReview
from app.quiz.score import QuizScore
from app.quiz.viewmodel import QuizViewModel
from app.settings import Theme
from app.widgets.labels import card, plain_label, show_text
from app.widgets.layouts import h_box, scroll_area, v_box
from app.widgets.page import SubPage, TranslatedWidget, primary_button
from app.widgets.setting_fields import TEXT_MARGIN_PX, WheelGuard
from core.quiz.films import QuizPool
from core.quiz.session import MAX_LEARNER_LENGTH, N_FILMS_RANGE, SEED_RANGE

CARD_PX = 620
FIELD_PX = 150
MAX_NAMED = 6  # classes


class QuizStart(TranslatedWidget):
    """Settings of the next quiz, and one button to begin."""

    closed = Signal()  # the user goes back to reading

    def __init__(self, model: QuizViewModel) -> None:
        super().__init__()
        self._model = model
        self._title = plain_label("pageTitle")
        self._about = plain_label(wraps=True)
        self._facts, self._left_out = plain_label(wraps=True), plain_label("muted", wraps=True)
        self._warning = plain_label("warning", wraps=True)
        self._films, self._seed = QSpinBox(), QSpinBox()
        self._films.setMinimum(N_FILMS_RANGE[0])
        self._seed.setRange(*SEED_RANGE)
        self._learner = QLineEdit()
        self._learner.setMaxLength(MAX_LEARNER_LENGTH)
        self._truth, self._heat, self._learned = QCheckBox(), QCheckBox(), QCheckBox()
        self._start, self._back = primary_button(), QPushButton()
        self._names = {field: plain_label() for field in (self._films, self._seed, self._learner)}
        WheelGuard(self, self._films, self._seed)
        self._lay_out()
        self._connect()
        self.retranslate()

    def focus(self) -> None:
        """Be where the keys go."""
        self._start.setFocus(Qt.FocusReason.OtherFocusReason)

    def _lay_out(self) -> None:
        form = self._form = QFormLayout()
        form.setHorizontalSpacing(14)
        form.setVerticalSpacing(8)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for field, name in self._names.items():
            if isinstance(field, QSpinBox):
                field.setFixedWidth(FIELD_PX)
                field.lineEdit().setTextMargins(TEXT_MARGIN_PX, 0, 0, 0)
            name.setBuddy(field)
            form.addRow(name, field)
        buttons = h_box(self._start, None, self._back, spacing=8)
        panel = card()
        panel.setMaximumWidth(CARD_PX)
        v_box(
            self._title,
            self._about,
            _line(),
            self._facts,
            self._left_out,
            self._warning,
            form,
            self._truth,
            self._heat,
            self._learned,
            4,
            buttons,
            owner=panel,
            margins=(24, 18, 24, 18),
            spacing=10,
        )
        ground = QWidget()
        ground.setObjectName("bare")
        row = QHBoxLayout(ground)
        row.addStretch(1)
        row.addWidget(panel, 8, Qt.AlignmentFlag.AlignVCenter)
        row.addStretch(1)
        v_box(scroll_area(ground, only_vertical=True), owner=self)

    def _connect(self) -> None:
        model = self._model
        self._films.valueChanged.connect(lambda n: model.change(n_films=n))
        self._seed.valueChanged.connect(lambda seed: model.change(seed=seed))
        self._learner.textChanged.connect(lambda text: model.change(learner=text.strip()))
        self._truth.toggled.connect(lambda is_on: model.change(shows_truth=is_on))
        self._heat.toggled.connect(lambda is_on: model.change(allows_heat_map=is_on))
        self._learned.toggled.connect(lambda is_on: model.change(with_learned=is_on))
        self._start.clicked.connect(model.start)
        here = Qt.ShortcutContext.WidgetWithChildrenShortcut
        for key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            QShortcut(QKeySequence(key), self, context=here).activated.connect(model.start)
        self._back.clicked.connect(self.closed)
        model.changed.connect(self.show_state)

    def retranslate(self) -> None:
        self._title.setText(tr("Quiz"))
        self._about.setText(
            tr(
                "Films come one by one. First you say alone what each shows; then you hear the "
                "model and may change your answer. At the end a score card tells how you did "
                "alone, how the model did, and how both did together."
            )
        )
        for field, name, tip in (
            (self._films, tr("Number of films"), tr("About equally many of each class")),
            (self._seed, tr("Seed"), tr("The same seed asks the same films in the same order")),
            (self._learner, tr("Learner"), tr("Name or number for the teacher's table; optional")),
        ):
            self._names[field].setText(name)
            field.setAccessibleName(name)
            field.setToolTip(tip)
        self._learner.setPlaceholderText(tr("Name or number for the teacher's table; optional"))
        self._truth.setText(tr("Show the truth after each film; else only at the end"))
        self._heat.setText(tr("Allow the heat map with the model's opinion"))
        self._start.setText(tr("Start the quiz"))
        self._back.setText(tr("Back to reading"))
        self.show_state()

    @Slot()
    def show_state(self) -> None:
        """Show settings and films as they are now."""
        model, settings = self._model, self._model.settings
        if model.session is not None:
            return
        pool = model.pool
        n, least = model.n_usable, N_FILMS_RANGE[0]
        fields = (self._films, self._seed, self._learner, self._truth, self._heat, self._learned)
        blockers = [QSignalBlocker(field) for field in fields]
        self._films.setMaximum(max(least, n))
        self._films.setValue(min(settings.n_films or n, max(least, n)))
        self._films.setSuffix(tr(" of {n}", n=n))
        self._seed.setValue(settings.seed)
        if self._learner.text().strip() != settings.learner:
            self._learner.setText(settings.learner)
        self._truth.setChecked(settings.shows_truth)
        self._heat.setChecked(settings.allows_heat_map)
        self._learned.setChecked(settings.with_learned)
        del blockers
        self._learned.setVisible(pool is not None and pool.n_learned > 0)
        if pool is not None:
            self._learned.setText(
                tr("Also ask about films that the model has learned ({n})", n=pool.n_learned)
            )
        for field in fields:
            field.setEnabled(pool is not None)
        self._start.setEnabled(model.can_start)
        show_text(self._facts, self._facts_line(pool))
        show_text(self._left_out, _left_out_lines(pool, settings.with_learned))
        show_text(self._warning, self._warning_line(pool))

    def _facts_line(self, pool: QuizPool | None) -> str:
        shown = self._model.card
        if pool is None or shown is None or not self._model.n_usable:
            return ""
        usable = pool.usable(with_learned=self._model.settings.with_learned)
        counts = Counter(film.label for film in usable)
        parts = [
            tr("{n} {name}", n=counts[label], name=shown.display_names[folder][language()])
            for label, folder in enumerate(shown.classes)
            if counts[label]
        ]
        if len(parts) > MAX_NAMED:
            return tr("{n} films of {classes} classes", n=len(usable), classes=len(parts))
        return tr("{n} films to ask about: {parts}", n=len(usable), parts=listing(parts))

    def _warning_line(self, pool: QuizPool | None) -> str:
        if pool is None:
            return tr(
                "A quiz needs a model and films whose class is known. Open a model and a dataset "
                "sorted into class folders, then come back."
            )
        n, least = self._model.n_usable, N_FILMS_RANGE[0]
        if n < least:
            return tr(
                "Only {n} films can be asked about, and a quiz needs at least {least}. Open a "
                "dataset that the model has not learned from.",
                n=n,
                least=least,
            )
        if self._model.settings.with_learned and pool.n_learned:
            return tr(
                "The model knows the answers of the films it has learned, so its score and yours "
                "with it will be too good. They are marked in the table."
            )
        return ""


def _left_out_lines(pool: QuizPool | None, with_learned: bool) -> str:
    if pool is None:
        return ""
    lines = []
    if pool.n_learned and not with_learned:
        lines.append(
            tr("{n} films are left out because the model has learned them.", n=pool.n_learned)
        )
    if pool.n_copies:
        lines.append(tr("{n} copies of films are left out.", n=pool.n_copies))
    if pool.n_contradictory:
        lines.append(
            tr(
                "{n} films are left out because they lie in two classes.",
                n=pool.n_contradictory,
            )
        )
    if pool.n_strange:
        lines.append(
            tr(
                "{n} films are left out because the model does not know their class.",
                n=pool.n_strange,
            )
        )
    return "\n".join(lines)


def _line() -> QFrame:
    line = QFrame()
    line.setFrameShape(QFrame.Shape.HLine)
    line.setObjectName("muted")
    return line


class QuizView(SubPage):
    """The quiz at its present step; its clock runs only while it is in sight."""

    def __init__(self, model: QuizViewModel) -> None:
        super().__init__()
        self._model = model
        self._start, self._question = QuizStart(model), QuizQuestion(model)
        self._score, self._review = QuizScore(model), QuizReview(model)
        self._stack = QStackedWidget()
        for part in (self._start, self._question, self._score, self._review):
            self._stack.addWidget(part)
        v_box(self._stack, owner=self)
        self._start.closed.connect(self.closed)
        self._score.closed.connect(self._on_score_closed)
        self._review.closed.connect(lambda: model.review(None))
        model.changed.connect(self._on_model_changed)
        model.set_in_sight(False)
        self._on_model_changed()

    def apply_theme(self, theme: Theme) -> None:
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
