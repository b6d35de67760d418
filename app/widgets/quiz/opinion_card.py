"""What the model says of a film, and whether to believe it: a scrolling card."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.translation import listing, say, tr
from app.widgets.labels import plain_label
from app.widgets.score_bars import ScoreBars
from app.widgets.translated import TranslatedWidget
from app.widgets.trust.verdict_sign import VerdictSign
from core.prediction.opinion import Opinion
from core.prediction.verdict import Verdict

MAX_NAMED = 4  # classes
LEAST_PX = 90  # high; more is scrolled to


class OpinionCard(TranslatedWidget):
    """Probabilities, how sure the model is, and the verdict on it."""

    heat_toggled = Signal(bool)  # whether the heat map is to be seen

    def __init__(self) -> None:
        super().__init__()
        self._said: tuple[tuple[str, ...], Opinion, Verdict] | None = None
        self._title = plain_label("sectionTitle")
        self._verdict = VerdictSign()
        self._bars = ScoreBars()
        self._sure, self._reasons = plain_label(wraps=True), plain_label("muted", wraps=True)
        self._heat = QCheckBox()  # off at first: the film is to be seen
        self._heat.toggled.connect(self.heat_toggled)
        head = QHBoxLayout()
        head.addWidget(self._title)
        head.addStretch()
        head.addWidget(self._verdict)
        inside = QWidget()
        inside.setObjectName("bare")
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 8, 0)
        column.setSpacing(6)
        column.addLayout(head)
        column.addWidget(self._bars)
        column.addWidget(self._heat)
        column.addWidget(self._sure)
        column.addWidget(self._reasons)
        column.addStretch()
        self._scroll = QScrollArea()
        self._scroll.setWidget(inside)
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setMinimumHeight(LEAST_PX)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._scroll)
        self.retranslate()

    @property
    def is_heat_wanted(self) -> bool:
        """Whether the heat map is to be seen."""
        return self._heat.isChecked()

    def toggle_heat(self) -> None:
        """Switch the heat map on or off, where there is one."""
        if self._heat.isVisible():
            self._heat.toggle()

    def show_opinion(
        self, names: Sequence[str], opinion: Opinion, verdict: Verdict, *, has_heat: bool = False
    ) -> None:
        """Show what the model says.

        Args:
            names: Of the classes, in the order of their labels; foreign text.
            opinion: Of the film.
            verdict: Whether to believe it.
            has_heat: Whether there is a heat map to be switched on and off.
        """
        is_new = self._said is None or self._said[1] is not opinion
        self._said = tuple(names), opinion, verdict
        self._heat.setVisible(has_heat)
        self.retranslate()
        if is_new:
            self._scroll.verticalScrollBar().setValue(0)

    def show_colours(self, colours: Mapping[str, str]) -> None:
        """Take a theme's colours."""
        self._bars.show_colours(colours["accent"], colours["muted"], colours["raised"])
        self._verdict.show_colours(colours)

    def retranslate(self) -> None:
        self._title.setText(tr("The model says"))
        self._heat.setText(tr("Heat map of its answer (O)"))
        unchecked = tr("Not examined here: the Read page tells whether a heat map can be trusted.")
        self._heat.setToolTip(unchecked)
        self._heat.setAccessibleDescription(unchecked)
        if self._said is None:
            return
        names, opinion, verdict = self._said
        self._bars.show_scores(names, list(opinion.probabilities))
        self._verdict.show_verdict(verdict.level)
        self._sure.setText(_sure_line(names, opinion))
        self._reasons.setText("\n".join(say(reason) for reason in verdict.reasons))


def _sure_line(names: Sequence[str], opinion: Opinion) -> str:
    if opinion.is_sure:
        return tr("The model is sure.")
    possible = [names[label] for label in opinion.candidates]
    if not possible:
        return tr("The model is not sure of any class.")
    if len(possible) > MAX_NAMED:
        return tr("The model is not sure: {n} classes remain possible.", n=len(possible))
    return tr("The model is not sure: it may be {classes}.", classes=listing(possible))
