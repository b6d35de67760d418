"""Whether to believe what the model says of a film, and why."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QLabel, QVBoxLayout

from app.translation import say, tr
from app.widgets.labels import plain_label
from app.widgets.translated import TranslatedWidget
from app.widgets.trust.honesty_lines import HonestyLines
from app.widgets.trust.neighbour_strip import NeighbourStrip
from app.widgets.trust.novelty_meter import NoveltyMeter
from app.widgets.trust.verdict_sign import HEADLINE_PX, VerdictSign
from core.errors import Message
from core.prediction.verdict import verdict_of

if TYPE_CHECKING:
    from core.prediction.explanation import Honesty
    from core.prediction.opinion import Opinion


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
