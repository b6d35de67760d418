"""The panel beside the film in hand: answer, probabilities, trust, and the film's heat map."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app import theme as styling
from app.i18n import say, tr
from app.reading.heat_map import HeatControls, Method, SaliencyCheckLines
from app.reading.novelty import NeighbourStrip, NoveltyMeter, nearest_words, source_words
from app.reading.probabilities import ProbabilityBars
from app.settings import Theme
from app.widgets.labels import card, plain_label
from app.widgets.page import TranslatedWidget
from app.widgets.signs import HEADLINE_PX, VerdictSign
from core.prediction.explanation import Explanation
from core.prediction.film_search import RefusedFilm
from core.prediction.reading import FilmResult
from core.prediction.saliency_checks import SaliencyChecks

PANEL_PX = 320


class TrustCard(TranslatedWidget):
    """The verdict as the headline, its reasons, and the evidence: novelty, source, heat map.

    Args:
        answer: Stands below the reasons: the verdict comes first.
    """

    def __init__(self, answer: QWidget | None = None) -> None:
        super().__init__()
        self._film: FilmResult | None = None
        self._sign, self._empty = VerdictSign(HEADLINE_PX), plain_label("muted", wraps=True)
        self._reasons: list[QLabel] = []
        self._reason_column = QVBoxLayout()
        self._reason_column.setSpacing(4)
        self._novelty, self._neighbours = NoveltyMeter(), NeighbourStrip(nearest_words)
        self._source = NeighbourStrip(source_words)
        self._lines = SaliencyCheckLines()
        head = QVBoxLayout()
        head.setSpacing(8)
        head.addWidget(self._empty)
        head.addWidget(self._sign)
        head.addLayout(self._reason_column)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(16)
        column.addLayout(head)
        if answer is not None:
            column.addWidget(answer)
        column.addWidget(self._novelty)
        column.addWidget(self._source)
        column.addWidget(self._neighbours)
        column.addWidget(self._lines)
        column.addStretch()
        self.retranslate()
        self._show_parts()

    def show_film(self, film: FilmResult, names: Sequence[str]) -> None:
        """Show the verdict on a film; the figures of another film's heat map are taken away.

        Args:
            film: As it was read.
            names: Of all its classes, as they are shown.
        """
        if self._film is None or film.key != self._film.key:
            self._lines.show_checks(None)
        self._film = film
        self._novelty.show_novelty(film.opinion.novelty)
        self._neighbours.show_neighbours(film.opinion.neighbours, names)
        self._source.show_neighbours(film.opinion.source_examples, names)
        self._show_parts()

    def show_examining(self) -> None:
        """Say that the heat map is being examined."""
        self._lines.show_examining()

    def show_checks(self, checks: SaliencyChecks | None) -> None:
        """Show the findings on the heat map that is shown; None: it was not examined."""
        self._lines.show_checks(checks)

    def clear(self) -> None:
        """Show no film."""
        self._film = None
        self._show_parts()

    def show_colours(self, colours: Mapping[str, str]) -> None:
        """Take a theme's colours, see `resources.colours`."""
        for part in (self._sign, self._novelty, self._source, self._neighbours, self._lines):
            part.show_colours(colours)

    def retranslate(self) -> None:
        self._empty.setText(tr("Choose an X-ray to see what its answer is worth."))
        self._show_verdict()

    def _show_parts(self) -> None:
        has_film = self._film is not None
        self._empty.setVisible(not has_film)
        film, is_hidden = self._film, self._film is not None and self._film.hides_answer
        for part in (self._sign, self._novelty):
            part.setVisible(has_film)
        # The checks are those of the answer's heat map, which is not shown.
        self._lines.setVisible(has_film and not is_hidden)
        self._source.setVisible(film is not None and bool(film.opinion.source_examples))
        self._neighbours.setVisible(
            film is not None and bool(film.opinion.neighbours) and not is_hidden
        )
        self._show_verdict()

    def _show_verdict(self) -> None:
        verdict = None if self._film is None else self._film.verdict
        self._sign.show_verdict(None if verdict is None else verdict.level)
        reasons = () if verdict is None else verdict.reasons
        while len(self._reasons) < len(reasons):
            label = plain_label("muted" if self._reasons else "", wraps=True)
            label.setMinimumWidth(1)  # a long word in a reason must not widen the panel
            self._reasons.append(label)
            self._reason_column.addWidget(label)
        for place, label in enumerate(self._reasons):
            is_used = place < len(reasons)
            label.setText(say(reasons[place]) if is_used else "")
            label.setVisible(is_used)


class FrameChoice(TranslatedWidget):
    """Names the frame of a file that holds several, and asks for another."""

    frame_wanted = Signal(int)  # from 1

    def __init__(self) -> None:
        super().__init__()
        self._frame, self._n_frames = 1, 1
        self._words, self._number, self._read = plain_label("muted"), QSpinBox(), QPushButton()
        self._read.clicked.connect(lambda: self.frame_wanted.emit(self._number.value()))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._words, 1)
        row.addWidget(self._number)
        row.addWidget(self._read)
        self.retranslate()

    def show_frame(self, frame: int, n_frames: int) -> None:
        """Show which frame of how many was read; of one alone nothing is shown."""
        self._frame, self._n_frames = frame, n_frames
        self._number.setRange(1, n_frames)
        self._number.setValue(frame + 1 if frame < n_frames else 1)
        self.setVisible(n_frames > 1)
        self.retranslate()

    def retranslate(self) -> None:
        self._words.setText(tr("Frame {frame} of {n}", frame=self._frame, n=self._n_frames))
        self._number.setAccessibleName(tr("Frame"))
        self._read.setText(tr("Read frame"))


class ReadingPanel(TranslatedWidget):
    """The right-hand side of the Read page."""

    class_chosen = Signal(int)  # whose heat map is wanted
    answer_wanted = Signal()  # although it is not reliable
    card_wanted = Signal()  # what the model says about itself

    def __init__(self) -> None:
        super().__init__()
        self._shown: FilmResult | RefusedFilm | None = None
        self._names: tuple[str, ...] = ()
        self._label: int | None = None
        self._method: Method = "occlusion"  # that the user chose; not every film has both yet
        self._name = plain_label("sectionTitle", wraps=True)
        self._answer = plain_label("sectionTitle", wraps=True)
        self._not_read, self._refusal = plain_label("figure", wraps=True), plain_label(wraps=True)
        self._truth, self._anyway = plain_label(wraps=True), QPushButton()
        self.bars, self.heat, self.frames = ProbabilityBars(), HeatControls(), FrameChoice()
        self.trust = TrustCard(self._lay_out_answer())
        self.model_line, self._about = plain_label("muted", wraps=True), QPushButton()
        for label in (self._name, self._answer, self._truth, self.model_line):
            label.setMinimumWidth(1)  # foreign names must not widen the panel
        self._lay_out()
        self._about.clicked.connect(self.card_wanted)
        self._anyway.clicked.connect(self.answer_wanted)
        self.bars.class_chosen.connect(self._on_class_chosen)
        self.heat.class_chosen.connect(self._on_class_chosen)
        self.heat.method_chosen.connect(self._on_method_chosen)
        self.retranslate()

    def _lay_out_answer(self) -> QWidget:
        answer = QWidget()
        answer.setObjectName("bare")
        column = QVBoxLayout(answer)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        for widget in (self._answer, self._truth, self.bars):
            column.addWidget(widget)
        column.addWidget(self._anyway, 0, Qt.AlignmentFlag.AlignLeft)
        return answer

    def _lay_out(self) -> None:
        inner = QWidget()
        inner.setObjectName("bare")
        column = QVBoxLayout(inner)
        column.setContentsMargins(14, 12, 14, 12)
        column.setSpacing(16)
        above = (self._name, self.frames, self._not_read, self._refusal)
        for widget in (*above, self.trust, self.heat):
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
        """Name the model's classes in the language of the moment."""
        self._names = names
        self.heat.show_classes(names, self._label)
        self._show()

    def show_film(self, film: FilmResult, label: int) -> None:
        """Say what is known of a film; the map's checks is awaited."""
        self._shown, self._label = film, label
        self.heat.show_classes(self._names, label)
        self.heat.show_available(has_second=False, has_lungs=False)
        self._show()
        self.trust.show_examining()

    def show_refused(self, refused: RefusedFilm) -> None:
        """Say why a file could not be read."""
        self._shown = refused
        self._show()

    def weigh(self, film: FilmResult) -> None:
        """Show the same film anew, of which more is known or asked for now."""
        self._shown = film
        self._show()

    def show_explanation(self, explanation: Explanation) -> None:
        """Show what was found of the heat map that is shown."""
        has_second = explanation.second is not None
        self.heat.show_available(has_second=has_second, has_lungs=explanation.lungs is not None)
        if has_second:
            self.heat.choose_method(self._method)
        if explanation.checks is not None:
            self.trust.show_checks(explanation.checks)

    def clear(self) -> None:
        """Show no film."""
        self._shown = None
        self._show()

    def retranslate(self) -> None:
        self._about.setText(tr("About this model …"))
        self._anyway.setText(tr("Show anyway"))
        self._not_read.setText(tr("not read"))
        self._show()

    def _show(self) -> None:
        shown = self._shown
        is_film = isinstance(shown, FilmResult)
        for part in (self.trust, self.heat):
            part.setVisible(is_film)
        frames = (shown.frame, shown.n_frames) if isinstance(shown, FilmResult) else (1, 1)
        self.frames.show_frame(*frames)
        is_refused = isinstance(shown, RefusedFilm)
        self._not_read.setVisible(is_refused)
        self._refusal.setVisible(is_refused)
        self._refusal.setText("")
        if isinstance(shown, FilmResult):
            self._show_answer(shown)
            return
        self._name.setText(shown.name if shown is not None else "")
        if isinstance(shown, RefusedFilm):
            self._refusal.setText(say(shown.refusal.reason))
        self.trust.clear()

    def _show_answer(self, film: FilmResult) -> None:
        opinion = film.opinion
        if len(self._names) != len(opinion.probabilities):
            return  # another model is being opened
        self._name.setText(film.name)
        is_hidden = film.hides_answer
        answer = self._names[opinion.predicted]
        if is_hidden:
            answer = tr("The answer is withheld, for it is not reliable.")
        elif not opinion.is_sure:
            answer = tr("Not sure: {name}?", name=answer)
        self._answer.setText(answer)
        self._answer.setObjectName("muted" if is_hidden else "sectionTitle")
        self._answer.style().polish(self._answer)
        self._anyway.setVisible(is_hidden)
        self.bars.setVisible(not is_hidden)
        self.heat.setVisible(not is_hidden)
        self.bars.show_answer(
            self._names,
            [float(p) for p in opinion.probabilities],
            opinion.candidates,
            is_calibrated=opinion.is_calibrated,
            chosen=self._label,
        )
        self.trust.show_film(film, self._names)
        truth = "" if is_hidden else _truth_words(film, self._names)
        self._truth.setText(truth)
        self._truth.setVisible(bool(truth))

    def _on_method_chosen(self, method: Method) -> None:
        self._method = method

    def _on_class_chosen(self, label: int) -> None:
        self._label = label
        self.bars.choose_class(label)
        self.heat.choose_class(label)
        self.class_chosen.emit(label)


def _truth_words(film: FilmResult, names: Sequence[str]) -> str:
    """Name the true class and say whether the model was right; "" where nobody knows."""
    if film.true_class is None:
        return ""
    label = film.true_label
    return tr(
        "True class: {name} ({verdict})",
        name=film.true_class if label is None else names[label],
        verdict=tr("✓ right") if film.is_right else tr("× wrong"),
    )
