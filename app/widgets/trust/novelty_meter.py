"""How unlike the training films a film is, on a scale with its limit."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from app.translation import tr
from app.widgets.labels import plain_tip
from app.widgets.translated import TranslatedWidget
from app.widgets.trust.section_head import SectionHead

if TYPE_CHECKING:
    from core.prediction.novelty import Novelty

LIMIT_AT: Final = 0.6  # of the scale's length
BAR_PX, MARK_PX = 8, 6
MIDDLE_GREY: Final = "#808080"


class NoveltyMeter(TranslatedWidget):
    """The words "like the training films" or "unlike", and below them the scale."""

    def __init__(self) -> None:
        super().__init__()
        self._novelty: Novelty | None = None
        self._head, self._scale = SectionHead(), _Scale()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self._head)
        column.addWidget(self._scale)
        self.retranslate()

    def show_novelty(self, novelty: "Novelty | None") -> None:
        """Show another film's; None: the model file knows nothing of its training films."""
        self._novelty = novelty
        self.retranslate()

    def show_colours(self, colours: Mapping[str, str]) -> None:
        """Take a theme's colours."""
        self._head.show_colours(colours)
        self._scale.show_colours(colours)

    def retranslate(self) -> None:
        novelty = self._novelty
        meaning = tr(
            "How far what the network sees in this film lies from what it saw in its training "
            "films. Of the films kept for checking, 19 in 20 lie below the limit."
        )
        self._head.show_title(tr("Novelty"), meaning)
        if novelty is None:
            self._head.show_state(
                tr("not known"), "muted", tr("The model file tells nothing of its training films.")
            )
        elif novelty.is_familiar:
            self._head.show_state(tr("like the training films"), "good", meaning)
        else:
            self._head.show_state(tr("unlike the training films"), "danger", meaning)
        self._scale.setVisible(novelty is not None)
        if novelty is not None:
            self._scale.show_score(
                novelty.score,
                novelty.threshold,
                tr("score {score}", score=figure(novelty.score)),
                tr("limit {limit}", limit=figure(novelty.threshold)),
            )
        self._scale.setToolTip(plain_tip(meaning))


class _Scale(QWidget):
    """From alike at the left to unlike at the right; the limit always at the same place."""

    def __init__(self) -> None:
        super().__init__()
        self._place, self._is_beyond = math.nan, False
        self._score, self._limit = "", ""
        self._colours: Mapping[str, str] = {}
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_score(self, score: float, limit: float, score_words: str, limit_words: str) -> None:
        """Mark a score; a limit that is no number hides mark and words."""
        self._place, self._is_beyond = place_of(score, limit), score > limit
        self._score, self._limit = score_words, limit_words
        self.setAccessibleName(" ".join(part for part in (score_words, limit_words) if part))
        self.update()

    def show_colours(self, colours: Mapping[str, str]) -> None:
        self._colours = colours
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, MARK_PX + BAR_PX + 4 + self.fontMetrics().height())

    def minimumSizeHint(self) -> QSize:
        return QSize(60, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width = float(self.width())
        bar = QRectF(0, MARK_PX, width, BAR_PX)
        is_known = math.isfinite(self._place)
        painter.setPen(Qt.PenStyle.NoPen)
        if not is_known:
            painter.setBrush(self._colour("raised"))
            painter.drawRoundedRect(bar, 3, 3)
            return
        limit = width * LIMIT_AT
        alike = QRectF(bar.left(), bar.top(), limit - 1, BAR_PX)
        unlike = QRectF(limit + 1, bar.top(), width - limit - 1, BAR_PX)
        self._fill(painter, alike, "good", is_hatched=False)
        self._fill(painter, unlike, "danger", is_hatched=True)
        self._draw_words(painter, limit, bar.bottom() + 4)
        strong = self.palette().text().color()
        painter.setPen(QPen(strong, 2))
        painter.drawLine(QPointF(limit, bar.top() - 2), QPointF(limit, bar.bottom() + 2))
        at = min(max(self._place * width, MARK_PX), width - MARK_PX)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(strong)
        half = MARK_PX * 0.8
        painter.drawPolygon(
            QPolygonF(
                [QPointF(at - half, 0), QPointF(at + half, 0), QPointF(at, MARK_PX + BAR_PX - 2)]
            )
        )

    def _fill(self, painter: QPainter, place: QRectF, name: str, *, is_hatched: bool) -> None:
        colour = self._colour(name)
        colour.setAlphaF(0.4)
        painter.setBrush(colour)
        painter.drawRoundedRect(place, 3, 3)
        if is_hatched:  # told apart without colour
            colour.setAlphaF(0.8)
            painter.setBrush(QBrush(colour, Qt.BrushStyle.BDiagPattern))
            painter.drawRoundedRect(place, 3, 3)

    def _draw_words(self, painter: QPainter, limit: float, top: float) -> None:
        painter.setPen(self._colour("muted"))
        metrics, width = painter.fontMetrics(), float(self.width())
        limit_px = metrics.horizontalAdvance(self._limit) + 1
        left = min(max(limit - limit_px / 2, 0.0), max(0.0, width - limit_px))
        line = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        painter.drawText(QRectF(left, top, limit_px, metrics.height()), line, self._limit)
        room = max(0.0, left - 8)
        fitting = metrics.elidedText(self._score, Qt.TextElideMode.ElideRight, int(room))
        painter.drawText(QRectF(0, top, room, metrics.height()), line, fitting)

    def _colour(self, name: str) -> QColor:
        return QColor(self._colours.get(name, MIDDLE_GREY))


def place_of(score: float, limit: float) -> float:
    """Where on the scale a score is marked.

    Returns:
        0 to 1: even up to the limit, which is at LIMIT_AT; beyond it ever closer to 1. Not a
        number where a score or a positive limit is missing.
    """
    if not (math.isfinite(score) and math.isfinite(limit) and limit > 0):
        return math.nan
    ratio = max(0.0, score / limit)
    return LIMIT_AT * ratio if ratio <= 1 else 1 - (1 - LIMIT_AT) / ratio


def figure(value: float) -> str:
    """A score or distance; their limits are mostly 1, but other files may count in thousands."""
    if not math.isfinite(value):
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"
