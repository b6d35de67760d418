"""Draws a pane: the film, what lies over it, and what is written in its corners."""

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPainterPath, QPen, QTextOption

from app.i18n import tr
from app.widgets.signs import draw_sign
from app.widgets.viewer.layers import heat_table
from app.widgets.viewer.picture import FilmGeometry, Placement
from app.widgets.viewer.state import FilmState, length_text, part_within
from core.images.film import Spacing

PLAIN = QColor("#dce3ea")  # on black in either theme
FAINT = QColor("#9aa7b4")
MARK = QColor("#ffd166")  # what changes how the film reads: flipped, inverted
_GROUND = QColor(0, 0, 0, 150)
_STAMP, _STAMP_GROUND = QColor("#231a00"), QColor("#f0b429")
MARGIN_PX = 8.0
_PADDING_PX = 4.0
_STAMP_PADDING_PX = 6.0
_STAMP_LINES = 3


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text and its colour."""

    text: str
    colour: QColor = field(default_factory=lambda: PLAIN)
    is_cut_in_the_middle: bool = False  # where it is too long: the end of a file name tells more


def draw_corner(
    painter: QPainter, room: QRectF, lines: list[Line], corner: Qt.AlignmentFlag
) -> QRectF:
    """Write lines into a corner.

    Args:
        painter: Its font is used.
        room: Whose corner it is; the lines take at most half of its width.
        lines: From the top; empty ones are left out.
        corner: A horizontal and a vertical alignment.

    Returns:
        What was covered.
    """
    metrics = QFontMetricsF(painter.font())
    most = room.width() / 2 - 1.5 * MARGIN_PX
    texts = [(_cut(line, metrics, most), line.colour) for line in lines if line.text]
    if not texts or most < 40:
        return QRectF()
    width = max(metrics.horizontalAdvance(text) for text, _ in texts) + 2 * _PADDING_PX
    height = metrics.height() * len(texts) + 2 * _PADDING_PX
    left, top = room.left() + MARGIN_PX, room.top() + MARGIN_PX
    if corner & Qt.AlignmentFlag.AlignRight:
        left = room.right() - MARGIN_PX - width
    if corner & Qt.AlignmentFlag.AlignBottom:
        top = room.bottom() - MARGIN_PX - height
    place = QRectF(left, top, width, height)
    draw_ground(painter, place)
    for row, (text, colour) in enumerate(texts):
        painter.setPen(colour)
        x = left + _PADDING_PX
        if corner & Qt.AlignmentFlag.AlignRight:
            x = place.right() - _PADDING_PX - metrics.horizontalAdvance(text)
        y = top + _PADDING_PX + metrics.height() * row + metrics.ascent()
        painter.drawText(QPointF(x, y), text)
    return place


def draw_ground(painter: QPainter, place: QRectF) -> None:
    """Darken the film where something is written."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_GROUND)
    painter.drawRoundedRect(place, 3, 3)


def draw_label(painter: QPainter, place: QPointF, text: str, room: QRectF) -> None:
    """Write one line beside a place, kept inside the room."""
    metrics = QFontMetricsF(painter.font())
    size = (metrics.horizontalAdvance(text) + 2 * _PADDING_PX, metrics.height() + 2)
    left = min(max(place.x() + 8, room.left()), room.right() - size[0])
    top = min(max(place.y() - size[1] / 2, room.top()), room.bottom() - size[1])
    ground = QRectF(left, top, *size)
    draw_ground(painter, ground)
    painter.setPen(PLAIN)
    painter.drawText(QPointF(left + _PADDING_PX, top + 1 + metrics.ascent()), text)


def draw_stamp(painter: QPainter, room: QRectF, text: str) -> float:
    """Write a warning across the top of the room.

    Returns:
        How much of the room's height it takes.
    """
    metrics = QFontMetricsF(painter.font())
    sign = metrics.height()
    indent = sign + 2.5 * _STAMP_PADDING_PX
    words = QRectF(
        room.left() + indent,
        room.top() + _STAMP_PADDING_PX,
        room.width() - indent - _STAMP_PADDING_PX,
        metrics.height() * _STAMP_LINES + 1,
    )
    if words.width() < 40:
        return 0.0
    flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop
    option = QTextOption(flags)
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    needed = painter.boundingRect(words, text, option).height()
    height = min(max(needed, metrics.height()), words.height()) + 2 * _STAMP_PADDING_PX
    painter.fillRect(QRectF(room.left(), room.top(), room.width(), height), _STAMP_GROUND)
    place = QRectF(room.left() + _STAMP_PADDING_PX, room.top() + _STAMP_PADDING_PX, sign, sign)
    draw_sign(painter, place, "warning", _STAMP, _STAMP_GROUND)
    painter.setPen(_STAMP)
    painter.save()
    painter.setClipRect(QRectF(room.left(), room.top(), room.width(), height))
    painter.drawText(words, text, option)
    painter.restore()
    return height


def _cut(line: Line, metrics: QFontMetricsF, most: float) -> str:
    mode = (
        Qt.TextElideMode.ElideMiddle if line.is_cut_in_the_middle else Qt.TextElideMode.ElideRight
    )
    return metrics.elidedText(" ".join(line.text.split()), mode, most)


_RADIUS_PX = 120.0
_TIMES = 2.5  # as large as around it
_LEAST_SCALE = 1.0  # pixels of the screen a pixel of the film
_MOST_SCALE = 40.0
_RIM = QColor("#dce3ea")


def draw_magnifier(
    painter: QPainter, state: FilmState, geometry: FilmGeometry, pointer: QPointF
) -> None:
    """Draw the glass; it shows the film alone, without heat, so that one sees beneath it."""
    radius = min(_RADIUS_PX, geometry.room.width() / 3, geometry.room.height() / 3)
    if radius < 20:
        return
    scale = min(max(geometry.scale * _TIMES, _LEAST_SCALE), _MOST_SCALE)
    seen = 2 * radius * geometry.ratio / scale  # pixels of the film
    middle = geometry.film_point(pointer)
    box = QRectF(middle.x() - seen / 2, middle.y() - seen / 2, seen, seen)
    side = max(1, round(2 * radius * geometry.ratio))
    picture = state.picture.glimpse(box, QSize(side, side), state.orientation)
    glass = QRectF(pointer.x() - radius, pointer.y() - radius, 2 * radius, 2 * radius)
    shape = QPainterPath()
    shape.addEllipse(glass)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setClipPath(shape)
    painter.drawImage(glass, picture)
    painter.setClipping(False)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(0, 0, 0, 160), 4))
    painter.drawEllipse(glass)
    painter.setPen(QPen(_RIM, 1.5))
    painter.drawEllipse(glass)
    painter.restore()


_WIDEST_PX = 130.0
_NARROWEST_ROOM_PX = 320.0
_LEGEND_PX = 110.0
_LEGEND_HEIGHT_PX = 8.0


def round_length(most: float) -> float:
    """The greatest of 1, 2 or 5 times a power of ten that is not above `most`, more than 0."""
    power = 10.0 ** math.floor(math.log10(most))
    return max(factor * power for factor in (1, 2, 5) if factor * power <= most * (1 + 1e-9))


def draw_scale_bar(
    painter: QPainter, room: QRectF, bottom: float, spacing: Spacing, unit: float, is_turned: bool
) -> float:
    """Draw a bar that is a round number of millimetres long.

    Args:
        painter: Its font is used.
        room: At whose right side the bar stands.
        bottom: Above which place.
        spacing: Of the film's pixels.
        unit: Qt's pixels to a pixel of the film.
        is_turned: Whether the film lies on its side.

    Returns:
        Where the next thing above it may end.
    """
    a_pixel = spacing.down_mm if is_turned else spacing.across_mm
    if room.width() < _NARROWEST_ROOM_PX or unit <= 0:
        return bottom
    length_mm = round_length(_WIDEST_PX / unit * a_pixel)
    length = length_mm / a_pixel * unit
    text = tr("{length} mm", length=f"{length_mm:,g}")
    if spacing.is_at_detector:
        text = tr("{length} mm at the detector", length=f"{length_mm:,g}")
    metrics = QFontMetricsF(painter.font())
    width = max(length, metrics.horizontalAdvance(text)) + 2 * _PADDING_PX
    height = metrics.height() + 10 + _PADDING_PX
    ground = QRectF(room.right() - MARGIN_PX - width, bottom - height, width, height)
    draw_ground(painter, ground)
    right, y = ground.right() - _PADDING_PX, ground.bottom() - 7
    painter.setPen(QPen(PLAIN, 1.5))
    left = right - length
    painter.drawLine(QPointF(left, y), QPointF(right, y))
    for x in (left, right):
        painter.drawLine(QPointF(x, y - 4), QPointF(x, y + 3))
    painter.drawText(
        QPointF(right - metrics.horizontalAdvance(text), ground.top() + 2 + metrics.ascent()), text
    )
    return ground.top() - 4


def draw_legend(painter: QPainter, room: QRectF, bottom: float) -> float:
    """Draw what the colours of a heat map mean; returns where the next thing above may end."""
    metrics = QFontMetricsF(painter.font())
    low, high = tr("low"), tr("high")
    words = metrics.horizontalAdvance(low) + metrics.horizontalAdvance(high) + 12
    title = tr("Speaks for this class")
    bar = _LEGEND_PX
    width = max(bar + words, metrics.horizontalAdvance(title)) + 2 * _PADDING_PX
    if width + 2 * MARGIN_PX > room.width():
        return bottom
    height = 2 * metrics.height() + 2 * _PADDING_PX
    ground = QRectF(room.right() - MARGIN_PX - width, bottom - height, width, height)
    draw_ground(painter, ground)
    painter.setPen(PLAIN)
    first = ground.top() + _PADDING_PX + metrics.ascent()
    second = first + metrics.height()
    painter.drawText(QPointF(ground.left() + _PADDING_PX, first), title)
    x = ground.left() + _PADDING_PX
    painter.drawText(QPointF(x, second), low)
    x += metrics.horizontalAdvance(low) + 6
    y = second - metrics.ascent() / 2 - _LEGEND_HEIGHT_PX / 2 + 1
    place = QRectF(x, y, bar, _LEGEND_HEIGHT_PX)
    painter.fillRect(place, QColor("black"))
    colours = heat_table(1.0)
    strip = QImage(colours.data, 256, 1, 4 * 256, QImage.Format.Format_ARGB32_Premultiplied)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.drawImage(place, strip.copy())
    painter.setPen(QPen(PLAIN, 0.6))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(place)
    painter.drawText(QPointF(place.right() + 6, second), high)
    return ground.top() - 4


if TYPE_CHECKING:
    from app.widgets.viewer.viewed_film import ViewedFilm

FRAME = QColor("#4db6ac")
RULER = QColor("#7fe3d4")
CHOSEN_RULER = QColor("#ffd166")
OUTLINE = QColor("#58c7f3")
_SHADE = QColor(0, 0, 0, 170)
_SMALL_PX = 220  # narrower panes are told nothing but the film's name
_NARROW_PX = 400  # in narrower ones the legend stands above what is written at the left
Align = Qt.AlignmentFlag


def paint_pane(painter: QPainter, pane: "ViewedFilm") -> None:
    """Draw all of a pane."""
    room = QRectF(pane.rect())
    painter.fillRect(room, QColor("black"))  # what surrounds a film is dark
    state = pane.state
    if state is None:
        painter.setPen(PLAIN)
        how = Align.AlignCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(room.adjusted(24, 24, -24, -24), int(how), pane.text)
        draw_corner(painter, room, [_name(pane)], Align.AlignLeft | Align.AlignTop)
    else:
        placement = Placement.of(pane.geometry_now)
        _draw_film(painter, pane, state, placement)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        _draw_outline(painter, pane, state)
        _draw_rulers(painter, pane, state, room)
        top = 0.0
        if pane.overlays.stamp and pane.overlays.visible_heat is not None:
            top = draw_stamp(painter, room, pane.overlays.stamp)
        _write(painter, pane, state, room.adjusted(0, top, 0, 0))
        if pane.echo is not None:
            _draw_cross(painter, pane.echo)
        if pane.has_magnifier and pane.pointer is not None:
            draw_magnifier(painter, state, pane.geometry_now, pane.pointer)
    if pane.is_marked:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(FRAME, 1))
        painter.drawRect(pane.rect().adjusted(0, 0, -1, -1))


def _draw_film(
    painter: QPainter, pane: "ViewedFilm", state: FilmState, placement: Placement
) -> None:
    painter.save()
    painter.scale(1 / placement.ratio, 1 / placement.ratio)
    state.picture.draw(painter, placement, state.orientation, is_hurried=pane.is_hurried)
    heat = pane.overlays.visible_heat
    if heat is not None:
        heat.draw(painter, placement, state.orientation, pane.overlays.opacity)
    painter.restore()


def _draw_outline(painter: QPainter, pane: "ViewedFilm", state: FilmState) -> None:
    width, height = state.size.toTuple()

    def place(point: QPointF) -> QPointF:
        return pane.place_of(QPointF(point.x() * width, point.y() * height))

    lines = [QLineF(place(line.p1()), place(line.p2())) for line in pane.overlays.lines]
    if lines and pane.overlays.is_heat_shown:
        for colour, thickness in ((_SHADE, 2.4), (OUTLINE, 1.2)):
            painter.setPen(QPen(colour, thickness))
            painter.drawLines(lines)


def _draw_rulers(painter: QPainter, pane: "ViewedFilm", state: FilmState, room: QRectF) -> None:
    for ruler in state.rulers:
        colour = CHOSEN_RULER if ruler is pane.gestures.chosen else RULER
        start, end = pane.place_of(ruler.start), pane.place_of(ruler.end)
        line = QLineF(start, end)
        across = line.normalVector().unitVector()
        arm = QPointF(across.dx(), across.dy()) * 6
        for pen in (QPen(_SHADE, 3.2), QPen(colour, 1.4)):
            painter.setPen(pen)
            painter.drawLine(line)
            for place in (start, end):
                painter.drawLine(place - arm, place + arm)
        seen = part_within(line, room)
        if seen is not None:
            lower = max(seen.p1(), seen.p2(), key=QPointF.y)
            draw_label(painter, lower, length_text(ruler.line, state.film.spacing), room)


def _draw_cross(painter: QPainter, place: QPointF) -> None:
    for pen in (QPen(_SHADE, 3.2), QPen(RULER, 1.2)):
        painter.setPen(pen)
        for way in (QPointF(1, 0), QPointF(-1, 0), QPointF(0, 1), QPointF(0, -1)):
            painter.drawLine(place + way * 4, place + way * 11)


def _write(painter: QPainter, pane: "ViewedFilm", state: FilmState, room: QRectF) -> None:
    film, window = state.film, state.window
    header = film.header
    facts = f"{film.width:,} × {film.height:,}"
    if header.bits > 8:
        facts += " · " + tr("{n} bit", n=header.bits)
    is_small = room.width() < _SMALL_PX
    has_facts = pane.has_facts and not is_small
    left_top = [_name(pane), Line(facts, FAINT)] if has_facts else [_name(pane)]
    draw_corner(painter, room, left_top, Align.AlignLeft | Align.AlignTop)
    marks = [state.orientation.words(), tr("inverted") if state.is_inverted else ""]
    draw_corner(
        painter,
        room,
        [Line(mark, MARK) for mark in marks],
        Align.AlignRight | Align.AlignTop,
    )
    if is_small:
        return
    centre, width = film.centre_and_width(window)
    preset = state.preset
    lines = [
        Line(_pointed(pane, state)),
        Line(preset.words() if preset else "", FAINT),
        Line(tr("W {width} · L {level}", width=_short(width), level=_short(centre))),
        Line(f"{pane.geometry_now.scale:.0%}", FAINT),
    ]
    draw_corner(painter, room, lines, Align.AlignLeft | Align.AlignBottom)
    bottom = room.bottom() - MARGIN_PX
    if film.spacing is not None:
        bottom = draw_scale_bar(
            painter,
            room,
            bottom,
            film.spacing,
            pane.geometry_now.unit,
            state.orientation.is_on_its_side,
        )
    if pane.overlays.visible_heat is not None:
        if room.width() < _NARROW_PX:
            if not pane.is_marked:  # one legend will do for all films
                return
            n_lines = sum(bool(line.text) for line in lines)
            bottom -= n_lines * painter.fontMetrics().lineSpacing() + MARGIN_PX
        draw_legend(painter, room, bottom)


def _name(pane: "ViewedFilm") -> Line:
    return Line(pane.name, is_cut_in_the_middle=True)


def _pointed(pane: "ViewedFilm", state: FilmState) -> str:
    """Where the pointer is on the film and what is there."""
    if pane.pointer is None:
        return ""
    point = pane.film_point(pane.pointer)
    level = state.level_text(point)
    if not level:
        return ""
    text = f"x {int(point.x()):,} · y {int(point.y()):,} · {level}"
    heat = pane.overlays.visible_heat
    if heat is not None:
        there = heat.value_at(point.x() / state.size.width(), point.y() / state.size.height())
        text += " · " + tr("heat {value}", value=f"{there:.2f}")
    return text


def _short(number: float) -> str:
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:,.4g}"
