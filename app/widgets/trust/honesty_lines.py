"""Whether a heat map shows what an answer rests on: three figures and a stamp."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from PySide6.QtWidgets import QVBoxLayout

from app.translation import say, tr
from app.widgets.translated import TranslatedWidget
from app.widgets.trust.section_head import SectionHead
from app.widgets.trust.share_row import ShareRow

if TYPE_CHECKING:
    from core.prediction.explanation import Honesty

State = Literal["none", "examining", "known"]


class HonestyLines(TranslatedWidget):
    """The lines are there from the start and fill in: nothing below them moves."""

    def __init__(self) -> None:
        super().__init__()
        self._state: State = "none"
        self._honesty: Honesty | None = None
        self._head = SectionHead()
        self._lungs, self._agreement, self._random = ShareRow(), ShareRow(), ShareRow()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        for part in (self._head, self._lungs, self._agreement, self._random):
            column.addWidget(part)
        self.retranslate()

    def show_honesty(self, honesty: "Honesty | None") -> None:
        """Fill in what was found; None: the map was not examined."""
        self._honesty = honesty
        self._state = "none" if honesty is None else "known"
        self.retranslate()

    def show_examining(self) -> None:
        """Say that the figures are on their way."""
        self._honesty, self._state = None, "examining"
        self.retranslate()

    def show_colours(self, colours: Mapping[str, str]) -> None:
        """Take a theme's colours."""
        for part in (self._head, self._lungs, self._agreement, self._random):
            part.show_colours(colours)

    def retranslate(self) -> None:
        self._head.show_title(
            tr("Heat map checks"), tr("A map can look convincing and still mislead: three checks.")
        )
        honesty = self._honesty
        if honesty is not None:
            reasons = " ".join(say(reason) for reason in honesty.reasons)
            if honesty.is_trustworthy:
                passed = tr("The heat lies in the lungs and two methods agree on it.")
                self._head.show_state(tr("passed"), "good", reasons or passed)
            else:
                self._head.show_state(tr("do not trust"), "danger", reasons)
        elif self._state == "examining":
            self._head.show_state(
                tr("examining …"), "muted", tr("A second method is looking at the film.")
            )
        else:
            self._head.show_state(tr("not examined"), "muted")
        lungs = honesty.lung_share if honesty is not None else None
        self._lungs.show_share(
            tr("Heat in the lungs"),
            lungs,
            self._figure(lungs, tr("lungs not found")),
            tr(
                "How much of the heat lies inside the lungs: where most lies outside, the answer "
                "rests on something else."
            ),
        )
        agreement = honesty.agreement if honesty is not None else None
        self._agreement.show_share(
            tr("Agreement of two methods"),
            agreement,
            self._figure(agreement, "–"),
            tr(
                "How alike the activation map and the map from covering parts of the film are: "
                "the full bar means the same."
            ),
        )
        likeness = honesty.random_likeness if honesty is not None else None
        self._random.show_share(
            tr("Likeness to random weights"),
            likeness,
            self._figure(likeness, "–"),
            tr(
                "How alike the map of a network that learned nothing is: a high figure means that "
                "the map shows the film, not what was learned."
            ),
            "muted",
        )

    def _figure(self, share: float | None, unknown: str) -> str:
        """A share in per cent; before it is known, that it is on its way."""
        if share is not None and share == share:
            return f"{share:.0%}"
        return unknown if self._state == "known" else "…" if self._state == "examining" else "–"
