"""Whether a heat map shows what an answer rests on: four figures and a stamp."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Literal

from PySide6.QtWidgets import QVBoxLayout

from app.translation import say, tr
from app.widgets.translated import TranslatedWidget
from app.widgets.trust.section_head import SectionHead
from app.widgets.trust.share_row import ShareRow

if TYPE_CHECKING:
    from core.prediction.explanation import Honesty

_TINY: Final = 0.001  # smaller chances are all the same

State = Literal["none", "examining", "known"]


class HonestyLines(TranslatedWidget):
    """The lines are there from the start and fill in: nothing below them moves."""

    def __init__(self) -> None:
        super().__init__()
        self._state: State = "none"
        self._honesty: Honesty | None = None
        self._head = SectionHead()
        self._lungs, self._agreement = ShareRow(), ShareRow()
        self._random, self._chance = ShareRow(), ShareRow()
        self._parts = (self._head, self._lungs, self._agreement, self._random, self._chance)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        for part in self._parts:
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
        for part in self._parts:
            part.show_colours(colours)

    def retranslate(self) -> None:
        self._head.show_title(
            tr("Heat map checks"), tr("A map can look convincing and still mislead: four checks.")
        )
        honesty = self._honesty
        if honesty is not None:
            reasons = " ".join(say(reason) for reason in honesty.reasons)
            if honesty.is_trustworthy:
                passed = tr("No check speaks against this map.")
                self._head.show_state(tr("passed"), "good", reasons or passed)
            else:
                self._head.show_state(tr("do not trust"), "danger", reasons)
        elif self._state == "examining":
            self._head.show_state(
                tr("examining …"), "muted", tr("A second method is looking at the film.")
            )
        else:
            self._head.show_state(tr("not examined"), "muted")
        self._show_lungs(honesty)
        self._show_agreement(honesty)
        self._show_random(honesty)
        self._show_chance(honesty)

    def _show_lungs(self, honesty: "Honesty | None") -> None:
        share = honesty.lung_share if honesty is not None else None
        self._lungs.show_share(
            tr("Heat in the lungs"),
            share,
            self._figure(share, unknown=tr("lungs not found")),
            tr(
                "How much of the heat lies inside the lungs: where most lies outside, the answer "
                "rests on something else."
            ),
        )

    def _show_agreement(self, honesty: "Honesty | None") -> None:
        agreement = honesty.agreement if honesty is not None else None
        is_number = agreement is not None and math.isfinite(agreement)
        self._agreement.show_share(
            tr("Agreement of two methods"),
            agreement,
            f"{agreement:.2f}" if is_number else self._figure(None),
            tr(
                "Whether the activation map and the map from covering parts of the film put the "
                "same places first: 1 is the same order, 0 none in common, below 0 the reverse."
            ),
        )

    def _show_random(self, honesty: "Honesty | None") -> None:
        likeness = honesty.random_likeness if honesty is not None else None
        self._random.show_share(
            tr("Likeness to random weights"),
            likeness,
            self._figure(likeness),
            tr(
                "How alike the map of a network that learned nothing is: a high figure means that "
                "the map shows the film, not what was learned."
            ),
            "muted",
        )

    def _show_chance(self, honesty: "Honesty | None") -> None:
        chance = honesty.chance if honesty is not None else None
        is_tiny = chance is not None and chance < _TINY
        self._chance.show_share(
            tr("Chance of such evidence"),
            chance,
            f"< {_TINY:.1%}" if is_tiny else self._figure(chance),
            tr(
                "How often shuffled weights would find evidence as strong for this class: a high "
                "figure means that the map may show nothing but chance."
            ),
            "muted",
        )

    def _figure(self, share: float | None, unknown: str = "–") -> str:
        """A share in per cent; before it is known, that it is on its way."""
        if share is not None and math.isfinite(share):
            return f"{share:.0%}"
        return unknown if self._state == "known" else "…" if self._state == "examining" else "–"
