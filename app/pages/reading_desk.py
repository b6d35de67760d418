"""The list of films, the films in sight, and what is said of the one in hand."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QSplitter

from app import resources
from app.pages.reading_panel import PANEL_PX, ReadingPanel
from app.pages.reading_rows import film_row, refused_row, truth_words
from app.settings import Theme
from app.translation import language, say, tr
from app.viewmodels.desk import DeskViewModel
from app.viewmodels.read_film import ReadFilm, RefusedFile
from app.viewmodels.reading import ReadingViewModel
from app.widgets.reading_list import ReadingList, ReadingRow
from app.widgets.translated import TranslatedWidget
from app.widgets.viewer import ViewerDesk
from core.data.images import FullDepthFilm
from core.errors import Message
from core.prediction.explanation.heat_map import HeatMap

if TYPE_CHECKING:
    from core.prediction.explanation import Explanation

LIST_PX = 300


class ReadingDesk(TranslatedWidget):
    """Binds list, viewer and panel to what was read and what is looked at.

    Args:
        reading: The films and the model.
        looking: The films at full depth, and their explanations.
    """

    current_changed = Signal()
    full_screen_wanted = Signal(bool)

    def __init__(self, reading: ReadingViewModel, looking: DeskViewModel) -> None:
        super().__init__()
        self._reading, self._looking = reading, looking
        self._in_sight: list[int | None] = [None] * 4  # the key in each pane
        self._labels: dict[int, int] = {}  # key -> class whose heat map was chosen
        self._is_comparing = False  # several panes because several films were chosen
        self._method, self._has_outline = "cam", True
        self.list, self.viewer, self.panel = ReadingList(), ViewerDesk(), ReadingPanel()
        self._splitter = QSplitter(Qt.Orientation.Horizontal)
        for widget in (self.list, self.viewer, self.panel):
            self._splitter.addWidget(widget)
        self._splitter.setStretchFactor(1, 1)
        self._splitter.setSizes([LIST_PX, 700, PANEL_PX])
        self._splitter.setHandleWidth(10)
        self._splitter.setChildrenCollapsible(False)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._splitter)
        self._connect()
        self.retranslate()

    def _connect(self) -> None:
        reading, looking = self._reading, self._looking
        reading.film_read.connect(lambda film: self.list.add_rows([self._row(film)]))
        reading.film_refused.connect(lambda refused: self.list.add_rows([refused_row(refused)]))
        reading.film_removed.connect(self._on_film_removed)
        reading.cleared.connect(self._on_cleared)
        reading.model_opened.connect(self._on_model_opened)
        self.list.film_chosen.connect(self._on_film_chosen)
        self.list.rows_chosen.connect(self._on_rows_chosen)
        self.list.film_opened.connect(lambda _key: self.viewer.take_keys())
        self.list.removal_wanted.connect(self._on_removal_wanted)
        looking.film_loaded.connect(self._on_film_loaded)
        looking.film_failed.connect(self._on_film_failed)
        looking.explained.connect(self._on_explained)
        viewer, heat = self.viewer, self.panel.heat
        viewer.previous_wanted.connect(lambda: self.list.step(-1))
        viewer.next_wanted.connect(lambda: self.list.step(1))
        viewer.pane_chosen.connect(self._on_pane_chosen)
        viewer.n_panes_changed.connect(self._on_n_panes_changed)
        viewer.heat_toggled.connect(heat.set_heat)
        viewer.opacity_changed.connect(heat.set_opacity)
        viewer.full_screen_wanted.connect(self.full_screen_wanted)
        heat.heat_toggled.connect(viewer.set_heat_shown)
        heat.opacity_changed.connect(viewer.set_opacity)
        heat.method_chosen.connect(self._on_method_chosen)
        heat.outline_toggled.connect(self._on_outline_toggled)
        heat.set_opacity(viewer.opacity)
        heat.set_heat(viewer.is_heat_shown)
        heat.set_outline(self._has_outline)
        self.panel.class_chosen.connect(self._on_class_chosen)

    # What others may ask.

    @property
    def current(self) -> ReadFilm | None:
        """The film in hand."""
        key = self._in_sight[self.viewer.chosen_pane]
        return self._reading.films.get(key) if key is not None else None

    @property
    def current_label(self) -> int | None:
        """The class whose heat map is shown of it."""
        film = self.current
        return self._label_of(film) if film is not None else None

    @property
    def listed(self) -> list[ReadFilm]:
        """The films as the list shows them, filtered and sorted."""
        films = (self._reading.films.get(key) for key in self.list.keys_in_order())
        return [film for film in films if film is not None]

    def set_alone(self, is_alone: bool) -> None:
        """Let the viewer have all the room, for a full screen."""
        self.list.setVisible(not is_alone)
        self.panel.setVisible(not is_alone)
        self.viewer.set_full_screen(is_alone)
        if is_alone:
            self.viewer.take_keys()

    def apply_theme(self, theme: Theme) -> None:
        """Redraw what the style sheet does not reach."""
        colours = resources.colours(theme)
        self.list.show_colours(colours)
        self.viewer.show_colours(colours["text"], colours["accent"], colours["muted"])
        self.panel.apply_theme(theme)

    def retranslate(self) -> None:
        self._show_classes()
        if self.current is not None:
            self._show_current()
        for pane in range(self.viewer.n_panes):
            self._show_heat(pane)

    # What happens to films.

    def _row(self, film: ReadFilm, explanation: "Explanation | None" = None) -> ReadingRow:
        return film_row(film, self._reading.card, explanation.honesty if explanation else None)

    def _label_of(self, film: ReadFilm) -> int:
        return self._labels.get(film.key, film.predicted)

    @Slot(object)
    def _on_model_opened(self) -> None:
        assert self._reading.classifier is not None
        self._looking.use(self._reading.classifier)
        self._show_classes()

    def _show_classes(self) -> None:
        card = self._reading.card
        if card is None:
            return
        names = tuple(card.display_names[name][language()] for name in card.classes)
        self.list.set_classes(names)
        self.panel.show_classes(names)

    @Slot()
    def _on_cleared(self) -> None:
        self._in_sight = [None] * 4
        self._labels.clear()
        self.list.clear()
        self._looking.forget()
        self._is_comparing = False
        self.viewer.set_n_panes(1)
        for pane in range(4):
            self._empty_pane(pane)
        self.panel.clear()
        self.current_changed.emit()

    @Slot(int)
    def _on_film_removed(self, key: int) -> None:
        for pane, shown in enumerate(self._in_sight):
            if shown == key:
                self._in_sight[pane] = None
                self._empty_pane(pane)
        self.list.remove([key])
        if self.current is None:
            self.panel.clear()
        self._look()

    @Slot(list)
    def _on_removal_wanted(self, keys: list[int]) -> None:
        for key in keys:
            self._reading.remove(key)

    @Slot(int)
    def _on_film_chosen(self, key: int) -> None:
        if self._is_comparing:
            self._is_comparing = False
            self.viewer.set_n_panes(1)
        self._put(self.viewer.chosen_pane, key)
        self._show_current()
        self._look()

    @Slot(list)
    def _on_rows_chosen(self, keys: list[int]) -> None:
        self._is_comparing = True
        for pane, key in enumerate(keys):
            self._put(pane, key)
        self.viewer.set_n_panes(len(keys))
        self.viewer.choose_pane(0)
        self._show_current()
        self._look()

    @Slot(int)
    def _on_pane_chosen(self) -> None:
        self._show_current()

    @Slot(int)
    def _on_n_panes_changed(self, n_panes: int) -> None:
        """Fill new panes with the films that follow in the list."""
        self._is_comparing = self._is_comparing and n_panes > 1
        shown = [key for key in self._in_sight[:n_panes] if key is not None]
        order = self.list.keys_in_order()
        start = order.index(shown[-1]) + 1 if shown and shown[-1] in order else 0
        following = [key for key in order[start:] if key in self._reading.films]
        for pane in range(n_panes):
            if self._in_sight[pane] is None and following:
                self._put(pane, following.pop(0))
        self._show_all_heat()
        self._show_current()
        self._look()

    # What is in sight.

    def _put(self, pane: int, key: int) -> None:
        """Show a film in a pane; until it is read again, its thumbnail stands for it."""
        self._in_sight[pane] = key
        film = self._reading.films.get(key)
        if film is None:
            self._empty_pane(pane)
            return
        full = self._looking.film(key)
        self.viewer.show_film(pane, film.thumbnail if full is None else full, film.name)
        self._show_heat(pane)

    def _empty_pane(self, pane: int) -> None:
        self.viewer.show_message(pane, "")
        self.viewer.set_heat(pane, None)
        self.viewer.set_outline(pane, None)
        self.viewer.set_stamp(pane, "")

    def _look(self) -> None:
        """Have read and explained what is in sight, the film in hand first."""
        panes = sorted(range(self.viewer.n_panes), key=lambda pane: pane != self.viewer.chosen_pane)
        keys = (self._in_sight[pane] for pane in panes)
        films = (self._reading.films.get(key) for key in keys if key is not None)
        self._looking.look_at([(film, self._label_of(film)) for film in films if film is not None])

    def _show_current(self) -> None:
        key = self._in_sight[self.viewer.chosen_pane]
        film = self.current
        if film is None:
            refused = next((one for one in self._reading.refused if one.key == key), None)
            if isinstance(refused, RefusedFile):
                self.panel.show_refused(refused)
            else:
                self.panel.clear()
        else:
            label = self._label_of(film)
            self.panel.show_film(self._reading.with_pictures(film), label)
            self.panel.show_truth(truth_words(film, self._reading.card))
            explanation = self._looking.explanation(film.key, label)
            if explanation is not None:
                self.panel.show_explanation(explanation)
        self.current_changed.emit()

    def _show_heat(self, pane: int, explanation: "Explanation | None" = None) -> None:
        key = self._in_sight[pane]
        film = self._reading.films.get(key) if key is not None else None
        if film is None:
            return
        if explanation is None:
            explanation = self._looking.explanation(film.key, self._label_of(film))
        self.viewer.set_heat(pane, _heat_of(explanation, self._method))
        lungs = explanation.lungs if explanation is not None and self._has_outline else None
        # What was found in doubt would be taken for anatomy.
        is_drawn = lungs is not None and lungs.is_reliable
        self.viewer.set_outline(pane, lungs.mask if lungs is not None and is_drawn else None)
        # Beside others there is no room for the reason; the panel has it.
        is_short = self.viewer.n_panes > 1
        self.viewer.set_stamp(pane, _stamp_of(explanation, is_short=is_short))

    @Slot(int, object)
    def _on_film_loaded(self, key: int, film: FullDepthFilm) -> None:
        read = self._reading.films.get(key)
        for pane, shown in enumerate(self._in_sight):
            if shown == key and read is not None:
                self.viewer.show_film(pane, film, read.name)
                self._show_heat(pane)

    @Slot(int, object)
    def _on_film_failed(self, key: int, reason: Message) -> None:
        read = self._reading.films.get(key)
        for pane, shown in enumerate(self._in_sight):
            if shown == key and read is not None:
                self.viewer.show_message(pane, say(reason), read.name)

    @Slot(int, object)
    def _on_explained(self, key: int, explanation: "Explanation") -> None:
        film = self._reading.films.get(key)
        if film is None or explanation.label != self._label_of(film):
            return
        for pane, shown in enumerate(self._in_sight):
            if shown == key:
                self._show_heat(pane, explanation)
        if film is self.current:
            self.panel.show_explanation(explanation)
        if explanation.honesty is not None and explanation.label == film.predicted:
            self.list.update_row(key, self._row(film, explanation))

    @Slot(int)
    def _on_class_chosen(self, label: int) -> None:
        film = self.current
        if film is None:
            return
        self._labels[film.key] = label
        self._show_current()
        self._show_heat(self.viewer.chosen_pane)
        self._look()

    @Slot(str)
    def _on_method_chosen(self, method: str) -> None:
        self._method = method
        self._show_all_heat()

    @Slot(bool)
    def _on_outline_toggled(self, is_on: bool) -> None:
        self._has_outline = is_on
        self._show_all_heat()

    def _show_all_heat(self) -> None:
        for pane in range(self.viewer.n_panes):
            self._show_heat(pane)


def _heat_of(explanation: "Explanation | None", method: str) -> NDArray[np.float32] | None:
    if explanation is None:
        return None
    if method == "occlusion":
        return explanation.second.values if explanation.second is not None else None
    return HeatMap.of(explanation.cams[explanation.label], explanation.label, "cam").values


def _stamp_of(explanation: "Explanation | None", *, is_short: bool) -> str:
    honesty = explanation.honesty if explanation is not None else None
    if honesty is None or honesty.is_trustworthy:
        return ""
    if is_short or not honesty.reasons:
        return tr("Do not trust this map")
    return tr("Do not trust this map: {reason}", reason=say(honesty.reasons[0]))
