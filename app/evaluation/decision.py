"""Decision: thresholds set on validation X-rays, and what follows at another prevalence."""

from collections.abc import Mapping

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDoubleSpinBox,
    QGridLayout,
    QLabel,
    QPushButton,
    QSlider,
    QWidget,
)

from app.i18n import say, tr
from app.widgets.chart import ChartView
from app.widgets.labels import plain_label
from app.widgets.layouts import h_box, scroll_area, v_box
from app.widgets.page import TranslatedWidget
from app.widgets.tables import PlainTable
from core.errors import Message
from core.evaluation.decision import (
    cheapest,
    expected_counts,
    mean_cost,
    predictive_values,
    rates_of,
    with_prevalence,
)
from core.evaluation.study import Study
from core.statistics import Interval

_STEPS = 1000  # of a slider
_SENSITIVITY = 0.95
MOST_CLASSES = 30  # with sliders; the draws behind the intervals grow with their square
MOST_COSTS = 6  # classes with a table of costs
MOST_COST = 1000.0


class _Slider(QWidget):
    """A named slider from 0 to 1 with its value.

    Args:
        label: The class that it is about.
    """

    moved = Signal(int, float)  # class, value; while a person moves it
    released = Signal()

    def __init__(self, label: int) -> None:
        super().__init__()
        self.name, self._value = plain_label(), plain_label("muted")
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(1, _STEPS - 1)
        self.slider.valueChanged.connect(self._on_changed)
        self.slider.sliderMoved.connect(lambda place: self.moved.emit(label, place / _STEPS))
        self.slider.actionTriggered.connect(
            lambda _action: self.moved.emit(label, self.slider.sliderPosition() / _STEPS)
        )
        self.slider.sliderReleased.connect(self.released)
        self._value.setMinimumWidth(52)
        h_box(self.name, (self.slider, 1), self._value, owner=self, spacing=10)

    def show_value(self, value: float) -> None:
        """Set it without telling anybody."""
        self.slider.blockSignals(True)
        self.slider.setValue(round(value * _STEPS))
        self.slider.blockSignals(False)
        self._on_changed()

    def _on_changed(self) -> None:
        self._value.setText(f"{self.slider.value() / _STEPS:.3f}")


class _CostGrid(QWidget):
    """A cost for each answer to each true class; the right answers cost nothing."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.boxes: list[list[QDoubleSpinBox]] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(6)
        self._names: list[QLabel] = []

    def build(self, names: list[str]) -> None:
        """Ask for the costs of other classes; none where they are too many for a table."""
        for widget in (*self._names, *(box for row in self.boxes for box in row)):
            self._grid.removeWidget(widget)
            widget.deleteLater()
        n = len(names) if len(names) <= MOST_COSTS else 0
        self._names = [plain_label() for _ in range(2 * n)]
        self.boxes = [[QDoubleSpinBox() for _ in range(n)] for _ in range(n)]
        for number in range(n):
            self._grid.addWidget(self._names[number], 0, number + 1)
            self._grid.addWidget(self._names[n + number], number + 1, 0)
        for truth, row in enumerate(self.boxes):
            for answer, box in enumerate(row):
                box.setRange(0, MOST_COST)
                box.setDecimals(1)
                box.setValue(float(truth != answer))
                box.setEnabled(truth != answer)
                box.valueChanged.connect(self.changed)
                self._grid.addWidget(box, truth + 1, answer + 1)

    def show_names(self, names: list[str]) -> None:
        """Name the classes in the language in use."""
        for number, label in enumerate(self._names):
            label.setText(names[number % len(names)])
        for truth, row in enumerate(self.boxes):
            for answer, box in enumerate(row):
                pair = {"truth": names[truth], "predicted": names[answer]}
                box.setAccessibleName(tr("{truth}, answered as {predicted}", **pair))

    @property
    def costs(self) -> np.ndarray:
        """(C, C), rows true; empty where none are asked for."""
        return np.array([[box.value() for box in row] for row in self.boxes])


class DecisionTab(TranslatedWidget):
    """Thresholds and prevalences of the classes, with the matrix and values that follow."""

    thresholds_chosen = Signal(object)  # dict: class -> threshold
    sensitivity_wanted = Signal(int, float)  # class, share
    keep_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._study: Study | None = None
        self._prevalence: np.ndarray = np.zeros(0)
        self._names: list[str] = []
        self._points: list[_Slider] = []
        self._shares: list[_Slider] = []
        self._fill_buttons: list[QPushButton] = []
        self._point_title, self._share_title = (plain_label("sectionTitle") for _ in range(2))
        self._point_hint, self._share_hint = (plain_label("muted", wraps=True) for _ in range(2))
        self._apply, self._reset, self._keep = QPushButton(), QPushButton(), QPushButton()
        self._apply.clicked.connect(self._on_apply_clicked)
        self._reset.clicked.connect(self._on_reset_clicked)
        self._keep.clicked.connect(self.keep_wanted)
        self._grid, self._share_box = QGridLayout(), v_box(spacing=4)
        self._values = PlainTable(stretched=0)
        self._matrix_title = plain_label("muted", wraps=True)
        self.matrix = PlainTable(stretched=0)
        self._cost_title = plain_label("sectionTitle")
        self._cost_hint, self.cost = plain_label("muted", wraps=True), plain_label(wraps=True)
        self.costs = _CostGrid()
        self.costs.changed.connect(self._show_cost)
        self.chart = ChartView()
        left, self._many = QWidget(), plain_label("muted", wraps=True)
        self._many.hide()
        v_box(
            self._point_title,
            self._point_hint,
            self._grid,
            h_box(self._apply, self._reset, self._keep, None, spacing=8),
            8,
            self._share_title,
            self._share_hint,
            self._share_box,
            self._values,
            self._matrix_title,
            self.matrix,
            8,
            self._cost_title,
            self._cost_hint,
            h_box(self.costs, None),
            self.cost,
            None,
            owner=left,
            spacing=8,
            margins=(0, 0, 12, 0),
        )
        self._left = scroll_area(left, only_vertical=True)
        h_box((self._left, 3), (self._many, 3), (self.chart, 2), owner=self, spacing=12)
        self.retranslate()

    def retranslate(self) -> None:
        self._many.setText(
            tr("Thresholds, prevalences and costs are for {n} classes at most.", n=MOST_CLASSES)
        )
        self._point_title.setText(tr("Operating point"))
        self._point_hint.setText(
            tr(
                "The answer is the class of the largest probability over its threshold. A lower "
                "threshold finds more of a class. Set it on validation X-rays before you look at "
                "the test figures, and leave it."
            )
        )
        self._apply.setText(tr("Apply"))
        self._reset.setText(tr("Reset"))
        self._keep.setText(tr("Save with the model"))
        self._share_title.setText(tr("Prevalence where it is used"))
        self._share_hint.setText(
            tr(
                "How often each class occurs there. PPV and NPV follow; sensitivity and "
                "specificity do not change."
            )
        )
        self._matrix_title.setText(
            tr("Answers to 1,000 X-rays at these prevalences: rows true, columns predicted.")
        )
        self._cost_title.setText(tr("Costs of mistakes"))
        self._cost_hint.setText(
            tr(
                "How bad is each answer (column) for each true class (row)? Only their ratios "
                "matter. The prevalences above count here too."
            )
        )
        self._values.show_header([tr("Class"), tr("PPV"), tr("NPV")])
        for button in self._fill_buttons:
            button.setText(tr("Sensitivity at least {share}", share=f"{_SENSITIVITY:.0%}"))

    def show_study(self, study: Study, names: list[str]) -> None:
        """Show another study."""
        is_many = len(names) > MOST_CLASSES
        self._many.setVisible(is_many)
        self._left.setVisible(not is_many)
        if is_many:
            self._study = None
            return
        is_new = self._study is None or self._study.classes != study.classes
        self._study, self._names = study, names
        if is_new:
            self._build(len(names))
            counts = np.bincount(study.answered.truth, minlength=len(names))
            self._prevalence = counts / counts.sum()
        for slider, name, text in zip(self._points, study.classes, names, strict=True):
            slider.name.setText(text)
            slider.show_value(study.operating_point.thresholds[name])
        for slider, text in zip(self._shares, names, strict=True):
            slider.name.setText(text)
        for button in self._fill_buttons:
            button.setEnabled(study.validation is not None)
        self.costs.show_names(names)
        self.matrix.show_header([tr("True class"), *names[:MOST_COSTS]])
        for widget in (
            self._matrix_title,
            self.matrix,
            self._cost_title,
            self._cost_hint,
            self.costs,
            self.cost,
        ):
            widget.setVisible(len(names) <= MOST_COSTS)
        self._show_shares()

    def show_threshold(self, label: int, value: float) -> None:
        """Set the threshold of a class."""
        self._points[label].show_value(value)

    def _build(self, n: int) -> None:
        for widget in (*self._points, *self._shares, *self._fill_buttons):
            widget.deleteLater()
        self._points = [_Slider(label) for label in range(n)]
        self._shares = [_Slider(label) for label in range(n)]
        self._fill_buttons = [QPushButton() for _ in range(n)]
        for label, (point, button) in enumerate(zip(self._points, self._fill_buttons, strict=True)):
            self._grid.addWidget(point, label, 0)
            self._grid.addWidget(button, label, 1)
            button.clicked.connect(
                lambda _=False, which=label: self.sensitivity_wanted.emit(which, _SENSITIVITY)
            )
        self.costs.build(self._names)
        for share in self._shares:
            self._share_box.addWidget(share)
            share.moved.connect(self._on_share_moved)
        self.retranslate()

    def _thresholds(self) -> Mapping[str, float]:
        assert self._study is not None
        pairs = zip(self._study.classes, self._points, strict=True)
        return {name: point.slider.value() / _STEPS for name, point in pairs}

    def _on_apply_clicked(self) -> None:
        if self._study is not None:
            self.thresholds_chosen.emit(dict(self._thresholds()))

    def _on_reset_clicked(self) -> None:
        if self._study is not None:
            self.thresholds_chosen.emit(dict.fromkeys(self._study.classes, 0.5))

    def _on_share_moved(self, label: int, value: float) -> None:
        shares = dict(enumerate(self._prevalence.tolist()))
        self._prevalence = with_prevalence(shares, len(shares), label, value)
        self._show_shares()

    def _show_shares(self) -> None:
        if self._study is None:
            return
        for slider, value in zip(self._shares, self._prevalence.tolist(), strict=True):
            slider.show_value(value)
        rates, numbers = rates_of(self._study.answered)
        rows = []
        found = predictive_values(rates, numbers, self._prevalence)
        for name, values in zip(self._names, found, strict=True):
            cells = [name]
            for key in ("ppv", "npv"):
                value = values[key]
                if value is None:
                    cells.append(say(Message("not defined")))
                else:
                    cells.append(_with_interval(value))
            rows.append(cells)
        self._values.show_rows(rows, numbers=(1, 2))
        self._values.fit_height(at_least=150)
        counts = expected_counts(rates, self._prevalence)
        shown = counts if counts is not None and len(counts) <= MOST_COSTS else np.zeros((0, 0))
        self.matrix.show_rows(
            [
                [name, *(f"{count:.0f}" for count in row)]
                for name, row in zip(self._names, shown.tolist(), strict=False)
            ],
            numbers=range(1, 1 + len(shown)),
        )
        self.matrix.fit_height(at_least=150)
        self._show_cost()

    def _show_cost(self) -> None:
        """Say what an X-ray costs by the operating point, and by the cheapest answers."""
        study, costs = self._study, self.costs.costs
        if study is None or not costs.size:
            return
        own = study.answered
        found = mean_cost(own, self._prevalence, costs)
        best = mean_cost(cheapest(own, self._prevalence, costs), self._prevalence, costs)
        if found is None or best is None:
            self.cost.setText(tr("A class has no X-ray, so the mean cost is not known."))
            return
        self.cost.setText(
            tr(
                "Mean cost of an X-ray: {cost} by the operating point, {least} if each answer is "
                "the one of the least expected cost.",
                cost=_with_interval(found),
                least=_with_interval(best),
            )
        )


def _with_interval(found: tuple[float, Interval]) -> str:
    value, (low, high) = found
    return f"{value:.3f} ({low:.3f}–{high:.3f})"
