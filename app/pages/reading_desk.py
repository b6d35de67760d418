"""The list of films, the films in sight, and what is said of the one in hand."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QImage, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QHBoxLayout, QSplitter

from app import resources
from app.pages.films_in_sight import FilmsInSight
from app.pages.reading_panel import PANEL_PX, ReadingPanel
from app.pages.reading_rows import film_row, refused_row, truth_words
from app.settings import Theme
from app.translation import language
from app.viewmodels.desk import DeskViewModel
from app.viewmodels.read_film import ReadFilm
from app.viewmodels.reading import ReadingViewModel
from app.widgets.reading_list import ReadingList, ReadingRow
from app.widgets.translated import TranslatedWidget
from app.widgets.viewer import ViewerDesk

if TYPE_CHECKING:
    from core.prediction.classifier import Classifier
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
        reading.film_read.connect(lambda film: self.list.add_rows([self._row(film)]))
        reading.film_refused.connect(lambda refused: self.list.add_rows([refused_row(refused)]))
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
    def current(self) -> ReadFilm | None:
        """The film in hand."""
        return self.sight.current

    @property
    def current_label(self) -> int | None:
        """The class whose heat map is shown of it."""
        film = self.current
        return self.sight.label_of(film) if film is not None else None

    @property
    def listed(self) -> list[ReadFilm]:
        """The films as the list shows them, filtered and sorted; all where it shows none."""
        films = (self._reading.films.get(key) for key in self.list.keys_in_order())
        return [film for film in films if film is not None] or [*self._reading.films.values()]

    def picture(self) -> QImage:
        """The film in hand as it is seen, with what lies over it."""
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
        colours = resources.colours(theme)
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

    def _row(self, film: ReadFilm, found: "Explanation | None" = None) -> ReadingRow:
        return film_row(film, self._reading.card, found.honesty if found else None)

    @Slot(object)
    def _on_model_opened(self, classifier: "Classifier") -> None:
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
    def _on_explained(self, film: ReadFilm, found: "Explanation") -> None:
        if film is self.current:
            self.panel.show_explanation(found)
        if found.honesty is not None and found.label == film.predicted:
            self.list.update_row(film.key, self._row(film, found))

    @Slot(int)
    def _on_film_failed(self, key: int) -> None:
        if key == self.sight.current_key:
            self.panel.trust.show_honesty(None)  # what cannot be read is not examined either

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
            self.panel.show_truth(truth_words(film, self._reading.card))
            found = self.sight.explanation_of(film)
            if found is not None:
                self.panel.show_explanation(found)
            elif self._looking.is_given_up(film.key, self.sight.label_of(film)):
                self.panel.trust.show_honesty(None)
        self.current_changed.emit()
