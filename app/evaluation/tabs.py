"""Tabs of an evaluation: what it found, in tables and charts."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QPushButton, QWidget

from app.i18n import say, tr
from app.widgets.chart import ChartView
from app.widgets.labels import card, plain_label
from app.widgets.layouts import h_box, scroll_area, v_box
from app.widgets.page import TranslatedWidget
from app.widgets.tables import ConfusionMatrixView, Normalisation, PlainTable
from core.evaluation.study import Answer, Study
from core.report.evaluation_facts import UNKNOWN_PATIENTS
from core.report.evaluation_kit import (
    CASE_COLUMNS,
    SHORTCUT_HINT,
    TRAINING_TITLE,
    lung_sentences,
    near_words,
    training_words,
)
from core.report.facts import ReportContext
from core.report.study_facts import (
    FIGURE_NAMES,
    FLOW_COLUMNS,
    PART_NAMES,
    confusion,
    figure_text,
    property_name,
    property_value,
)

_COLUMNS = ("sensitivity", "specificity", "auroc")  # the primary ones


class AnswerTable(TranslatedWidget):
    """X-rays with their true and predicted class; one opens by double click or Enter.

    Args:
        with_reasons: Whether shortcut score and nearest training X-rays are shown too.
    """

    opened = Signal(object)  # Path

    def __init__(self, *, with_reasons: bool = False) -> None:
        super().__init__()
        self._paths: list[Path] = []
        self._columns = CASE_COLUMNS if with_reasons else CASE_COLUMNS[:4]
        self.title = plain_label("sectionTitle", wraps=True)
        self.table = PlainTable(stretched=0)
        self.table.cellActivated.connect(self._on_activated)
        self.table.cellDoubleClicked.connect(self._on_activated)
        v_box(self.title, (self.table, 1), owner=self, spacing=6)
        self.retranslate()

    def retranslate(self) -> None:
        self.table.show_header([say(word) for word in self._columns])

    def show_answers(self, title: str, answers: Sequence[Answer], context: ReportContext) -> None:
        """Show other X-rays."""
        self.title.setText(title)
        self._paths = [one.path for one in answers]
        n = len(self._columns)
        self.table.show_rows(
            [
                (
                    Path(one.name).name,
                    context.class_name(one.truth),
                    context.class_name(one.predicted),
                    f"{one.probability:.1%}",
                    "–" if one.shortcut is None else f"{one.shortcut:.2f}",
                    near_words(one, context),
                )[:n]
                for one in answers
            ],
            numbers=(3, 4)[: n - 3],
        )

    def _on_activated(self, row: int, _column: int) -> None:
        if row < len(self._paths):
            self.opened.emit(self._paths[row])


class MatrixTab(TranslatedWidget):
    """The confusion matrix, the X-rays of a cell, and the figures of each class."""

    film_wanted = Signal(object)  # Path

    def __init__(self) -> None:
        super().__init__()
        self._study: Study | None = None
        self._names: list[str] = []
        self._context: ReportContext | None = None
        self.matrix = ConfusionMatrixView()
        self.matrix.setObjectName("bare")
        self.matrix.cell_chosen.connect(self._on_cell_chosen)
        self._title, self._hint = plain_label("sectionTitle"), plain_label("muted", wraps=True)
        self._group = QButtonGroup(self)
        self._buttons: dict[Normalisation, QPushButton] = {}
        ways: tuple[Normalisation, ...] = ("counts", "rows", "columns")
        for way in ways:
            button = QPushButton()
            button.setCheckable(True)
            button.setChecked(way == "counts")
            button.clicked.connect(lambda _=False, by=way: self.matrix.normalise(by))
            self._group.addButton(button)
            self._buttons[way] = button
        self.answers = AnswerTable()
        self.answers.opened.connect(self.film_wanted)
        self._figures_title = plain_label("sectionTitle")
        self._figures = PlainTable(stretched=0)
        left, right = card(), QWidget()
        v_box(
            h_box(self._title, None, *self._buttons.values(), spacing=6),
            (scroll_area(self.matrix), 1),
            self._hint,
            owner=left,
            margins=(14, 10, 14, 12),
            spacing=8,
        )
        v_box(
            self._figures_title,
            self._figures,
            8,
            (self.answers, 1),
            owner=right,
            spacing=8,
        )
        h_box((left, 4), (right, 5), owner=self, spacing=12)
        self.retranslate()

    def retranslate(self) -> None:
        self._title.setText(tr("Confusion matrix"))
        self._hint.setText(tr("Choose a cell to see its X-rays; double-click one to read it."))
        self._buttons["counts"].setText(tr("Counts"))
        self._buttons["rows"].setText(tr("By true class"))
        self._buttons["columns"].setText(tr("By prediction"))
        self.matrix.show_words(tr("true class"), tr("predicted class"))
        self._figures_title.setText(tr("Figures with intervals (95%) over patients"))
        self._figures.show_header(
            [tr("Class"), tr("X-rays"), *(say(FIGURE_NAMES[name]) for name in _COLUMNS)]
        )

    def show_study(self, study: Study, names: list[str], context: ReportContext) -> None:
        """Show another study."""
        self._study, self._names, self._context = study, names, context
        self.matrix.show_matrix(confusion(study), names)
        rows = []
        for label, name in enumerate(names):
            n = int((study.answered.truth == label).sum())
            cells = [figure_text(study.figure(one, label)) for one in _COLUMNS]
            rows.append((name, f"{n:,}", *cells))
        self._figures.show_rows(rows, numbers=range(1, 2 + len(_COLUMNS)))
        self._figures.fit_height(at_least=170)
        self.answers.show_answers(tr("Most confident mistakes"), study.mistakes, context)

    def _on_cell_chosen(self, truth: int, predicted: int) -> None:
        if self._study is not None and self._context is not None:
            title = tr(
                "{truth}, answered as {predicted}",
                truth=self._names[truth],
                predicted=self._names[predicted],
            )
            self.answers.show_answers(title, self._study.cell(truth, predicted), self._context)


class FiguresTab(TranslatedWidget):
    """Every figure with its interval and method, or why it is missing."""

    def __init__(self) -> None:
        super().__init__()
        self._table = PlainTable(stretched=5)
        v_box(self._table, owner=self)
        self.retranslate()

    def retranslate(self) -> None:
        self._table.show_header(
            [
                tr("Figure"),
                tr("Class"),
                tr("Value (interval, 95%)"),
                tr("X-rays"),
                tr("Patients"),
                tr("Method, or why it is missing"),
            ]
        )

    def show_study(self, study: Study, names: list[str]) -> None:
        """Show another study."""
        rows = []
        for one in study.figures:
            why = one.missing or one.method
            rows.append(
                (
                    say(FIGURE_NAMES[one.name]),
                    "" if one.label is None else names[one.label],
                    figure_text(one),
                    f"{one.n:,}",
                    f"{one.n_patients:,}",
                    "" if why is None else say(why),
                )
            )
        self._table.show_rows(rows, numbers=(2, 3, 4))


class ChartsTab(QWidget):
    """Charts side by side, two in a row.

    Args:
        names: Of the charts, see core.report.charts.
    """

    def __init__(self, *names: str) -> None:
        super().__init__()
        self.charts = {name: ChartView() for name in names}
        h_box(*((chart, 1) for chart in self.charts.values()), owner=self, spacing=12)


class FlowTab(TranslatedWidget):
    """X-rays and patients by part and class, beside the drawn flow of the files."""

    def __init__(self) -> None:
        super().__init__()
        self.chart = ChartView()
        self._title, self._note = plain_label("sectionTitle"), plain_label("muted", wraps=True)
        self.table = PlainTable(stretched=1)
        left = QWidget()
        v_box(self._title, (self.table, 1), self._note, owner=left, spacing=8)
        h_box((left, 1), (self.chart, 1), owner=self, spacing=12)
        self.retranslate()

    def retranslate(self) -> None:
        self._title.setText(tr("Flow of the X-rays by part and class"))
        self.table.show_header([say(word) for word in FLOW_COLUMNS])
        self._note.setText(say(UNKNOWN_PATIENTS))

    def show_study(self, study: Study, context: ReportContext) -> None:
        """Show another study."""
        self.table.show_rows(
            [
                (
                    say(PART_NAMES[one.part]),
                    context.name_of(one.name),
                    f"{one.n:,}",
                    f"{one.n_patients:,}",
                )
                for one in study.flow.parts
            ],
            numbers=(2, 3),
        )
        self._note.setVisible(not study.are_patients_known)


class DoubtTab(TranslatedWidget):
    """Risk and coverage of answers that are "not sure", and prediction-set coverage by class."""

    def __init__(self) -> None:
        super().__init__()
        self.chart = ChartView()
        self._about, self._hint = plain_label(wraps=True), plain_label("muted", wraps=True)
        self.table = PlainTable(stretched=0)
        left = QWidget()
        v_box(self._about, self._hint, (self.table, 1), owner=left, spacing=8)
        h_box((left, 1), (self.chart, 1), owner=self, spacing=12)
        self.retranslate()

    def retranslate(self) -> None:
        self._hint.setText(
            tr("The classes that remain possible should hold the true one for 9 X-rays in 10.")
        )
        self.table.show_header([tr("Class"), tr("X-rays"), tr("True class among the possible")])

    def show_study(self, study: Study, names: Sequence[str]) -> None:
        """Show another study."""
        doubt = study.doubt
        self._about.setText(
            tr(
                "{sure} of {n} answers name one class alone. Accuracy {accuracy} over all, "
                "{sure_accuracy} over these.",
                sure=doubt.n_sure,
                n=doubt.n,
                accuracy="–" if doubt.accuracy is None else f"{doubt.accuracy:.3f}",
                sure_accuracy="–"
                if doubt.accuracy_of_sure is None
                else f"{doubt.accuracy_of_sure:.3f}",
            )
        )
        self.table.show_rows(
            [
                (name, f"{n:,}", f"{covered:,} ({covered / n:.0%})" if n else "–")
                for name, (covered, n) in zip(names, doubt.coverage, strict=True)
            ],
            numbers=(1, 2),
        )


class LungsTab(TranslatedWidget):
    """The results of the lung tests, and buttons that run them."""

    tests_wanted = Signal()
    control_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._hint, self._found = (plain_label(name, wraps=True) for name in ("muted", ""))
        self._run, self.control = QPushButton(), QPushButton()
        self._run.clicked.connect(self.tests_wanted)
        self.control.clicked.connect(self.control_wanted)
        text = QWidget()
        v_box(
            self._hint,
            h_box(self._run, self.control, None, spacing=8),
            self._found,
            None,
            owner=text,
            spacing=10,
        )
        v_box(scroll_area(text, only_vertical=True), owner=self)
        self.retranslate()

    def retranslate(self) -> None:
        self._hint.setText(
            tr(
                "Tests of what the answers rest on: the lungs painted over, the lungs alone, lungs "
                "in the frame of another X-ray, and what the network's features tell of the "
                "source. They take about a minute. The retrained control trains the same recipe at "
                "64 pixels on X-rays whose lungs are painted over, which takes minutes."
            )
        )
        self._run.setText(tr("Test the lungs"))
        self.control.setText(tr("Retrain without the lungs"))

    def show_study(self, study: Study, context: ReportContext, *, is_busy: bool) -> None:
        """Show another study."""
        for button in (self._run, self.control):
            button.setEnabled(not is_busy)
        self._found.setText("\n".join(lung_sentences(study, context)))


class CasesTab(TranslatedWidget):
    """Hard cases and subgroups."""

    film_wanted = Signal(object)  # Path
    training_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._mistakes, self._unsure, self.training = (
            AnswerTable(with_reasons=True) for _ in range(3)
        )
        self._hint, self._about = (plain_label("muted", wraps=True) for _ in range(2))
        self._groups_title = plain_label("sectionTitle")
        self._groups = PlainTable(stretched=1)
        self.ask = QPushButton()
        self.ask.clicked.connect(self.training_wanted)
        for table in (self._mistakes, self._unsure, self.training):
            table.opened.connect(self.film_wanted)
        left, right = QWidget(), QWidget()
        v_box(
            (self._mistakes, 1),
            (self._unsure, 1),
            self._hint,
            owner=left,
            spacing=8,
        )
        v_box(
            (self.training, 1),
            self._about,
            h_box(self.ask, None),
            self._groups_title,
            (self._groups, 1),
            owner=right,
            spacing=8,
        )
        h_box((left, 1), (right, 1), owner=self, spacing=12)
        self.retranslate()

    def retranslate(self) -> None:
        self._hint.setText(say(SHORTCUT_HINT))
        self.ask.setText(tr("Ask about the training X-rays"))
        self._groups_title.setText(tr("Subgroups"))
        self._groups.show_header(
            [tr("Property"), tr("Value"), tr("X-rays"), tr("Patients"), tr("Accuracy")]
        )

    def show_study(self, study: Study, context: ReportContext) -> None:
        """Show another study."""
        self._mistakes.show_answers(tr("Most confident mistakes"), study.mistakes, context)
        self._unsure.show_answers(tr("Least sure right answers"), study.unsure_hits, context)
        cases = () if study.training is None else study.training.highest_loss
        self.training.show_answers(say(TRAINING_TITLE), cases, context)
        self.training.setVisible(study.training is not None)  # else subgroups have the room
        self._about.setText(say(training_words(study)))
        rows = []
        for one in study.subgroups:
            value = figure_text(one.figures[0]) if one.figures else "–"
            few = tr("too few patients") if one.is_small else ""
            shared = property_value(one)
            rows.append(
                (
                    say(property_name(one)),
                    shared if isinstance(shared, str) else say(shared),
                    f"{one.n:,}",
                    f"{one.n_patients:,}",
                    f"{value}  {few}",
                )
            )
        self._groups.show_rows(rows, numbers=(2, 3))
