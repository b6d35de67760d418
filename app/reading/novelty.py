"""Novelty of a film on a scale with its limit, and its nearest training films."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QBrush,
    QColor,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QPolygonF,
    QResizeEvent,
)
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from app.i18n import listing, say, tr
from app.widgets.labels import MIDDLE_GREY, ElidedLabel, SectionHead, plain_label, plain_tip
from app.widgets.page import TranslatedWidget
from app.widgets.thumbnails import thumbnail
from core.prediction.novelty import Neighbour, Novelty

LIMIT_AT: Final = 0.6  # of the scale's length
BAR_PX, MARK_PX = 8, 6
N_NEIGHBOURS: Final = 5
SIDE_PX: Final = 64  # of the pictures in a model file
LEAST_SIDE_PX: Final = 32
GAP_PX: Final = 6
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


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

    def show_novelty(self, novelty: Novelty | None) -> None:
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
        elif (
            novelty.is_familiar
            and novelty.acquisition is not None
            and (not novelty.acquisition.is_familiar)
        ):
            reason = say(novelty.acquisition.reason)
            self._head.show_state(tr("from another source"), "danger", reason)
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
    """Return the place of a score on the scale.

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


def nearest_words() -> tuple[str, str]:
    """Title and explanation of the films that the network finds most alike."""
    return tr("Nearest training films"), tr(
        "The films the network learned from that look most like this one to it. Where "
        "they belong to another class than its answer, be wary."
    )


def source_words() -> tuple[str, str]:
    """Title and explanation of the films that were acquired most alike."""
    return tr("Nearest training source"), tr(
        "Training X-rays of the source whose acquisition is most like this one's: sharpness, "
        "noise, grey levels, borders and shape, whatever they show."
    )


class NeighbourStrip(TranslatedWidget):
    """Pictures with class and distance side by side; lines of text where there are no pictures.

    Args:
        words: Give the title and its explanation in the language of the moment.
    """

    def __init__(self, words: Callable[[], tuple[str, str]]) -> None:
        super().__init__()
        self._words = words
        self._neighbours: tuple[Neighbour, ...] = ()
        self._names: tuple[str, ...] = ()
        self._head, self._summary = SectionHead(), ElidedLabel("muted")
        self._tiles = [_Tile() for _ in range(N_NEIGHBOURS)]
        self._lines = [_Line() for _ in range(N_NEIGHBOURS)]
        self._why_none = plain_label("muted", wraps=True)
        self._pictures, tiles = QWidget(), QHBoxLayout()
        tiles.setContentsMargins(0, 0, 0, 0)
        tiles.setSpacing(GAP_PX)
        self._pictures.setLayout(tiles)
        for tile in self._tiles:
            tiles.addWidget(tile, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        for part in (self._head, self._summary, self._pictures, *self._lines, self._why_none):
            column.addWidget(part)
        self.retranslate()

    def show_neighbours(self, neighbours: Sequence[Neighbour], names: Sequence[str]) -> None:
        """Show other films, the nearest first.

        Args:
            neighbours: At most five are shown; none: nothing is.
            names: Of the classes, as they are shown.
        """
        self._neighbours, self._names = tuple(neighbours[:N_NEIGHBOURS]), tuple(names)
        self.retranslate()

    def show_colours(self, colours: Mapping[str, str]) -> None:
        """Take a theme's colours."""
        self._head.show_colours(colours)
        for part in (*self._tiles, *self._lines):
            part.show_colours(colours)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        room = (self.width() - (N_NEIGHBOURS - 1) * GAP_PX) // N_NEIGHBOURS
        for tile in self._tiles:
            tile.set_side(min(SIDE_PX, max(LEAST_SIDE_PX, room)))

    def retranslate(self) -> None:
        self._head.show_title(*self._words())
        self._head.show_state("", "muted")
        films = self._neighbours
        has_pictures = any(film.thumbnail is not None for film in films)
        self._summary.show_text(self._summarise() if films else "")
        self._summary.setVisible(has_pictures)  # lines of text need none
        self._pictures.setVisible(has_pictures)
        for place in range(N_NEIGHBOURS):
            tile, line = self._tiles[place], self._lines[place]
            is_there = place < len(films)
            line.setVisible(is_there and not has_pictures)
            film = films[place] if is_there else None
            if film is None:
                tile.show_film(None, "", "")
                continue
            name = self._name_of(film.label)
            distance = figure(film.distance)
            if has_pictures:
                tile.show_film(film, name, distance)
            else:
                line.show_film(name, distance)
        self._why_none.setText(tr("No pictures: the model file was made without them."))
        self._why_none.setVisible(bool(films) and not has_pictures)
        self._head.setVisible(bool(films))

    def _summarise(self) -> str:
        counts = Counter(film.label for film in self._neighbours)
        return listing(
            tr("{n} × {name}", n=n, name=self._name_of(label)) for label, n in counts.most_common()
        )

    def _name_of(self, label: int) -> str:
        name = self._names[label] if 0 <= label < len(self._names) else str(label)
        return " ".join(name.split())


class _Described(QWidget):
    """A widget that says its film in words."""

    def __init__(self) -> None:
        super().__init__()
        self._name, self._distance = "", ""
        self._colours: Mapping[str, str] = {}

    def show_colours(self, colours: Mapping[str, str]) -> None:
        self._colours = colours
        self.update()

    def _describe(self, name: str, distance: str) -> None:
        self._name, self._distance = name, distance
        words = tr("{name}, distance {distance}", name=name, distance=distance) if name else ""
        self.setAccessibleName(words)
        self.setToolTip(plain_tip(words))
        self.update()

    def _muted(self) -> QColor:
        return QColor(self._colours.get("muted", MIDDLE_GREY))


class _Tile(_Described):
    """A small picture, below it class and distance."""

    def __init__(self) -> None:
        super().__init__()
        self._picture: QPixmap | None = None
        self._is_used, self._side_px = False, SIDE_PX
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def show_film(self, film: Neighbour | None, name: str, distance: str) -> None:
        """Draw another film; None: leave the place empty."""
        self._is_used = film is not None
        pixels = film.thumbnail if film is not None else None
        self._picture = thumbnail(pixels, SIDE_PX * 2) if pixels is not None else None
        self._describe(name, distance)

    def set_side(self, side_px: int) -> None:
        """Make the picture as large as there is room for."""
        self._side_px = side_px
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        return QSize(self._side_px, self._side_px + 4 + 2 * self._small_height())

    def minimumSizeHint(self) -> QSize:
        return QSize(LEAST_SIDE_PX, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._is_used:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        side = min(self.width(), self._side_px)
        place = QRectF((self.width() - side) / 2, 0, side, side)
        if self._picture is None:
            painter.fillRect(place, QColor(self._colours.get("raised", MIDDLE_GREY)))
        else:
            painter.drawPixmap(place.toRect(), self._picture)
        font = self.font()
        font.setPointSizeF(max(6.0, font.pointSizeF() * 0.85))
        painter.setFont(font)
        metrics = painter.fontMetrics()
        for line, (text, colour) in enumerate(
            ((self._name, self.palette().text().color()), (self._distance, self._muted()))
        ):
            painter.setPen(colour)
            top = self._side_px + 4 + line * self._small_height()
            painter.drawText(
                QRectF(0, top, self.width(), self._small_height()),
                int(Qt.AlignmentFlag.AlignCenter),
                metrics.elidedText(text, Qt.TextElideMode.ElideRight, self.width()),
            )

    def _small_height(self) -> int:
        return self.fontMetrics().height()


class _Line(_Described):
    """Class at the left, distance at the right."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def show_film(self, name: str, distance: str) -> None:
        """Name another film."""
        self._describe(name, distance)

    def sizeHint(self) -> QSize:
        return QSize(200, self.fontMetrics().height())

    def minimumSizeHint(self) -> QSize:
        return QSize(60, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        metrics, width = painter.fontMetrics(), self.width()
        number_px = min(width, metrics.horizontalAdvance(self._distance) + 1)
        room = max(0, width - number_px - 8)
        painter.setPen(self.palette().text().color())
        painter.drawText(
            QRectF(0, 0, room, self.height()),
            int(_LEFT),
            metrics.elidedText(self._name, Qt.TextElideMode.ElideRight, room),
        )
        painter.setPen(self._muted())
        painter.drawText(
            QRectF(width - number_px, 0, number_px, self.height()),
            int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter),
            self._distance,
        )
