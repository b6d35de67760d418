"""Compare: other models on the same X-rays."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton

from app.i18n import say, tr
from app.widgets.labels import plain_label
from app.widgets.layouts import h_box, v_box
from app.widgets.page import TranslatedWidget
from app.widgets.tables import PlainTable
from core.evaluation.study import Study
from core.report.evaluation_kit import OWN_TEST, PLACES_TITLE
from core.report.study_facts import count_text, difference_text, p_text, share_text


class ComparisonTab(TranslatedWidget):
    """A button that asks for other models, and what came out."""

    models_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._hint, self._about = (plain_label("muted", wraps=True) for _ in range(2))
        self._choose = QPushButton()
        self._choose.clicked.connect(self.models_wanted)
        self.models, self.pairs = PlainTable(stretched=1), PlainTable(stretched=5)
        self._places_title = plain_label("sectionTitle")
        self.places = PlainTable(stretched=4)
        v_box(
            self._hint,
            h_box(self._choose, None),
            self._about,
            self.models,
            (self.pairs, 1),
            self._places_title,
            (self.places, 1),
            None,
            owner=self,
            spacing=10,
        )
        self.retranslate()

    def retranslate(self) -> None:
        self._hint.setText(
            tr(
                "Other models answer the same X-rays. A small p says that the difference between "
                "two of them is hardly chance; p for all pairs allows for their number."
            )
        )
        self._places_title.setText(say(PLACES_TITLE))
        self.places.show_header(
            [
                tr("Dataset"),
                tr("X-rays"),
                tr("Accuracy"),
                tr("Against the own test"),
                tr("How its X-rays differ from those of training"),
            ]
        )
        self._choose.setText(tr("Compare with another model …"))
        self.models.show_header([tr("Number"), tr("Model"), tr("Accuracy")])
        self.pairs.show_header(
            [
                tr("Models"),
                tr("Only first right"),
                tr("Only second right"),
                tr("p"),
                tr("p, all pairs"),
                tr("Method"),
            ]
        )

    def show_study(self, study: Study) -> None:
        """Show another study."""
        self._show_places(study)
        found = study.comparison
        for widget in (self._about, self.models, self.pairs):
            widget.setVisible(found is not None)
        if found is None:
            return
        first = found.models[0].right
        self._about.setText(
            tr(
                "{n} X-rays of {patients} patients that no model was trained or chosen on; left "
                "out: {left_out}",
                n=first.n,
                patients=first.n_patients,
                left_out=found.n_left_out,
            )
        )
        self.models.show_rows(
            [
                (str(number), one.name, share_text(one.right))
                for number, one in enumerate(found.models, start=1)
            ],
            numbers=(2,),
        )
        self.models.fit_height(at_least=120)
        self.pairs.show_rows(
            [
                (
                    f"{pair.first + 1} – {pair.second + 1}",
                    str(pair.test.only_first),
                    str(pair.test.only_second),
                    p_text(pair.test.p),
                    p_text(pair.corrected),
                    say(pair.test.method),
                )
                for pair in found.pairs
            ],
            numbers=(1, 2, 3, 4),
        )

    def _show_places(self, study: Study) -> None:
        for widget in (self._places_title, self.places):
            widget.setVisible(bool(study.places))
        self.places.show_rows(
            [
                (
                    one.dataset or say(OWN_TEST),
                    f"{one.right.n:,}",
                    count_text(one.right),
                    difference_text(one.difference),
                    "–" if one.acquisition is None else say(one.acquisition),
                )
                for one in study.places
            ],
            numbers=(1, 2, 3),
        )
