"""How a film is looked at, apart from any drawing: window, orientation, rulers."""

import math

from PySide6.QtCore import QPointF, QSizeF

from app.widgets.viewer.film_picture import FilmPicture
from app.widgets.viewer.orientation import Orientation
from app.widgets.viewer.presets import Preset, presets_of
from app.widgets.viewer.rulers import Ruler
from core.data.images import FullDepthFilm, Window

_LEAST_WIDTH = 1.0  # levels, from black to white
_WIDER = 220.0  # pixels of a drag that make the window e times as wide
_HIGHER = 320.0  # pixels of a drag that move the window by its own width


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
        self._window = film.default
        self._is_inverted = False

    @property
    def window(self) -> Window:
        """Which levels go from black to white now."""
        return self._window

    @property
    def is_inverted(self) -> bool:
        """Whether the user wants black and white the other way round."""
        return self._is_inverted

    @property
    def preset(self) -> Preset | None:
        """The preset that the window is; None where it is the user's own."""
        return next((one for one in self.presets if one.window == self._window), None)

    def use(self, window: Window, is_inverted: bool) -> None:
        """Show the film so from now on."""
        n_levels = self.film.n_levels
        width = min(max(window.width, _LEAST_WIDTH), 4.0 * n_levels)
        centre = min(max(window.centre, -1.0 * n_levels), 2.0 * n_levels)
        if (width, centre) != (window.width, window.centre):
            window = Window(centre - width / 2, centre + width / 2, window.is_sigmoid)
        self._window, self._is_inverted = window, is_inverted
        self.picture.use(window, is_inverted)

    def drag_window(self, across: float, down: float) -> None:
        """Change the window as a drag by so many pixels does.

        To the right: wider, and so less contrast. Down: darker, whichever end is black.
        """
        width = self._window.width * math.exp(across / _WIDER)
        is_negative = self._is_inverted != self.film.is_negative
        rise = down / _HIGHER * width
        centre = self._window.centre + (-rise if is_negative else rise)
        self.use(
            Window(centre - width / 2, centre + width / 2, self._window.is_sigmoid),
            self._is_inverted,
        )

    @property
    def relative_window(self) -> tuple[float, float]:
        """Both ends of the window, where 0 and 1 are those of the network's."""
        default = self.film.default
        return (
            (self._window.low - default.low) / default.width,
            (self._window.high - default.low) / default.width,
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
        self.use(Window(low, high, default.is_sigmoid), other.is_inverted)

    def level_text(self, point: QPointF) -> str:
        """What the film says at one of its points; "" beside it."""
        row, column = math.floor(point.y()), math.floor(point.x())
        film = self.film
        if not (0 <= row < film.height and 0 <= column < film.width):
            return ""
        if film.is_coloured:
            return " ".join(str(int(channel)) for channel in film.values[row, column])
        number = film.number(float(film.values[row, column]))
        text = f"{number:,.0f}" if film.has_whole_numbers else f"{number:,.5g}"
        return f"{text} {film.unit}".strip()
