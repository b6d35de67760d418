"""After a quiz: how the learner did alone, how the model did, and how both did together."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import (
    QBoxLayout,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app import resources
from app.durations import duration
from app.pages.page import primary_button
from app.pages.quiz_words import (
    caution_lines,
    gain_lines,
    influence_lines,
    share,
    summary_cells,
)
from app.settings import Theme
from app.translation import language, say, tr
from app.viewmodels.quiz import QuizViewModel
from app.widgets.labels import card, plain_label
from app.widgets.quiz.answer_choice import MOST_BUTTONS
from app.widgets.quiz.matrix_row import MatrixRow
from app.widgets.tables import PlainTable
from app.widgets.translated import TranslatedWidget
from core.quiz.score_card import ReaderScore, ScoreCard
from core.quiz.session import QuizAnswer, QuizSession

SIDE_BY_SIDE_PX = 1080  # from this width on, figures and lessons stand beside each other
FILMS_PX = 260  # of the table of films, at least
SECONDS_FROM = 60.0  # above, minutes are read more easily


class QuizScore(TranslatedWidget):
    """The score card, to be scrolled; the buttons stay in sight."""

    closed = Signal()  # the user goes back to reading

    def __init__(self, model: QuizViewModel) -> None:
        super().__init__()
        self._model = model
        self._title, self._subtitle = plain_label("pageTitle"), plain_label("muted", wraps=True)
        self._save, self._again, self._back = QPushButton(), primary_button(), QPushButton()
        self._note = plain_label("muted", wraps=True)
        self._cautions, self._refused = plain_label(wraps=True), plain_label("muted", wraps=True)
        self._summary, self._classes = PlainTable(stretched=0), PlainTable(stretched=0)
        self._films = PlainTable(stretched=1)
        self._matrices = MatrixRow(3)
        self._classes_title, self._films_title = (plain_label("sectionTitle") for _ in range(2))
        self._films_hint = plain_label("muted", wraps=True)
        self._influence_title = plain_label("sectionTitle")
        self._influence, self._explanation = (plain_label(wraps=True) for _ in range(2))
        self._explanation.setObjectName("muted")
        self._lay_out()
        self._save.clicked.connect(self._on_save_clicked)
        saving = QShortcut(QKeySequence(QKeySequence.StandardKey.Save), self)
        saving.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        saving.activated.connect(self._save.click)
        self._again.clicked.connect(lambda: self._leave(model.leave))
        self._films.activated.connect(lambda cell: model.review(cell.row()))
        self._back.clicked.connect(lambda: self._leave(self.closed.emit))
        model.changed.connect(self.show_state)
        model.noted.connect(self._show_note)
        self.retranslate()

    def focus(self) -> None:
        """Be where the keys go: the arrows scroll."""
        self._scroll.setFocus(Qt.FocusReason.OtherFocusReason)
        self._scroll.verticalScrollBar().setValue(0)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self._title)
        head.addStretch()
        for button in (self._back, self._save, self._again):
            head.addWidget(button)
        inside = QWidget()
        inside.setObjectName("bare")
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 8, 0)
        column.setSpacing(12)
        self._figures = QWidget()
        figures = QVBoxLayout(self._figures)
        figures.setContentsMargins(0, 0, 0, 0)
        figures.setSpacing(12)
        self._top = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._top.setSpacing(12)
        self._top.addWidget(_in_card(self._summary, self._cautions, self._explanation), 1)
        self._top.addWidget(_in_card(self._influence_title, self._influence), 1)
        figures.addLayout(self._top)
        figures.addWidget(self._matrices)
        figures.addWidget(_in_card(self._classes_title, self._classes))
        figures.addWidget(_in_card(self._films_title, self._films_hint, self._films))
        column.addWidget(self._refused)
        column.addWidget(self._figures)
        column.addStretch()
        scroll = self._scroll = QScrollArea()
        scroll.setWidget(inside)
        scroll.setWidgetResizable(True)
        scroll.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(head)
        layout.addWidget(self._subtitle)
        layout.addWidget(self._note)
        layout.addWidget(scroll, 1)

    def apply_theme(self, theme: Theme) -> None:
        """Redraw what the style sheet does not reach."""
        self._matrices.show_colours(resources.colours(theme))

    def retranslate(self) -> None:
        self._title.setText(tr("Score card"))
        self._save.setText(tr("Save table …"))
        self._save.setToolTip(tr("A row for each film, for the teacher (CSV)"))
        self._again.setText(tr("Another quiz"))
        self._back.setText(tr("Back to reading"))
        self._matrices.show_words(tr("true class"), tr("answer"))
        self._influence_title.setText(tr("What the model did to your answers"))
        self._classes_title.setText(tr("How much of each class was found (sensitivity)"))
        self._films_title.setText(tr("Film by film"))
        self._films_hint.setText(tr("Double click or Enter: look at the film again."))
        self._explanation.setText(
            tr(
                "In brackets: where the true figure lies, 95 times in 100. Kappa is the agreement "
                "with the truth beyond chance: 1 is perfect, 0 is guessing."
            )
        )
        self.show_state()

    @Slot()
    def show_state(self) -> None:
        """Show what came of the quiz that is over."""
        model, session, score = self._model, self._model.session, self._model.score
        self._show_note()
        if session is None or session.stage != "over":
            return
        self._save.setEnabled(score is not None)
        self._figures.setVisible(score is not None)
        self._refused.setVisible(bool(session.refused))
        self._refused.setText(
            "\n".join(
                [tr("{n} films could not be read:", n=len(session.refused))]
                + [say(refusal.reason) for refusal in session.refused]
            )
        )
        if score is None or model.card is None:
            self._subtitle.setText(tr("No film was answered."))
            return
        names = [model.card.display_names[name][language()] for name in model.card.classes]
        times = score.times
        self._subtitle.setText(
            tr(
                "{n} films in {total}; median {median} a film: {alone} alone, {together} with "
                "the model",
                n=score.alone.n,
                total=duration(times.total),
                median=_span(times.median),
                alone=_span(times.median_alone),
                together=_span(times.median_with_model),
            )
        )
        self._show_figures(score, names, session)
        self._show_films(session, names)

    def _show_figures(self, score: ScoreCard, names: list[str], session: QuizSession) -> None:
        readers = [score.alone, score.model, score.together]
        titles = [tr("You alone"), tr("The model alone"), tr("You with the model")]
        self._summary.show_header([tr("Reader"), tr("Right"), tr("Accuracy"), tr("Kappa")])
        self._summary.show_rows(
            [(title, *summary_cells(one)) for title, one in zip(titles, readers, strict=True)],
            numbers=(1, 2, 3),
        )
        self._summary.fit_height(at_least=200)
        n_asked, n_refused = self._model.n_asked, len(session.refused)
        _say(self._cautions, caution_lines(score, n_asked, n_refused))
        named = _named_labels(readers)
        self._matrices.show_matrices(
            titles,
            [one.confusion[np.ix_(named, named)] for one in readers],
            [names[label] for label in named],
        )
        _say(self._influence, [*influence_lines(score.influence), *gain_lines(score)])
        self._classes.show_header([tr("Class"), *titles])
        self._classes.show_rows(_class_rows(names, readers), numbers=(1, 2, 3))
        self._classes.fit_height(at_least=200)

    def _show_films(self, session: QuizSession, names: list[str]) -> None:
        self._films.show_header(
            [
                tr("No."),
                tr("File"),
                tr("True class"),
                tr("You alone"),
                tr("The model"),
                tr("With the model"),
                tr("Seconds"),
            ]
        )
        self._films.show_rows(
            [_film_row(n, answer, names) for n, answer in enumerate(session.answers, start=1)],
            numbers=(0, 6),
        )
        self._films.fit_height(at_least=FILMS_PX)

    @Slot()
    def _show_note(self) -> None:
        note = self._model.note
        self._note.setText(say(note) if note is not None else "")
        self._note.setVisible(note is not None)

    @Slot()
    def _on_save_clicked(self) -> None:
        dialog = QFileDialog(self, tr("Save the table"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilter(tr("Tables") + " (*.csv)")
        dialog.setDefaultSuffix("csv")
        dialog.selectFile(self._model.table_name)
        dialog.fileSelected.connect(lambda name: self._model.save_table(Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _leave(self, go: Callable[[], object]) -> None:
        """Go away, but not from a signed score card that was not saved without asking."""
        if not self._model.would_be_missed:
            go()
            return
        box = QMessageBox(self)
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle(tr("PneumoScope"))
        box.setText(tr("The answers have not been saved. Leave them?"))
        box.setInformativeText(tr("The teacher will not see them."))
        leave = box.addButton(tr("Leave without saving"), QMessageBox.ButtonRole.AcceptRole)
        box.setDefaultButton(box.addButton(tr("Stay"), QMessageBox.ButtonRole.RejectRole))
        leave.clicked.connect(go)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowModality(Qt.WindowModality.WindowModal)
        box.open()

    # Qt's own.

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        is_wide = event.size().width() >= SIDE_BY_SIDE_PX
        way = QBoxLayout.Direction
        self._top.setDirection(way.LeftToRight if is_wide else way.TopToBottom)


def _named_labels(readers: list[ReaderScore]) -> list[int]:
    """The classes for the matrices: of many, only those that were asked about or answered."""
    n_classes = len(readers[0].confusion)
    if n_classes <= MOST_BUTTONS:
        return list(range(n_classes))
    counts = sum(one.confusion + one.confusion.T for one in readers)
    return np.flatnonzero(np.sum(counts, axis=0)).tolist()


def _class_rows(names: list[str], readers: list[ReaderScore]) -> list[tuple[str, ...]]:
    """A row for each class that was asked about."""
    return [
        (
            name,
            *(share(int(one.confusion[label, label]), one.classes[label].n) for one in readers),
        )
        for label, name in enumerate(names)
        if readers[0].classes[label].n
    ]


def _film_row(number: int, answer: QuizAnswer, names: list[str]) -> tuple[str, ...]:
    truth = answer.film.label

    def said(label: int) -> str:
        return f"{'✓' if label == truth else '×'} {names[label]}"

    file = answer.film.name
    if answer.film.origin == "learned":
        file = tr("{file} (learned by the model)", file=file)
    return (
        str(number),
        file,
        names[truth],
        said(answer.alone),
        said(answer.model.label),
        said(answer.final),
        f"{answer.seconds:.1f}",
    )


def _span(seconds: float) -> str:
    if seconds >= SECONDS_FROM:
        return duration(seconds)
    return tr("{n} s", n=f"{seconds:.1f}")


def _say(label: QLabel, lines: list[str]) -> None:
    label.setText("\n".join(lines))
    label.setVisible(bool(lines))


def _in_card(*widgets: QWidget) -> QWidget:
    frame = card()
    layout = QVBoxLayout(frame)
    layout.setContentsMargins(14, 10, 14, 12)
    for widget in widgets:
        layout.addWidget(widget)
    layout.addStretch()
    return frame
