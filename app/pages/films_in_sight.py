"""Which film stands in which pane of the viewer, and what lies over it."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal, Slot

from app.translation import say, tr
from app.viewmodels.desk import DeskViewModel
from app.viewmodels.read_film import ReadFilm
from app.viewmodels.reading import ReadingViewModel
from app.widgets.viewer import ViewerDesk
from core.data.images import FullDepthFilm
from core.errors import Message
from core.prediction.explanation.heat_map import HeatMap

if TYPE_CHECKING:
    from core.prediction.explanation import Explanation

N_PANES = 4


class FilmsInSight(QObject):
    """Fills the viewer's panes, and has read and explained what is in them.

    Args:
        viewer: Shows the films.
        reading: Knows them by key.
        looking: Reads them at full depth and explains them.
        parent: Qt's owner.
    """

    explained = Signal(object, object)  # ReadFilm, Explanation of the class that is wanted

    def __init__(
        self,
        viewer: ViewerDesk,
        reading: ReadingViewModel,
        looking: DeskViewModel,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._viewer, self._reading, self._looking = viewer, reading, looking
        self._labels: dict[int, int] = {}  # key -> class whose heat map was chosen
        self._method, self._has_outline = "cam", True
        self._failed: dict[int, Message] = {}  # key -> why its file cannot be read any more
        self.keys: list[int | None] = [None] * N_PANES
        looking.film_loaded.connect(self._on_film_loaded)
        looking.film_failed.connect(self._on_film_failed)
        looking.explained.connect(self._on_explained)

    @property
    def current_key(self) -> int | None:
        """Of what is in the pane that takes the keys."""
        return self.keys[self._viewer.chosen_pane]

    @property
    def current(self) -> ReadFilm | None:
        """The film in hand."""
        return self._film_in(self._viewer.chosen_pane)

    def label_of(self, film: ReadFilm) -> int:
        """The class whose heat map is shown: the predicted one, until another was chosen."""
        return self._labels.get(film.key, film.predicted)

    def explanation_of(self, film: ReadFilm) -> "Explanation | None":
        """What was found out for the class that is shown."""
        return self._looking.explanation(film.key, self.label_of(film))

    def put(self, pane: int, key: int) -> None:
        """Show a film in a pane; until it is read again, its thumbnail stands for it."""
        self.keys[pane] = key
        film = self._film_in(pane)
        if film is None:
            self._empty(pane)
            refused = next((one for one in self._reading.refused if one.key == key), None)
            if refused is not None:
                self._viewer.show_message(pane, say(refused.refusal.reason), refused.name)
            return
        if key in self._failed:
            self._viewer.show_message(pane, say(self._failed[key]), film.name)
            return
        full = self._looking.film(key)
        self._viewer.show_film(pane, film.thumbnail if full is None else full, film.name)
        self._show_heat(pane, None)

    def fill(self, n_panes: int, following: Sequence[int]) -> None:
        """Put the next films of a list into panes that are empty."""
        left = [key for key in following if key in self._reading.films]
        for pane in range(n_panes):
            if self.keys[pane] is None and left:
                self.put(pane, left.pop(0))

    def remove(self, keys: Collection[int]) -> None:
        """Empty the panes that show these films."""
        for pane, shown in enumerate(self.keys):
            if shown in keys:
                self.keys[pane] = None
                self._empty(pane)

    def clear(self) -> None:
        """Empty all panes."""
        self._labels.clear()
        self._failed.clear()
        self._looking.forget()
        for pane in range(N_PANES):
            self.keys[pane] = None
            self._empty(pane)

    def look(self) -> None:
        """Have read and explained what is in sight, the film in hand first."""
        chosen = self._viewer.chosen_pane
        panes = sorted(range(self._viewer.n_panes), key=lambda pane: pane != chosen)
        films = [self._film_in(pane) for pane in panes]
        self._looking.look_at([(film, self.label_of(film)) for film in films if film is not None])

    def choose_label(self, label: int) -> None:
        """Show the heat map of another class over the film in hand."""
        film = self.current
        if film is not None:
            self._labels[film.key] = label
            self._show_heat(self._viewer.chosen_pane, None)
            self.look()

    def choose_method(self, method: str) -> None:
        """Show the class activation map ("cam") or what covering changed ("occlusion")."""
        self._method = method
        self.show_heat()

    def set_outline(self, is_on: bool) -> None:
        """Draw the lungs that were found, or do not."""
        self._has_outline = is_on
        self.show_heat()

    def retranslate(self) -> None:
        """Say anew what stands in place of films and over them."""
        for pane, key in enumerate(self.keys):
            if key is not None and (key in self._failed or key not in self._reading.films):
                self.put(pane, key)
        self.show_heat()

    def show_heat(self) -> None:
        """Lay over all films what was found."""
        for pane in range(self._viewer.n_panes):
            self._show_heat(pane, None)

    def _film_in(self, pane: int) -> ReadFilm | None:
        key = self.keys[pane]
        return self._reading.films.get(key) if key is not None else None

    def _empty(self, pane: int) -> None:
        self._viewer.show_message(pane, "")
        self._viewer.set_heat(pane, None)
        self._viewer.set_outline(pane, None)
        self._viewer.set_stamp(pane, "")

    def _show_heat(self, pane: int, found: "Explanation | None") -> None:
        film = self._film_in(pane)
        if film is None:
            return
        found = found if found is not None else self.explanation_of(film)
        lungs = found.lungs if found is not None and self._has_outline else None
        # What was found in doubt would be taken for anatomy.
        is_drawn = lungs is not None and lungs.is_reliable
        # Beside others there is no room for the reason; the panel has it.
        stamp = _stamp_of(found, is_short=self._viewer.n_panes > 1)
        self._viewer.set_heat(pane, _heat_of(found, self._method))
        self._viewer.set_outline(pane, lungs.mask if lungs is not None and is_drawn else None)
        self._viewer.set_stamp(pane, stamp)

    @Slot(int, object)
    def _on_film_loaded(self, key: int, full: FullDepthFilm) -> None:
        self._failed.pop(key, None)
        for pane, shown in enumerate(self.keys):
            film = self._film_in(pane)
            if shown == key and film is not None:
                self._viewer.show_film(pane, full, film.name)
                self._show_heat(pane, None)

    @Slot(int, object)
    def _on_film_failed(self, key: int, reason: Message) -> None:
        self._failed[key] = reason
        for pane, shown in enumerate(self.keys):
            film = self._film_in(pane)
            if shown == key and film is not None:
                self._viewer.show_message(pane, say(reason), film.name)

    @Slot(int, object)
    def _on_explained(self, key: int, found: "Explanation") -> None:
        film = self._reading.films.get(key)
        if film is None or found.label != self.label_of(film):
            return
        for pane, shown in enumerate(self.keys):
            if shown == key:
                self._show_heat(pane, found)
        self.explained.emit(film, found)


def _heat_of(found: "Explanation | None", method: str) -> NDArray[np.float32] | None:
    if found is None:
        return None
    if method == "occlusion" and found.second is not None:  # until then, what there is
        return found.second.values
    return HeatMap.of(found.cams[found.label], found.label, "cam").values


def _stamp_of(found: "Explanation | None", *, is_short: bool) -> str:
    honesty = found.honesty if found is not None else None
    if honesty is None or honesty.is_trustworthy:
        return ""
    if is_short or not honesty.reasons:
        return tr("Do not trust this map")
    return tr("Do not trust this map: {reason}", reason=say(honesty.reasons[0]))
