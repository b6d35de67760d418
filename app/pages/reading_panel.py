"""What is said of the film in hand: answer, probabilities, trust, and what lies over the film."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app import resources
from app.settings import Theme
from app.translation import say, tr
from app.viewmodels.read_film import Part, ReadFilm, RefusedFile
from app.widgets.labels import card, plain_label
from app.widgets.translated import TranslatedWidget
from app.widgets.trust.heat_controls import HeatControls, Method
from app.widgets.trust.probability_bars import ProbabilityBars
from app.widgets.trust.trust_card import TrustCard

if TYPE_CHECKING:
    from core.prediction.explanation import Explanation

PANEL_PX = 320


class ReadingPanel(TranslatedWidget):
    """The right-hand side of the Read page."""

    class_chosen = Signal(int)  # whose heat map is wanted
    card_wanted = Signal()  # what the model says about itself

    def __init__(self) -> None:
        super().__init__()
        self._shown: ReadFilm | RefusedFile | None = None
        self._names: tuple[str, ...] = ()
        self._label: int | None = None
        self._method: Method = "cam"  # that the user chose; not every film has both yet
        self._name = plain_label("sectionTitle", wraps=True)
        self._answer = plain_label("figure", wraps=True)
        self._truth, self._part = plain_label(wraps=True), plain_label("warning", wraps=True)
        self.bars, self.trust, self.heat = ProbabilityBars(), TrustCard(), HeatControls()
        self.model_line, self._about = plain_label("muted", wraps=True), QPushButton()
        for label in (self._name, self._answer, self._truth, self._part, self.model_line):
            label.setMinimumWidth(1)  # foreign names must not widen the panel
        self._lay_out()
        self._about.clicked.connect(self.card_wanted)
        self.bars.class_chosen.connect(self._on_class_chosen)
        self.heat.class_chosen.connect(self._on_class_chosen)
        self.heat.method_chosen.connect(self._on_method_chosen)
        self.retranslate()

    def _lay_out(self) -> None:
        inner = QWidget()
        inner.setObjectName("bare")
        column = QVBoxLayout(inner)
        column.setContentsMargins(14, 12, 14, 12)
        column.setSpacing(16)
        head = QVBoxLayout()
        head.setSpacing(4)
        for part in (self._name, self._answer, self._truth, self._part):
            head.addWidget(part)
        column.addLayout(head)
        for widget in (self.bars, self.trust, self.heat):
            column.addWidget(widget)
        column.addStretch(1)
        column.addWidget(self.model_line)
        column.addWidget(self._about, 0, Qt.AlignmentFlag.AlignLeft)
        scroll = QScrollArea()
        scroll.setWidget(inner)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        frame = card()
        framed = QVBoxLayout(frame)
        framed.setContentsMargins(0, 0, 0, 0)
        framed.addWidget(scroll)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(frame)
        self.setMinimumWidth(280)

    def apply_theme(self, theme: Theme) -> None:
        """Take a theme's colours."""
        colours = resources.colours(theme)
        self.bars.show_colours(colours)
        self.trust.show_colours(colours)

    def show_classes(self, names: tuple[str, ...]) -> None:
        """What the model's classes are called, in the language of the moment."""
        self._names = names
        self.heat.show_classes(names, self._label)
        self._show()

    def show_film(self, film: ReadFilm, label: int) -> None:
        """Say what is known of a film; the map's honesty is awaited."""
        self._shown, self._label = film, label
        self.heat.show_classes(self._names, label)
        self.heat.show_available(has_second=False, has_lungs=False)
        self._show()
        self.trust.show_examining()

    def show_refused(self, refused: RefusedFile) -> None:
        """Say why a file could not be read."""
        self._shown = refused
        self._show()

    def show_explanation(self, explanation: "Explanation") -> None:
        """Take what was found out of the film that is shown."""
        has_second = explanation.second is not None
        self.heat.show_available(has_second=has_second, has_lungs=explanation.lungs is not None)
        if has_second:
            self.heat.choose_method(self._method)
        if explanation.honesty is not None:
            self.trust.show_honesty(explanation.honesty)

    def clear(self) -> None:
        """Show no film."""
        self._shown = None
        self._show()

    def retranslate(self) -> None:
        self._about.setText(tr("About this model …"))
        self._show()

    def _show(self) -> None:
        shown = self._shown
        is_film = isinstance(shown, ReadFilm)
        for part in (self.bars, self.trust, self.heat):
            part.setVisible(is_film)
        self._answer.setVisible(shown is not None)
        if isinstance(shown, ReadFilm):
            self._show_answer(shown)
            return
        self._part.hide()
        self._truth.setVisible(shown is not None)
        self._name.setText(shown.name if shown is not None else "")
        self._answer.setText(tr("not read"))
        self._truth.setText(say(shown.refusal.reason) if shown is not None else "")
        self.trust.clear()

    def _show_answer(self, film: ReadFilm) -> None:
        opinion = film.opinion
        if len(self._names) != len(opinion.probabilities):
            return  # another model is being opened
        self._name.setText(film.name)
        answer = self._names[opinion.predicted]
        self._answer.setText(answer if opinion.is_sure else tr("Not sure: {name}?", name=answer))
        self.bars.show_answer(
            self._names,
            [float(p) for p in opinion.probabilities],
            opinion.candidates,
            is_calibrated=opinion.is_calibrated,
            chosen=self._label,
        )
        self.trust.show_opinion(opinion, self._names)
        part = _part_words(film.part)
        self._part.setText(part)
        self._part.setVisible(bool(part))

    def show_truth(self, text: str) -> None:
        """Say what the film truly is; "" where nobody knows."""
        self._truth.setText(text)
        self._truth.setVisible(bool(text))

    def _on_method_chosen(self, method: Method) -> None:
        self._method = method

    def _on_class_chosen(self, label: int) -> None:
        self._label = label
        self.bars.choose_class(label)
        self.heat.choose_class(label)
        self.class_chosen.emit(label)


def _part_words(part: Part | None) -> str:
    if part == "train":
        return tr("The model was trained on this very film, so its answer proves nothing.")
    if part == "validation":
        return tr("The model was chosen by this very film, so its answer proves little.")
    return ""
