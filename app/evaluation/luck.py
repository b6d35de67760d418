"""Luck and size: models of the same recipe with other seeds, and on fewer patients."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton, QWidget

from app.i18n import listing, say, tr
from app.widgets.chart import ChartView
from app.widgets.labels import plain_label, plain_tip
from app.widgets.layouts import h_box, scroll_area, v_box
from app.widgets.page import TranslatedWidget
from app.widgets.tables import PlainTable
from core.evaluation.study import Study
from core.report.evaluation_facts import split_words
from core.report.evaluation_kit import PLAN_COLUMNS, PLANNER, SPREAD_COLUMNS, figure_title
from core.report.facts import ReportContext

N_SEEDS = 5


class LuckTab(TranslatedWidget):
    """The sample-size planner, the repeats over seeds, and the learning curve."""

    repeats_wanted = Signal(int)  # number of seeds
    learning_wanted = Signal()
    splits_wanted = Signal()
    film_wanted = Signal(object)  # Path

    def __init__(self) -> None:
        super().__init__()
        self._paths: list[Path | None] = []
        self._hint, self._planner, self._luck, self.splits = (
            plain_label(name, wraps=True) for name in ("muted", "", "", "")
        )
        self.repeat, self.learn, self.split = (QPushButton() for _ in range(3))
        self.split.clicked.connect(self.splits_wanted)
        self.repeat.clicked.connect(lambda: self.repeats_wanted.emit(N_SEEDS))
        self.learn.clicked.connect(self.learning_wanted)
        self.plans, self.spread = PlainTable(stretched=0), PlainTable(stretched=0)
        self.by_luck = PlainTable(stretched=0)
        self.by_luck.cellActivated.connect(self._on_activated)
        self.by_luck.cellDoubleClicked.connect(self._on_activated)
        self.chart = ChartView()
        left, right = QWidget(), QWidget()
        v_box(
            self._planner,
            self.plans,
            8,
            self._hint,
            h_box(self.repeat, self.learn, self.split, None, spacing=8),
            self.splits,
            self.spread,
            None,
            owner=left,
            spacing=8,
            margins=(0, 0, 12, 0),
        )
        v_box((self.chart, 1), self._luck, (self.by_luck, 1), owner=right, spacing=8)
        h_box((scroll_area(left, only_vertical=True), 1), (right, 1), owner=self, spacing=12)
        self.retranslate()

    def retranslate(self) -> None:
        self._planner.setText(say(PLANNER))
        self._hint.setText(
            tr(
                "The same recipe is trained again, with other seeds or on 25, 50, 75 and 100 "
                "percent of the patients, each time for about as long as the first. Nothing else "
                "can be trained or evaluated meanwhile."
            )
        )
        self.repeat.setText(tr("Repeat with {n} seeds", n=N_SEEDS))
        self.learn.setText(tr("Learning curve"))
        self.split.setText(tr("Compare splits"))
        self.split.setToolTip(
            plain_tip(tr("Five times each: test X-rays of other patients, or of any patients."))
        )
        self.plans.show_header([say(word) for word in PLAN_COLUMNS])
        self.spread.show_header([say(word) for word in SPREAD_COLUMNS])
        self.by_luck.show_header([tr("X-ray"), tr("True class"), tr("Answers of the models")])

    def show_study(self, study: Study, names: Sequence[str], context: ReportContext) -> None:
        """Show another study."""
        self.plans.show_rows(
            [
                (
                    names[one.label],
                    f"{one.sensitivity:.3f}",
                    f"{one.n:,} ({one.n_patients:,})",
                    f"{one.needed:,} ({one.needed_patients:,})",
                )
                for one in study.plans
            ],
            numbers=(1, 2, 3),
        )
        self.plans.fit_height(at_least=130)
        self.splits.setVisible(study.splits is not None)
        if study.splits is not None:
            self.splits.setText(say(split_words(study.splits)))
        self.chart.setVisible(study.learning is not None)
        self._show_spread(study, names, context)

    def _show_spread(self, study: Study, names: Sequence[str], context: ReportContext) -> None:
        spread = study.spread
        for widget in (self.spread, self._luck, self.by_luck):
            widget.setVisible(spread is not None)
        if spread is None:
            return
        self.spread.show_rows(
            [
                (
                    figure_title(one, context),
                    f"{one.mean:.3f}",
                    f"{one.deviation:.3f}",
                    f"{one.least:.3f}–{one.most:.3f}",
                )
                for one in spread.variations
            ],
            numbers=(1, 2, 3),
        )
        self.spread.fit_height(at_least=200)
        votes = spread.by_luck
        self._luck.setText(
            tr(
                "The answer to {k} of {n} test X-rays depends on the seed.",
                k=len(votes),
                n=spread.n_shared,
            )
        )
        known = {one.digest: one for one in study.answers}
        rows = []
        self._paths = []
        for digest, counts in votes.items():
            one = known.get(digest)
            said = [
                f"{context.name_of(spread.classes[label])} {count}"
                for label, count in counts.most_common()
            ]
            self._paths.append(None if one is None else one.path)
            rows.append(
                (
                    "–" if one is None else Path(one.name).name,
                    "–" if one is None else names[one.truth],
                    listing(said),
                )
            )
        self.by_luck.show_rows(rows)

    def _on_activated(self, row: int, _column: int) -> None:
        path = self._paths[row] if row < len(self._paths) else None
        if path is not None:
            self.film_wanted.emit(path)
