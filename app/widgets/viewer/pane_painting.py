"""Draws a pane: the film, what lies over it, and what is written in its corners."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from app.translation import tr
from app.widgets.viewer.corner_texts import (
    FAINT,
    MARGIN_PX,
    MARK,
    PLAIN,
    Line,
    draw_corner,
    draw_label,
    draw_stamp,
)
from app.widgets.viewer.film_state import FilmState
from app.widgets.viewer.magnifier import draw_magnifier
from app.widgets.viewer.placement import Placement
from app.widgets.viewer.rulers import length_text, part_within
from app.widgets.viewer.scale_marks import draw_legend, draw_scale_bar

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
