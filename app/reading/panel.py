"""What is said of the film in hand: answer, probabilities, trust, and what lies over the film."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app import theme as styling
from app.i18n import language, say, tr
from app.reading.film_list_model import ReadingRow
from app.reading.heat_map import HeatControls, HonestyLines, Method
from app.reading.novelty import NeighbourStrip, NoveltyMeter
from app.reading.probabilities import ProbabilityBars
from app.reading.viewmodel import Part, ReadFilm, RefusedFile
from app.settings import Theme
from app.widgets.labels import card, plain_label
from app.widgets.page import TranslatedWidget
from app.widgets.signs import HEADLINE_PX, VerdictSign
from core.errors import Message
from core.models.model_card import ModelCard
from core.prediction.verdict import verdict_of

if TYPE_CHECKING:
    from core.prediction.saliency_checks import Honesty

_TRAINED = Message("trained on")


def film_row(
    film: ReadFilm, card: ModelCard | None, honesty: "Honesty | None" = None
) -> ReadingRow:
    """A film as the list shows it.

    Args:
        film: With the model's opinion.
        card: Of that model.
        honesty: Of its heat map, once that was examined.
    """
    opinion = film.opinion
    return ReadingRow(
        key=film.key,
        name=film.name,
        label=opinion.predicted,
        probability=float(opinion.probabilities[opinion.predicted]),
        is_sure=opinion.is_sure,
        level=verdict_of(opinion, honesty).level,
        note=_TRAINED if film.part == "train" else None,
        thumbnail=film.thumbnail,
        true_label=_true_label(film, card),
        duplicate_of=film.duplicate_of or "",
    )


def refused_row(refused: RefusedFile) -> ReadingRow:
    """A file that could not be read, as the list shows it."""
    return ReadingRow(key=refused.key, name=refused.name, refusal=refused.refusal.reason)


def truth_words(film: ReadFilm, card: ModelCard | None) -> str:
    """The true class and whether the model was right; "" where nobody knows."""
    if film.true_class is None or card is None:
        return ""
    is_right = card.classes[film.predicted] == film.true_class
    names = card.display_names.get(film.true_class)
    return tr(
        "True class: {name} ({verdict})",
        name=names[language()] if names is not None else film.true_class,
        verdict=tr("✓ right") if is_right else tr("× wrong"),
    )


def _true_label(film: ReadFilm, card: ModelCard | None) -> int | None:
    if card is None or film.true_class not in card.classes:
        return None
    return card.classes.index(film.true_class)


if TYPE_CHECKING:
    from core.prediction.classifier import Opinion
    from core.prediction.saliency_checks import Honesty


class TrustCard(TranslatedWidget):
    """Verdict with its reasons, novelty, nearest training films, and the heat map's honesty."""

    def __init__(self) -> None:
        super().__init__()
        self._opinion: Opinion | None = None
        self._honesty: Honesty | None = None
        self._sign, self._empty = VerdictSign(HEADLINE_PX), plain_label("muted", wraps=True)
        self._reasons: list[QLabel] = []
        self._reason_column = QVBoxLayout()
        self._reason_column.setSpacing(4)
        self._novelty, self._neighbours = NoveltyMeter(), NeighbourStrip()
        self._lines = HonestyLines()
        head = QVBoxLayout()
        head.setSpacing(8)
        head.addWidget(self._empty)
        head.addWidget(self._sign)
        head.addLayout(self._reason_column)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(16)
        column.addLayout(head)
        column.addWidget(self._novelty)
        column.addWidget(self._neighbours)
        column.addWidget(self._lines)
        column.addStretch()
        self.retranslate()
        self._show_parts()

    def show_opinion(self, opinion: "Opinion", names: Sequence[str]) -> None:
        """Judge another film; what was found of the heat map of the one before is forgotten.

        Args:
            opinion: What the model says of the film.
            names: Of all its classes, as they are shown.
        """
        if opinion is not self._opinion:  # else it is told again, in another language
            self._honesty = None
            self._lines.show_honesty(None)
        self._opinion = opinion
        self._novelty.show_novelty(opinion.novelty)
        self._neighbours.show_neighbours(opinion.neighbours, names)
        self._show_parts()

    def show_examining(self) -> None:
        """Say that the heat map is being examined."""
        self._honesty = None
        self._lines.show_examining()
        self._show_verdict()

    def show_honesty(self, honesty: "Honesty | None") -> None:
        """Take into account what was found of the heat map; None: it was not examined."""
        self._honesty = honesty
        self._lines.show_honesty(honesty)
        self._show_verdict()

    def clear(self) -> None:
        """Show no film."""
        self._opinion = self._honesty = None
        self._show_parts()

    def show_colours(self, colours: Mapping[str, str]) -> None:
        """Take a theme's colours, see `resources.colours`."""
        for part in (self._sign, self._novelty, self._neighbours, self._lines):
            part.show_colours(colours)

    def retranslate(self) -> None:
        self._empty.setText(tr("Choose a film to see whether its answer should be believed."))
        self._show_verdict()

    def _show_parts(self) -> None:
        has_film = self._opinion is not None
        self._empty.setVisible(not has_film)
        for part in (self._sign, self._novelty, self._neighbours, self._lines):
            part.setVisible(has_film)
        if self._opinion is not None and not self._opinion.neighbours:
            self._neighbours.hide()
        self._show_verdict()

    def _show_verdict(self) -> None:
        reasons: tuple[Message, ...] = ()
        if self._opinion is None:
            self._sign.show_verdict(None)
        else:
            verdict = verdict_of(self._opinion, self._honesty)
            self._sign.show_verdict(verdict.level)
            reasons = verdict.reasons
        while len(self._reasons) < len(reasons):
            label = plain_label("muted" if self._reasons else "", wraps=True)
            label.setMinimumWidth(1)  # a long word in a reason must not widen the panel
            self._reasons.append(label)
            self._reason_column.addWidget(label)
        for place, label in enumerate(self._reasons):
            is_used = place < len(reasons)
            label.setText(say(reasons[place]) if is_used else "")
            label.setVisible(is_used)


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
        colours = styling.colours(theme)
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
