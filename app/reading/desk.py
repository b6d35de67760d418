"""The desk of the Read page: list, viewer and panel, and the films in sight."""

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QImage, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QHBoxLayout, QSplitter

from app import theme as styling
from app.i18n import language, say, tr
from app.reading.desk_viewmodel import DeskViewModel
from app.reading.film_list import ReadingList
from app.reading.panel import PANEL_PX, ReadingPanel
from app.reading.viewmodel import ReadingViewModel
from app.settings import Theme
from app.widgets.page import TranslatedWidget
from app.widgets.viewer import ViewerDesk
from core.errors import Message
from core.images.film import FullDepthFilm
from core.prediction.classifier import Classifier
from core.prediction.explanation import Explanation
from core.prediction.reading import FilmResult
from core.prediction.saliency_checks import HeatMap

N_PANES = 4
LIST_PX = 300


class FilmsInSight(QObject):
    """Fills the viewer's panes, and has read and explained what is in them.

    Args:
        viewer: Shows the films.
        reading: Knows them by key.
        looking: Reads them at full depth and explains them.
        parent: Qt's owner.
    """

    explained = Signal(object, object)  # FilmResult, Explanation of the class that is wanted

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
        self._method, self._has_outline = "occlusion", True
        self._failed: dict[int, Message] = {}  # key -> why its file cannot be read any more
        self._asked: set[int] = set()  # keys whose heat map is drawn though it failed its checks
        self.keys: list[int | None] = [None] * N_PANES
        looking.film_loaded.connect(self._on_film_loaded)
        looking.film_failed.connect(self._on_film_failed)
        looking.explained.connect(self._on_explained)

    @property
    def current_key(self) -> int | None:
        """Of what is in the pane that takes the keys."""
        return self.keys[self._viewer.chosen_pane]

    @property
    def current(self) -> FilmResult | None:
        """The film in hand."""
        return self._film_in(self._viewer.chosen_pane)

    def label_of(self, film: FilmResult) -> int:
        """Return the class whose heat map is shown: the predicted one, until another was chosen."""
        return self._labels.get(film.key, film.predicted)

    def explanation_of(self, film: FilmResult) -> Explanation | None:
        """Return the explanation of the class that is shown."""
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
        picture = self._looking.film(key) or film.thumbnail
        if picture is not None:
            self._viewer.show_film(pane, picture, film.name)
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
        self._asked.clear()
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

    def is_held_back(self, film: FilmResult) -> bool:
        """True where the heat map of a film failed its checks and nobody asked for it."""
        found = self.explanation_of(film)
        checks = None if found is None else found.checks
        return checks is not None and not checks.is_trustworthy and film.key not in self._asked

    def draw_anyway(self) -> None:
        """Draw the heat map of the film in hand though it failed its checks."""
        film = self.current
        if film is not None:
            self._asked.add(film.key)
            self.show_heat()

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

    def _film_in(self, pane: int) -> FilmResult | None:
        key = self.keys[pane]
        return self._reading.films.get(key) if key is not None else None

    def _empty(self, pane: int) -> None:
        self._viewer.show_message(pane, "")
        self._viewer.set_heat(pane, None)
        self._viewer.set_outline(pane, None)
        self._viewer.set_stamp(pane, "")

    def _show_heat(self, pane: int, found: Explanation | None) -> None:
        film = self._film_in(pane)
        if film is None:
            return
        found = found if found is not None else self.explanation_of(film)
        if film.hides_answer:  # a heat map would name the class
            found = None
        lungs = found.lungs if found is not None and self._has_outline else None
        # What was found in doubt would be taken for anatomy.
        is_drawn = lungs is not None and lungs.is_reliable
        # Beside others there is no room for the reason; the panel has it.
        stamp = _stamp_of(found, is_short=self._viewer.n_panes > 1)
        if self.is_held_back(film):  # the X-ray comes first
            found, stamp = None, ""
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
    def _on_explained(self, key: int, found: Explanation) -> None:
        self._reading.weigh(key, found)
        film = self._reading.films.get(key)
        if film is None or found.label != self.label_of(film):
            return
        for pane, shown in enumerate(self.keys):
            if shown == key:
                self._show_heat(pane, found)
        self.explained.emit(film, found)


def _heat_of(found: Explanation | None, method: str) -> NDArray[np.float32] | None:
    if found is None:
        return None
    if method == "occlusion" and found.second is not None:  # until then, what there is
        return found.second.values
    return HeatMap.of(found.cams[found.label]).values


def _stamp_of(found: Explanation | None, *, is_short: bool) -> str:
    checks = found.checks if found is not None else None
    if checks is None or checks.is_trustworthy:
        return ""
    if is_short or not checks.reasons:
        return tr("Do not trust this map")
    return tr("Do not trust this map: {reason}", reason=say(checks.reasons[0]))


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
        self._is_comparing = False  # several panes because several films were chosen
        self.list, self.viewer, self.panel = ReadingList(), ViewerDesk(), ReadingPanel()
        self.sight = FilmsInSight(self.viewer, reading, looking, self)
        splitter = QSplitter(Qt.Orientation.Horizontal)
        for widget in (self.list, self.viewer, self.panel):
            splitter.addWidget(widget)
        splitter.setStretchFactor(1, 1)
        splitter.setSizes([LIST_PX, 700, PANEL_PX])
        splitter.setHandleWidth(10)
        splitter.setChildrenCollapsible(False)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(splitter)
        self._connect()
        self._connect_heat()
        self.retranslate()

    def _connect(self) -> None:
        reading, viewer = self._reading, self.viewer
        for signal in (reading.film_read, reading.film_refused):
            signal.connect(lambda film: self.list.add_rows([film]))
        reading.film_weighed.connect(self._on_film_weighed)
        reading.films_removed.connect(self._on_films_removed)
        reading.cleared.connect(self._on_cleared)
        reading.model_opened.connect(self._on_model_opened)
        self.list.film_chosen.connect(self._on_film_chosen)
        self.list.rows_chosen.connect(self._on_rows_chosen)
        self.list.film_opened.connect(lambda _key: viewer.take_keys())
        self.list.removal_wanted.connect(reading.remove)
        self.sight.explained.connect(self._on_explained)
        self._looking.film_failed.connect(self._on_film_failed)
        self._looking.explain_failed.connect(self._on_film_failed)
        viewer.previous_wanted.connect(lambda: self.list.step(-1))
        viewer.next_wanted.connect(lambda: self.list.step(1))
        viewer.pane_chosen.connect(self._show_current)
        viewer.n_panes_changed.connect(self._on_n_panes_changed)
        viewer.full_screen_wanted.connect(self.full_screen_wanted)
        self.panel.class_chosen.connect(self._on_class_chosen)
        self.panel.answer_wanted.connect(self._on_answer_wanted)
        self.panel.frames.frame_wanted.connect(self._on_frame_wanted)
        self.panel.heat.map_wanted.connect(self._on_map_wanted)

    def _connect_heat(self) -> None:
        """Keep the viewer and the panel in step."""
        viewer, heat = self.viewer, self.panel.heat
        viewer.heat_toggled.connect(heat.set_heat)
        viewer.opacity_changed.connect(heat.set_opacity)
        heat.heat_toggled.connect(viewer.set_heat_shown)
        heat.opacity_changed.connect(viewer.set_opacity)
        heat.method_chosen.connect(self.sight.choose_method)
        heat.outline_toggled.connect(self.sight.set_outline)
        heat.set_opacity(viewer.opacity)
        heat.set_heat(viewer.is_heat_shown)
        heat.set_outline(True)

    # What others may ask.

    @property
    def current(self) -> FilmResult | None:
        """The film in hand."""
        return self.sight.current

    @property
    def current_label(self) -> int | None:
        """The class whose heat map is shown of it."""
        film = self.current
        return self.sight.label_of(film) if film is not None else None

    @property
    def listed(self) -> list[FilmResult]:
        """The read films that the list shows, in its order; all where it shows none."""
        films = (self._reading.films.get(key) for key in self.list.keys_in_order())
        return [film for film in films if film is not None] or [*self._reading.films.values()]

    def picture(self) -> QImage:
        """Grab the film in hand as it is seen, with all that lies over it."""
        return self.viewer.panes[self.viewer.chosen_pane].grab().toImage()

    def set_alone(self, is_alone: bool) -> None:
        """Let the viewer have all the room, for a full screen."""
        self.list.setVisible(not is_alone)
        self.panel.setVisible(not is_alone)
        self.viewer.set_full_screen(is_alone)
        if is_alone:
            self.viewer.take_keys()

    def apply_theme(self, theme: Theme) -> None:
        """Redraw what the style sheet does not reach."""
        colours = styling.colours(theme)
        self.list.show_colours(colours)
        self.viewer.show_colours(colours["text"], colours["accent"], colours["muted"])
        self.panel.apply_theme(theme)

    def retranslate(self) -> None:
        self._show_classes()
        if self.current is not None:
            self._show_current()
        self.sight.retranslate()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Keys for which the list has no use are the viewer's."""
        keys = QKeySequence(event.keyCombination())
        for action in self.viewer.actions():
            if keys in action.shortcuts():
                action.trigger()
                return
        super().keyPressEvent(event)

    # What happens to films.

    @Slot(object)
    def _on_model_opened(self, classifier: Classifier) -> None:
        self._looking.use(classifier)
        self._show_classes()

    def _show_classes(self) -> None:
        card = self._reading.card
        if card is not None:
            names = tuple(card.display_names[name][language()] for name in card.classes)
            self.list.set_classes(names)
            self.panel.show_classes(names)

    @Slot()
    def _on_cleared(self) -> None:
        self.list.clear()
        self.sight.clear()
        self._is_comparing = False
        self.viewer.set_n_panes(1)
        self.panel.clear()
        self.current_changed.emit()

    @Slot(object)
    def _on_films_removed(self, keys: frozenset[int]) -> None:
        self.sight.remove(keys)
        self.list.remove(keys)
        if self.current is None:
            self.panel.clear()
        self.sight.look()
        self.current_changed.emit()

    @Slot(int)
    def _on_film_chosen(self, key: int) -> None:
        if self._is_comparing:
            self._is_comparing = False
            self.viewer.set_n_panes(1)
        self.sight.put(self.viewer.chosen_pane, key)
        self._show_current()
        self.sight.look()

    @Slot(list)
    def _on_rows_chosen(self, keys: list[int]) -> None:
        self._is_comparing = True
        for pane, key in enumerate(keys):
            self.sight.put(pane, key)
        self.viewer.set_n_panes(len(keys))
        self.viewer.choose_pane(0)
        self._show_current()
        self.sight.look()

    @Slot(int)
    def _on_n_panes_changed(self, n_panes: int) -> None:
        """Fill new panes with the films that follow in the list."""
        self._is_comparing = self._is_comparing and n_panes > 1
        shown = [key for key in self.sight.keys[:n_panes] if key is not None]
        order = self.list.keys_in_order()
        start = order.index(shown[-1]) + 1 if shown and shown[-1] in order else 0
        self.sight.fill(n_panes, order[start:])
        self.sight.show_heat()  # warnings are short where there are several films
        self._show_current()
        self.sight.look()

    @Slot(object, object)
    def _on_explained(self, film: FilmResult, found: Explanation) -> None:
        if film is self.current:
            self.panel.show_explanation(found)
            self._show_held_back()

    @Slot(object)
    def _on_film_weighed(self, film: FilmResult) -> None:
        self.list.update_row(film)
        if film is self.current:
            self.panel.weigh(self._reading.with_pictures(film))
            self.sight.show_heat()

    @Slot()
    def _on_map_wanted(self) -> None:
        self.sight.draw_anyway()
        self._show_held_back()

    def _show_held_back(self) -> None:
        film = self.current
        is_held_back = film is not None and self.sight.is_held_back(film)
        self.panel.heat.show_held_back(is_held_back=is_held_back)

    @Slot()
    def _on_answer_wanted(self) -> None:
        if self.current is not None:
            self._reading.reveal(self.current.key)

    @Slot(int)
    def _on_frame_wanted(self, frame: int) -> None:
        if self.current is not None:
            self._reading.read_frame(self.current.key, frame)

    @Slot(int)
    def _on_film_failed(self, key: int) -> None:
        if key == self.sight.current_key:
            self.panel.trust.show_checks(None)  # what cannot be read is not examined either

    @Slot(int)
    def _on_class_chosen(self, label: int) -> None:
        self.sight.choose_label(label)
        self._show_current()

    @Slot()
    def _show_current(self) -> None:
        film = self.current
        if film is None:
            key = self.sight.current_key
            refused = next((one for one in self._reading.refused if one.key == key), None)
            if refused is not None:
                self.panel.show_refused(refused)
            else:
                self.panel.clear()
        else:
            self.panel.show_film(self._reading.with_pictures(film), self.sight.label_of(film))
            found = self.sight.explanation_of(film)
            if found is not None:
                self.panel.show_explanation(found)
            elif self._looking.is_given_up(film.key, self.sight.label_of(film)):
                self.panel.trust.show_checks(None)
        self._show_held_back()
        self.current_changed.emit()
