"""The state of a film that is looked at: window, orientation, rulers."""

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, QSizeF

from app.i18n import tr
from app.widgets.viewer.picture import FilmPicture, Orientation
from core.images.film import FullDepthFilm, Spacing, Window

Kind = Literal["network", "full", "lungs", "bones", "file"]

_FRAME = 0.06  # of each side: borders, markers and collimator leaves are left out of account
_LUNGS = (0.02, 0.72)  # which part of the pixels, from the darkest, gets the greys
_BONES = (0.28, 0.998)
_MOST_COUNTED = 1_000_000  # pixels
_LEAST_WIDTH = 1.0  # levels, from black to white
_WIDER = 220.0  # pixels of a drag that make the window e times as wide
_HIGHER = 320.0  # pixels of a drag that move the window by its own width
REACH_PX = 9.0  # so near to a ruler the pointer takes hold of it


@dataclass(frozen=True, slots=True)
class Preset:
    """A window and where it comes from."""

    kind: Kind
    window: Window
    place: int = 0  # among the windows of the file
    name: str = ""  # what the file calls it: foreign text

    def words(self) -> str:
        """Return its name in the user's language."""
        match self.kind:
            case "network":
                return tr("As the network sees it")
            case "full":
                return tr("Full range")
            case "lungs":
                return tr("Lungs")
            case "bones":
                return tr("Bones and mediastinum")
            case "file" if self.name:
                return tr("File: {name}", name=self.name)
            case "file" if self.window.curve:
                return tr("File: VOI LUT {n}", n=self.place + 1)
            case _:
                return tr("File: window {n}", n=self.place + 1)


def presets_of(film: FullDepthFilm) -> tuple[Preset, ...]:
    """Return the windows that suit a film, the network's first."""
    parts: tuple[tuple[Kind, tuple[float, float]], ...] = (("lungs", _LUNGS), ("bones", _BONES))
    middle = _inner(film)
    shares = np.bincount(middle.ravel()).cumsum() / middle.size  # of pixels at a level or below
    presets = [
        Preset("network", film.default),
        Preset("full", _full_range(film)),
    ]
    for kind, (first, last) in parts:
        # What is dark on the screen is low or, in a negative, high.
        ends = (1 - last, 1 - first) if film.is_negative else (first, last)
        low, high = np.searchsorted(shares, ends)
        presets.append(Preset(kind, _between(float(low), float(high))))
    presets += [
        Preset("file", window, place, name)
        for place, (name, window) in enumerate(film.file_windows)
    ]
    return tuple(presets)


def _full_range(film: FullDepthFilm) -> Window:
    hidden = film.hidden()
    is_seen = None if hidden is None or hidden.all() else ~hidden
    values = film.values if is_seen is None else film.values[is_seen]
    return _between(float(values.min()), float(values.max()))


def _inner(film: FullDepthFilm) -> NDArray[np.unsignedinteger]:
    """Return enough of the levels in the middle of the film, without padding, at least one."""
    values = film.values if film.values.ndim == 2 else film.values[..., 1]
    step = max(1, int((values.size / _MOST_COUNTED) ** 0.5))
    down, across = (int(side * _FRAME) for side in values.shape)
    rows = slice(down, values.shape[0] - down, step)
    columns = slice(across, values.shape[1] - across, step)
    hidden = film.hidden()
    if hidden is None or hidden[rows, columns].all():
        return values[rows, columns]
    return values[rows, columns][~hidden[rows, columns]]


def _between(low: float, high: float) -> Window:
    return Window(low, max(high, low + 1))


@dataclass(slots=True)
class Ruler:
    """A line from one point of the film, as it is stored, to another."""

    start: QPointF
    end: QPointF

    @property
    def line(self) -> QLineF:
        """The line, in pixels of the film."""
        return QLineF(self.start, self.end)


@dataclass(slots=True)
class Grip:
    """The part of a ruler that the pointer holds: one end, or all of it."""

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
    """Return the length of a line: in mm where the film's file says so, else in its pixels."""
    if spacing is None:
        return tr("{length} px", length=f"{line.length():,.0f}")
    length = math.hypot(line.dx() * spacing.across_mm, line.dy() * spacing.down_mm)
    if spacing.is_at_detector:
        return tr("{length} mm at the detector", length=f"{length:,.1f}")
    return tr("{length} mm", length=f"{length:,.1f}")


def part_within(line: QLineF, room: QRectF) -> QLineF | None:
    """Return the part of a line within a room (Liang and Barsky, 1984); None where none does."""
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
    """Return the distance from a point to the nearest point of a line that has ends."""
    way = line.p2() - line.p1()
    squared = QPointF.dotProduct(way, way)
    if squared <= 0:
        return QLineF(line.p1(), point).length()
    along = min(max(QPointF.dotProduct(point - line.p1(), way) / squared, 0.0), 1.0)
    return QLineF(line.p1() + way * along, point).length()


def grip_at(rulers: list[Ruler], point: QPointF, reach: float) -> Grip | None:
    """Return the ruler, or its end, nearest to a point, if one is within reach."""
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


class FilmState:
    """One film and what the user did to it.

    Args:
        film: Of any depth.
    """

    def __init__(self, film: FullDepthFilm) -> None:
        self.film = film
        self.size = QSizeF(film.width, film.height)
        self.picture = FilmPicture(film)
        self.presets = presets_of(film)
        self.rulers: list[Ruler] = []
        self.orientation = Orientation()
        self.window = film.default  # the levels that go from black to white; change it by `use`
        self.is_inverted = False  # the user wants black and white the other way round
        self.is_shuttered = film.shutter is not None  # what lies outside the shutter is black

    @property
    def preset(self) -> Preset | None:
        """The preset that the window is; None where it is the user's own."""
        return next((one for one in self.presets if one.window == self.window), None)

    def use(self, window: Window, is_inverted: bool) -> None:
        """Show the film so from now on."""
        n_levels = self.film.n_levels
        width = min(max(window.width, _LEAST_WIDTH), 4.0 * n_levels)
        centre = min(max(window.centre, -1.0 * n_levels), 2.0 * n_levels)
        if (width, centre) != (window.width, window.centre):
            window = replace(window, low=centre - width / 2, high=centre + width / 2)
        self.window, self.is_inverted = window, is_inverted
        self.picture.use(window, is_inverted)

    def drag_window(self, across: float, down: float) -> None:
        """Change the window as a drag by so many pixels does.

        To the right: wider, and so less contrast. Down: darker, whichever end is black.
        """
        width = self.window.width * math.exp(across / _WIDER)
        is_negative = self.is_inverted != self.film.is_negative
        rise = down / _HIGHER * width
        centre = self.window.centre + (-rise if is_negative else rise)
        window = replace(self.window, low=centre - width / 2, high=centre + width / 2)
        self.use(window, self.is_inverted)

    def use_shutter(self, is_used: bool) -> None:
        """Cover what lies outside the file's display shutter, or show it."""
        if self.film.shutter is not None and is_used != self.is_shuttered:
            self.is_shuttered = is_used
            self.picture.use_shutter(is_used)

    @property
    def relative_window(self) -> tuple[float, float]:
        """Both ends of the window, where 0 and 1 are those of the network's."""
        default = self.film.default
        return (
            (self.window.low - default.low) / default.width,
            (self.window.high - default.low) / default.width,
        )

    def follow(self, other: "FilmState") -> None:
        """Change the window as that of another film was changed.

        The same preset where that one shows a preset, else one that is as much wider and higher
        than the network's own.
        """
        preset = other.preset
        if preset is not None:
            for mine in self.presets:
                if (mine.kind, mine.place) == (preset.kind, preset.place):
                    self.use(mine.window, other.is_inverted)
                    return
        default = self.film.default
        low, high = (default.low + end * default.width for end in other.relative_window)
        self.use(replace(default, low=low, high=high), other.is_inverted)

    def level_text(self, point: QPointF) -> str:
        """Return what the film says at one of its points; "" beside it."""
        row, column = math.floor(point.y()), math.floor(point.x())
        film = self.film
        if not (0 <= row < film.height and 0 <= column < film.width):
            return ""
        if film.padding is not None and film.padding[row, column]:
            return tr("padding")
        if film.is_coloured:
            return " ".join(str(int(channel)) for channel in film.values[row, column])
        number = film.number(float(film.values[row, column]))
        text = f"{number:,.0f}" if film.has_whole_numbers else f"{number:,.5g}"
        return f"{text} {film.unit}".strip()
