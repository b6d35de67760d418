"""The score card after a quiz: the learner alone, the model alone, both together."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QGridLayout,
    QPushButton,
    QScrollArea,
    QWidget,
)

from app import theme as styling
from app.i18n import duration, language, say, tr
from app.quiz.answers import MOST_BUTTONS
from app.quiz.viewmodel import QuizViewModel
from app.settings import Theme
from app.widgets.dialogs import ask, ask_where_to_save
from app.widgets.labels import card, plain_label, show_text
from app.widgets.layouts import h_box, scroll_area, v_box
from app.widgets.page import TranslatedWidget, primary_button
from app.widgets.tables import ConfusionMatrixView, PlainTable
from core.quiz.score_card import ModelInfluence, ReaderScore, ScoreCard
from core.quiz.session import QuizAnswer, QuizSession
from core.statistics import Interval

CHANCE = 0.05  # p below which a difference is hardly chance
FEW = 200  # films: below, the interval of an accuracy is more than about 10 points wide
SPACING_PX = 12
PAD_PX = 12  # of a card
MOST_PX = 420  # high; larger matrices scroll
SIDE_BY_SIDE_PX = 1080  # from this width on, figures and lessons stand beside each other
FILMS_PX = 260  # of the table of films, at least
SECONDS_FROM = 60.0  # above, minutes are read more easily


def share(part: int, whole: int) -> str:
    """Return a count with its percentage."""
    if not whole:
        return "–"
    return tr("{part} of {whole} ({share})", part=part, whole=whole, share=f"{part / whole:.0%}")


def summary_cells(score: ReaderScore) -> tuple[str, str, str]:
    """Return the number of right answers, accuracy and kappa, with their intervals."""
    low, high = score.accuracy_interval
    accuracy = tr(
        "{value} ({low} to {high})",
        value=f"{score.accuracy:.0%}",
        low=f"{low:.0%}",
        high=f"{high:.0%}",
    )
    return (
        tr("{part} of {whole}", part=score.n_right, whole=score.n),
        accuracy,
        _kappa(score.kappa, score.kappa_interval),
    )


def _kappa(kappa: float | None, interval: Interval | None) -> str:
    if kappa is None or interval is None:
        return "–"
    low, high = interval
    return tr(
        "{value} ({low} to {high})", value=f"{kappa:.2f}", low=f"{low:.2f}", high=f"{high:.2f}"
    )


def influence_lines(influence: ModelInfluence) -> list[str]:
    """Tell the model's influence on the answers, the lesson last."""
    lines = [
        tr(
            "Films on which you were right and the model was wrong: {n}. It talked you into a "
            "wrong answer on {misled} of them.",
            n=influence.n_tempted,
            misled=influence.n_misled,
        ),
        tr(
            "Films on which you were wrong and the model was right: {n}. It brought you to the "
            "right answer on {helped} of them.",
            n=influence.n_helpable,
            helped=influence.n_helped,
        ),
        tr("Answers that you changed: {n}.", n=influence.n_changed),
    ]
    if influence.n_misled:
        lines.append(
            tr(
                "To follow a machine into a mistake that one would not have made alone is called "
                "automation bias. It befalls experts too: decide what you see before you look at "
                "the model."
            )
        )
    return lines


def gain_lines(card: ScoreCard) -> list[str]:
    """Tell what hearing the model was worth, and if that can be chance."""
    alone, together = card.alone.n_right, card.together.n_right
    if alone == together:
        return [tr("With the model as many of your answers were right as without it.")]
    line = tr(
        "Right answers with the model: {together}, without it: {alone}.",
        together=together,
        alone=alone,
    )
    p = f"{card.influence.p_value:.3f}"
    if card.influence.p_value < CHANCE:
        chance = tr("Chance alone hardly explains that (exact McNemar test, p = {p}).", p=p)
    else:
        chance = tr("With so few films that can be chance (exact McNemar test, p = {p}).", p=p)
    return [line, chance]


def caution_lines(card: ScoreCard, n_asked: int, n_refused: int) -> list[str]:
    """Warn of all that makes the figures less believable."""
    lines = []
    if card.alone.n < n_asked - n_refused:
        lines.append(
            tr(
                "The quiz was stopped early: {n} of {asked} films were answered.",
                n=card.alone.n,
                asked=n_asked - n_refused,
            )
        )
    if card.n_learned:
        lines.append(
            tr(
                "{n} of the films were among those that the model has learned: its score, and "
                "yours with it, are too good.",
                n=card.n_learned,
            )
        )
    if card.alone.n < FEW:
        lines.append(
            tr(
                "{n} films are few: where intervals overlap, which reader is the better one may be "
                "chance.",
                n=card.alone.n,
            )
        )
    return lines


def answer_marks(answer: QuizAnswer) -> list[tuple[str, int]]:
    """Return words and the labels to write them beside: the learner's answers and the truth."""
    if answer.alone == answer.final:
        own = [(tr("you"), answer.final)]
    else:
        own = [(tr("you first"), answer.alone), (tr("you now"), answer.final)]
    return [*own, (tr("✓ truth"), answer.film.label)]


class MatrixRow(QWidget):
    """Confusion matrices of the same classes, as many side by side as there is room for.

    Args:
        n: How many.
    """

    def __init__(self, n: int) -> None:
        super().__init__()
        self._titles = [plain_label("sectionTitle") for _ in range(n)]
        self._matrices = [ConfusionMatrixView() for _ in range(n)]
        self._scrolls: list[QScrollArea] = []
        self._cards: list[QFrame] = []
        self._n_columns = 0
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(SPACING_PX)
        for title, matrix in zip(self._titles, self._matrices, strict=True):
            matrix.setObjectName("bare")
            scroll = scroll_area(matrix)
            scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            frame = card()
            v_box(title, (scroll, 1), owner=frame, margins=(PAD_PX, 8, PAD_PX, PAD_PX))
            self._scrolls.append(scroll)
            self._cards.append(frame)
        self._arrange(n)

    def show_matrices(
        self, titles: Sequence[str], counts: Sequence[NDArray[np.int64]], names: Sequence[str]
    ) -> None:
        """Draw counts (C, C), rows true, one a title."""
        for label, matrix, title, one in zip(
            self._titles, self._matrices, titles, counts, strict=True
        ):
            label.setText(title)
            matrix.show_matrix(one, names)
            matrix.setAccessibleName(title)
        self._rearrange(self.width())

    def show_words(self, row_title: str, column_title: str) -> None:
        """Name the two sides of every matrix."""
        for matrix in self._matrices:
            matrix.show_words(row_title, column_title)

    def show_colours(self, colours: Mapping[str, str]) -> None:
        """Take a theme's colours."""
        for matrix in self._matrices:
            matrix.show_colours(
                colours["good"], colours["danger"], colours["raised"], colours["text"]
            )

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._rearrange(event.size().width())
        super().resizeEvent(event)

    def _rearrange(self, width: int) -> None:
        least, hint = self._matrices[0].minimumSizeHint(), self._matrices[0].sizeHint()
        card_px = min(least.width(), MOST_PX) + 2 * PAD_PX
        n_fitting = (width + SPACING_PX) // (card_px + SPACING_PX)
        self._arrange(min(max(1, n_fitting), len(self._cards)))
        # As high as the cells are wide: a matrix is square, and room below it tells nothing.
        room = (width - SPACING_PX * (self._n_columns - 1)) // self._n_columns - 2 * PAD_PX
        spare = max(0, min(room, hint.width()) - least.width())
        height = min(least.height() + spare, MOST_PX)
        for scroll in self._scrolls:
            scroll.setFixedHeight(height)

    def _arrange(self, n_columns: int) -> None:
        if n_columns == self._n_columns:
            return
        for column in range(self._n_columns):
            self._grid.setColumnStretch(column, 0)
        self._n_columns = n_columns
        for place, frame in enumerate(self._cards):
            self._grid.addWidget(frame, *divmod(place, n_columns))
        for column in range(n_columns):
            self._grid.setColumnStretch(column, 1)


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
        head = h_box(self._title, None, self._back, self._save, self._again, spacing=8)
        inside = QWidget()
        inside.setObjectName("bare")
        self._figures = QWidget()
        self._top = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._top.setSpacing(12)
        self._top.addWidget(_in_card(self._summary, self._cautions, self._explanation), 1)
        self._top.addWidget(_in_card(self._influence_title, self._influence), 1)
        classes = _in_card(self._classes_title, self._classes)
        films = _in_card(self._films_title, self._films_hint, self._films)
        v_box(self._top, self._matrices, classes, films, owner=self._figures, spacing=12)
        v_box(self._refused, self._figures, None, owner=inside, margins=(0, 0, 8, 0), spacing=12)
        scroll = self._scroll = scroll_area(inside, only_vertical=True)
        scroll.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        v_box(head, self._subtitle, self._note, (scroll, 1), owner=self, spacing=8)

    def apply_theme(self, theme: Theme) -> None:
        """Redraw what the style sheet does not reach."""
        self._matrices.show_colours(styling.colours(theme))

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
        show_text(self._cautions, "\n".join(caution_lines(score, n_asked, n_refused)))
        named = _named_labels(readers)
        self._matrices.show_matrices(
            titles,
            [one.confusion[np.ix_(named, named)] for one in readers],
            [names[label] for label in named],
        )
        lines = [*influence_lines(score.influence), *gain_lines(score)]
        show_text(self._influence, "\n".join(lines))
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
        show_text(self._note, say(note) if note is not None else "")

    @Slot()
    def _on_save_clicked(self) -> None:
        kind, name = tr("Tables") + " (*.csv)", self._model.table_name
        ask_where_to_save(self, tr("Save the table"), kind, name, self._model.save_table)

    def _leave(self, go: Callable[[], object]) -> None:
        """Go away, but not from a signed score card that was not saved without asking."""
        if not self._model.would_be_missed:
            go()
            return
        ask(
            self,
            tr("The answers have not been saved. Leave them?"),
            tr("The teacher will not see them."),
            yes=tr("Leave without saving"),
            no=tr("Stay"),
            on_yes=go,
        )

    # Qt's own.

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        is_wide = event.size().width() >= SIDE_BY_SIDE_PX
        way = QBoxLayout.Direction
        self._top.setDirection(way.LeftToRight if is_wide else way.TopToBottom)


def _named_labels(readers: list[ReaderScore]) -> list[int]:
    """Return the matrices' classes: of many, only those that were asked about or answered."""
    n_classes = len(readers[0].confusion)
    if n_classes <= MOST_BUTTONS:
        return list(range(n_classes))
    counts = sum(one.confusion + one.confusion.T for one in readers)
    return np.flatnonzero(np.sum(counts, axis=0)).tolist()


def _class_rows(names: list[str], readers: list[ReaderScore]) -> list[tuple[str, ...]]:
    """Return a row for each class that was asked about."""
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
        tr("withheld") if answer.model.hides_answer else said(answer.model.predicted),
        said(answer.final),
        f"{answer.seconds:.1f}",
    )


def _span(seconds: float) -> str:
    if seconds >= SECONDS_FROM:
        return duration(seconds)
    return tr("{n} s", n=f"{seconds:.1f}")


def _in_card(*widgets: QWidget) -> QWidget:
    frame = card()
    v_box(*widgets, None, owner=frame, margins=(14, 10, 14, 12))
    return frame
