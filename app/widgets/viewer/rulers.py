"""Lines that the user has laid over a film to measure it."""

import math
from dataclasses import dataclass

from PySide6.QtCore import QLineF, QPointF, QRectF

from app.translation import tr
from core.data.images import Spacing

REACH_PX = 9.0  # so near to a ruler the pointer takes hold of it


@dataclass(slots=True)
class Ruler:
    """A line from one point of the film, as it is stored, to another."""

    start: QPointF
    end: QPointF

    @property
    def line(self) -> QLineF:
        """It, in pixels of the film."""
        return QLineF(self.start, self.end)


@dataclass(slots=True)
class Grip:
    """What the pointer has taken hold of: one end of a ruler, or all of it."""

    ruler: Ruler
    is_start: bool
    is_end: bool

    def move(self, way: QPointF) -> None:
        """Carry it along, `way` in pixels of the film."""
        if self.is_start:
            self.ruler.start = self.ruler.start + way
        if self.is_end:
            self.ruler.end = self.ruler.end + way


def length_text(line: QLineF, spacing: Spacing | None) -> str:
    """How long a line is: in mm where the film's file says so, else in its pixels."""
    if spacing is None:
        return tr("{length} px", length=f"{line.length():,.0f}")
    length = math.hypot(line.dx() * spacing.across_mm, line.dy() * spacing.down_mm)
    if spacing.is_at_detector:
        return tr("{length} mm at the detector", length=f"{length:,.1f}")
    return tr("{length} mm", length=f"{length:,.1f}")


def part_within(line: QLineF, room: QRectF) -> QLineF | None:
    """The part of a line that lies within a room (Liang and Barsky, 1984); None where none does."""
    first, last = 0.0, 1.0
    for way, before, after in (
        (line.dx(), room.left() - line.x1(), room.right() - line.x1()),
        (line.dy(), room.top() - line.y1(), room.bottom() - line.y1()),
    ):
        if way == 0:
            if before > 0 or after < 0:
                return None
            continue
        enters, leaves = sorted((before / way, after / way))
        first, last = max(first, enters), min(last, leaves)
    return QLineF(line.pointAt(first), line.pointAt(last)) if first <= last else None


def distance_to(line: QLineF, point: QPointF) -> float:
    """From a point to the nearest point of a line that has ends."""
    way = line.p2() - line.p1()
    squared = QPointF.dotProduct(way, way)
    if squared <= 0:
        return QLineF(line.p1(), point).length()
    along = min(max(QPointF.dotProduct(point - line.p1(), way) / squared, 0.0), 1.0)
    return QLineF(line.p1() + way * along, point).length()


def grip_at(rulers: list[Ruler], point: QPointF, reach: float) -> Grip | None:
    """The ruler, or its end, that is nearest to a point, if one is within reach."""
    best: Grip | None = None
    least = reach
    for ruler in rulers:
        for is_start, end in ((True, ruler.start), (False, ruler.end)):
            distance = QLineF(end, point).length()
            if distance <= least:
                best, least = Grip(ruler, is_start, not is_start), distance
    if best is not None:
        return best
    for ruler in rulers:
        distance = distance_to(ruler.line, point)
        if distance <= least:
            best, least = Grip(ruler, True, True), distance
    return best
