"""The whole list: what to show of it, how many that are, and the rows."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QAction, QKeySequence, QShortcut
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout

from app.translation import tr
from app.widgets.labels import plain_label
from app.widgets.reading_list.choice import Choice
from app.widgets.reading_list.chooser import ListChooser
from app.widgets.reading_list.model import ReadingListModel
from app.widgets.reading_list.row import ReadingRow
from app.widgets.reading_list.view import ReadingListView
from app.widgets.translated import TranslatedWidget

BATCH_MS: Final = 60  # rows that come meanwhile are shown together
MIN_PX: Final = 240
MAX_COMPARED: Final = 4
# Macs have no key Delete.
REMOVE_KEYS: Final = [
    QKeySequence(Qt.Key.Key_Delete),
    *([QKeySequence(Qt.Key.Key_Backspace)] if sys.platform == "darwin" else []),
]


class ReadingList(TranslatedWidget):
    """Films by key, as they come; one is chosen, or a few to be compared."""

    film_chosen = Signal(int)  # key
    rows_chosen = Signal(list)  # two to four keys from top to bottom, to be seen side by side
    film_opened = Signal(int)  # key; with Enter or a double click
    removal_wanted = Signal(list)  # keys; `remove` does it
    arranged = Signal()  # other films are shown, or in another order

    def __init__(self) -> None:
        super().__init__()
        self._model = ReadingListModel(self)
        self._view = ReadingListView(self._model)
        self._chooser = ListChooser()
        self._count = plain_label("muted")
        self._count.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._new: dict[int, ReadingRow] = {}  # what waits to be shown
        self._changed: dict[int, ReadingRow] = {}
        self._chosen: int | None = None  # what was told last; it may be hidden now
        self._has_several = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(BATCH_MS)
        self._timer.timeout.connect(self._flush)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self._chooser)
        layout.addWidget(self._count)
        layout.addWidget(self._view, 1)
        self.setMinimumWidth(MIN_PX)
        self.setFocusProxy(self._view)

        self._chooser.choice_changed.connect(self._on_choice_changed)
        self._chooser.left.connect(self._view.setFocus)
        self._view.selection_changed.connect(self._on_selection_changed)
        self._view.film_opened.connect(self.film_opened)
        self._remove = QAction(self._view)
        self._remove.setShortcuts(REMOVE_KEYS)
        self._remove.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        self._remove.triggered.connect(self._on_remove_triggered)
        self._view.addAction(self._remove)
        self._view.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        find = QShortcut(QKeySequence(QKeySequence.StandardKey.Find), self)
        find.setContext(Qt.ShortcutContext.WindowShortcut)
        find.activated.connect(self._chooser.search)
        self.retranslate()

    # What is in it.

    def add_rows(self, rows: Iterable[ReadingRow]) -> None:
        """Append films; they appear a moment later, with others that come until then."""
        for row in rows:
            (self._changed if self._model.film(row.key) else self._new)[row.key] = row
        self._wait_for_more()

    def update_row(self, key: int, row: ReadingRow) -> None:
        """Say something else of a film; one that was removed meanwhile is left away."""
        if key != row.key:
            raise ValueError("a row keeps its key")
        if key in self._new:
            self._new[key] = row
        elif self._model.film(key) is not None:
            self._changed[key] = row
            self._wait_for_more()

    def remove(self, keys: Iterable[int]) -> None:
        """Put films away; the next one becomes the chosen one where the chosen one goes."""
        self._flush()
        going = set(keys)
        stays = self._survivor(going)
        self._model.remove(going)
        if self._has_several:
            self._on_selection_changed()
        self._after_arranging()
        if self._chosen in going:
            self._chosen = None
            if stays is not None:
                self.choose(stays)

    def clear(self) -> None:
        """Put all films away; what is searched for is forgotten, the order stays."""
        self._timer.stop()
        self._new.clear()
        self._changed.clear()
        self._chosen = None
        self._model.clear()
        self._chooser.show_all()
        self._after_arranging()

    def set_classes(self, names: Sequence[str]) -> None:
        """How the classes are called, by their index; once more after each change of language."""
        self._model.set_classes(names)
        self._chooser.set_classes(names)

    def show_colours(self, colours: Mapping[str, str]) -> None:
        """Take a theme's colours, see `resources.colours`."""
        self._view.show_colours(colours)

    # What is chosen.

    @property
    def chosen(self) -> int | None:
        """The key of the film that is looked at."""
        return self._chosen

    def choose(self, key: int) -> None:
        """Look at this film, whether or not it is shown in the list."""
        self._flush()
        if self._model.film(key) is None:
            return
        if self._model.row_of(key) >= 0:
            self._view.choose(key)
        if self._chosen != key:  # it is not shown
            self._view.clearSelection()
            self._tell(key)

    def step(self, steps: int) -> bool:
        """Look at the film so many rows further down (or up), as they are shown now.

        Returns:
            Whether there is one.
        """
        self._flush()
        start = self._view.current() if self._has_several else self._chosen
        key = self._model.neighbour(start, steps) if start is not None else self._model.key_at(0)
        if key is None:
            return False
        self.choose(key)
        return True

    def keys_in_order(self) -> list[int]:
        """The films that are shown, from top to bottom."""
        self._flush()
        return list(self._model.shown)

    def search(self) -> None:
        """Put the cursor into the field for names."""
        self._chooser.search()

    def retranslate(self) -> None:
        self._chooser.setAccessibleName(tr("What the list shows"))
        self._view.setAccessibleName(tr("Films"))
        self._remove.setText(tr("Remove from the list"))
        self._view.viewport().update()
        self._count_films()

    # What happens inside.

    def _wait_for_more(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _flush(self) -> None:
        """Show what came; the first film of all becomes the chosen one."""
        self._timer.stop()
        if not (self._new or self._changed):
            return
        new, changed = list(self._new.values()), list(self._changed.values())
        self._new, self._changed = {}, {}
        before = self._model.shown
        self._model.take(new, changed)
        self._after_arranging(is_other=bool(new) or before is not self._model.shown)
        if self._chosen is None and self._model.shown:
            films = (self._model.film(key) for key in self._model.shown)
            read = (film.key for film in films if film is not None and film.refusal is None)
            self._view.choose(next(read, self._model.shown[0]))

    def _after_arranging(self, *, is_other: bool = True) -> None:
        self._count_films()
        if is_other:
            self.arranged.emit()

    def _on_choice_changed(self, choice: Choice) -> None:
        self._flush()
        n_chosen = len(self._view.selected())
        is_other_order = choice.order is not self._model.choice.order
        self._model.choose(choice)
        if self._has_several and len(self._view.selected()) < n_chosen:
            self._on_selection_changed()
        if is_other_order or self._model.row_of(self._chosen) < 0:
            self._view.scroll_to_top()  # what one sorts for stands there
        elif not self._has_several and self._chosen is not None:
            self._view.choose(self._chosen)
        self._after_arranging()

    def _on_selection_changed(self) -> None:
        keys, had_several = self._view.selected(), self._has_several
        self._has_several = len(keys) > 1
        if len(keys) == 1 and (had_several or keys[0] != self._chosen):
            self._tell(keys[0])
        elif 1 < len(keys) <= MAX_COMPARED:
            self.rows_chosen.emit(keys)
        self._count_films()

    def _tell(self, key: int) -> None:
        self._chosen, self._has_several = key, False
        self.film_chosen.emit(key)

    def _survivor(self, going: set[int]) -> int | None:
        """The film to look at once others are gone: the next below the chosen one, or above."""
        if self._chosen not in going:
            return None
        start, shown = self._model.row_of(self._chosen), self._model.shown
        around = [*shown[max(start, 0) :], *reversed(shown[: max(start, 0)])]
        return next((key for key in around if key not in going), None)

    def _on_remove_triggered(self) -> None:
        keys = self._view.selected()
        if keys:
            self.removal_wanted.emit(keys)

    def _count_films(self) -> None:
        n_films, n_shown = self._model.n_films, len(self._model.shown)
        n_chosen = len(self._view.selected()) if self._has_several else 1
        if n_chosen > MAX_COMPARED:
            text = tr(
                "{n} films chosen; up to {most} can be compared.", n=f"{n_chosen:,}",
                most=MAX_COMPARED,
            )  # fmt: skip
        elif self._model.choice.is_narrow:
            text = tr("{shown} of {n} films", shown=f"{n_shown:,}", n=f"{n_films:,}")
        else:
            text = tr("{n} films", n=f"{n_films:,}")
        self._count.setText(text)
        self._count.setToolTip(text)
        self._view.set_empty_text(tr("No film matches.") if n_films and not n_shown else "")
