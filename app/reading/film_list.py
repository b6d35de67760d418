"""The list of films: its filter, its rows and their choice."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from PySide6.QtCore import QEvent, QItemSelection, QItemSelectionModel, QObject, Qt, QTimer, Signal
from PySide6.QtGui import (
    QAction,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QShortcut,
    QShowEvent,
)
from PySide6.QtWidgets import QComboBox, QGridLayout, QLineEdit, QListView, QSizePolicy, QVBoxLayout

from app.i18n import tr
from app.reading.film_list_model import (
    Choice,
    ListedFilm,
    Order,
    ReadingDelegate,
    ReadingListModel,
    Show,
)
from app.widgets.labels import plain_label
from app.widgets.page import TranslatedWidget
from app.widgets.setting_fields import WheelGuard
from core.prediction.reading import FilmResult

_MIN_CHARACTERS: Final = 6
_EDGES_PX, _MAX_POPUP_PX = 28, 480  # of the list that opens, wider than its box
Select = QItemSelectionModel.SelectionFlag
BATCH_MS: Final = 60  # rows that come meanwhile are shown together
MIN_PX: Final = 240
MAX_COMPARED: Final = 4
# Macs have no key Delete.
REMOVE_KEYS: Final = [
    QKeySequence(Qt.Key.Key_Delete),
    *([QKeySequence(Qt.Key.Key_Backspace)] if sys.platform == "darwin" else []),
]


class ListChooser(TranslatedWidget):
    """The fields that filter and sort the list."""

    choice_changed = Signal(object)  # Choice
    left = Signal()  # with Escape, Enter or the arrow down: on to the films

    def __init__(self) -> None:
        super().__init__()
        self._classes: Sequence[str] = ()
        self._words, self._show, self._order = QLineEdit(), QComboBox(), QComboBox()
        self._words.setClearButtonEnabled(True)
        self._words.textChanged.connect(self._tell)
        self._words.installEventFilter(self)
        for box in (self._show, self._order):
            # As wide as the list allows, not as wide as the longest class.
            box.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
            box.setMinimumContentsLength(_MIN_CHARACTERS)
        self._show.currentIndexChanged.connect(self._tell)
        self._order.currentIndexChanged.connect(self._tell)
        self._guard = WheelGuard(self, self._show, self._order)
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self._words, 0, 0, 1, 2)
        layout.addWidget(self._show, 1, 0)
        layout.addWidget(self._order, 1, 1)
        layout.setColumnStretch(0, 1)
        layout.setColumnStretch(1, 1)
        self.retranslate()

    @property
    def choice(self) -> Choice:
        """The filter and order that are chosen."""
        show, order = self._show.currentData(), self._order.currentData()
        return Choice(
            Show.ALL if show is None else show,
            self._words.text(),
            Order.ARRIVAL if order is None else order,
        )

    def set_classes(self, names: Sequence[str]) -> None:
        """Offer these classes by name; a class that is no longer there is not shown alone."""
        if tuple(names) != self._classes:
            self._classes = tuple(names)
            self.retranslate()

    def search(self) -> None:
        """Put the cursor into the field for names."""
        self._words.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._words.selectAll()

    def show_all(self) -> None:
        """Narrow nothing; the order stays."""
        before = self.choice
        for field in (self._words, self._show):
            field.blockSignals(True)
        self._words.clear()
        self._show.setCurrentIndex(0)
        for field in (self._words, self._show):
            field.blockSignals(False)
        if self.choice != before:
            self._tell()

    def retranslate(self) -> None:
        before = self.choice
        self._words.setPlaceholderText(tr("Search names"))
        self._words.setAccessibleName(tr("Search names"))
        self._show.setAccessibleName(tr("Which films are shown"))
        self._order.setAccessibleName(tr("Order of the films"))
        self._order.setToolTip(tr("Order of the films"))
        classes: list[tuple[str, object]] = [
            (name, label) for label, name in enumerate(self._classes)
        ]
        _fill(
            self._show,
            [
                [(tr("All films"), Show.ALL)],
                classes,
                [
                    (tr("Not sure"), Show.NOT_SURE),
                    (tr("Not reliable"), Show.NOT_RELIABLE),
                    (tr("Wrong"), Show.WRONG),
                    (tr("Read twice"), Show.REPEATED),
                    (tr("Refused"), Show.REFUSED),
                ],
            ],
            before.show,
        )
        _fill(
            self._order,
            [
                [
                    (tr("As they came"), Order.ARRIVAL),
                    (tr("By name"), Order.NAME),
                    (tr("By class"), Order.CLASS),
                    (tr("Most probable"), Order.MOST_PROBABLE),
                    (tr("Least probable"), Order.LEAST_PROBABLE),
                    (tr("Least believable"), Order.LEAST_BELIEVABLE),
                ]
            ],
            before.order,
        )
        if self.choice != before:
            self._tell()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            match event.key():
                case Qt.Key.Key_Escape:
                    self._words.clear()
                    self.left.emit()
                    return True
                case Qt.Key.Key_Down | Qt.Key.Key_Return | Qt.Key.Key_Enter:
                    self.left.emit()
                    return True
        return super().eventFilter(watched, event)

    def _tell(self) -> None:
        self.choice_changed.emit(self.choice)


def _fill(box: QComboBox, groups: list[list[tuple[str, object]]], chosen: object) -> None:
    """Offer groups with a line between them; `chosen` stays chosen where it is still there."""
    box.blockSignals(True)
    box.clear()
    place = 0
    for group in groups:
        if box.count() and group:
            box.insertSeparator(box.count())
        for text, value in group:
            if value == chosen:
                place = box.count()
            box.addItem(text, value)
    box.setCurrentIndex(place)
    box.view().setMinimumWidth(min(box.view().sizeHintForColumn(0) + _EDGES_PX, _MAX_POPUP_PX))
    box.blockSignals(False)


class _Kept(NamedTuple):
    """Choice and place of the rows while they move."""

    current: int | None  # key
    chosen: list[int]  # keys
    anchor: int | None  # key of the film that stays where it is seen
    offset: int  # of its top below the view's, in pixels
    value: int  # of the scroll bar


class ReadingListView(QListView):
    """Draws a `ReadingListModel`; films by their keys."""

    selection_changed = Signal()
    film_opened = Signal(int)  # key

    def __init__(self, model: ReadingListModel) -> None:
        super().__init__()
        self._films = model
        self._rows = ReadingDelegate(model, self)
        self._is_moving = False  # while rows move, nothing new is chosen
        self._kept = _Kept(None, [], None, 0, 0)
        self._empty_text = ""
        self.setUniformItemSizes(True)
        self.setSelectionMode(QListView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAcceptDrops(False)  # files that are dropped here are for the window
        self.setMouseTracking(True)
        self.setItemDelegate(self._rows)
        self.setModel(model)
        model.about_to_move.connect(self._on_model_about_to_move)
        model.modelReset.connect(self._on_model_reset)
        self.selectionModel().selectionChanged.connect(self._on_selection_changed)
        self.doubleClicked.connect(lambda _index: self._open())
        self.verticalScrollBar().setSingleStep(self._row_height() // 2)

    def show_colours(self, colours: Mapping[str, str]) -> None:
        """Take a theme's colours."""
        self._rows.show_colours(colours)
        self.viewport().update()

    def set_empty_text(self, text: str) -> None:
        """Set the text that stands where no row is shown."""
        self._empty_text = text
        self.viewport().update()

    # What is chosen.

    def selected(self) -> list[int]:
        """Return the chosen films from top to bottom."""
        parts = self.selectionModel().selection()
        rows = sorted(
            row
            for part in (parts.at(place) for place in range(parts.size()))
            for row in range(part.top(), part.bottom() + 1)
        )
        keys = (self._films.key_at(row) for row in rows)
        return [key for key in keys if key is not None]

    def current(self) -> int | None:
        """Return the film at which the keys work."""
        return self._films.key_at(self.currentIndex().row())

    def choose(self, key: int) -> None:
        """Choose this film alone and bring it into sight."""
        index = self._films.index(self._films.row_of(key))
        if index.isValid():
            self.selectionModel().setCurrentIndex(index, Select.ClearAndSelect)
            self.scrollTo(index)

    def scroll_to_top(self) -> None:
        """Show the first rows."""
        self.verticalScrollBar().setValue(0)

    # Qt's own.

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._empty_text and not self._films.rowCount():
            painter = QPainter(self.viewport())
            colour = self.palette().text().color()
            colour.setAlphaF(0.7)
            painter.setPen(colour)
            room = self.viewport().rect().adjusted(16, 24, -16, -24)
            how = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop
            painter.drawText(room, int(how | Qt.TextFlag.TextWordWrap), self._empty_text)
            painter.end()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._rows.forget()
            self.scheduleDelayedItemsLayout()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._rows.forget()  # the screen's scale and the style sheet's font are known only now
        self.verticalScrollBar().setSingleStep(self._row_height() // 2)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        match event.key():
            case Qt.Key.Key_Return | Qt.Key.Key_Enter:
                self._open()
            case _ if event.text().isprintable() and event.text() and _is_bare(event):
                event.ignore()  # letters are the viewer's, not for hopping through names
            case _:
                super().keyPressEvent(event)

    def _open(self) -> None:
        key = self.current()
        if key is not None:
            self.film_opened.emit(key)

    # Rows that move.

    def _row_height(self) -> int:
        return self._rows.row_height(self.font())

    def _on_model_about_to_move(self) -> None:
        current, value = self.current(), self.verticalScrollBar().value()
        height = max(1, self._row_height())
        # The chosen film stays where it is seen; else the first row in sight does.
        row = self._films.row_of(current)
        is_seen = value <= row * height < value + self.viewport().height()
        anchor = current if is_seen else self._films.key_at(value // height)
        offset = self._films.row_of(anchor) * height - value
        if not value:  # at the top one waits for what comes there
            anchor, offset = None, 0
        self._kept = _Kept(current, self.selected(), anchor, offset, value)
        self._is_moving = True

    def _on_model_reset(self) -> None:
        kept = self._kept
        rows = sorted(row for key in kept.chosen if (row := self._films.row_of(key)) >= 0)
        selection = QItemSelection()
        for first, last in _runs(rows):
            selection.select(self._films.index(first), self._films.index(last))
        self.selectionModel().select(selection, Select.ClearAndSelect)
        row = self._films.row_of(kept.current)
        if row >= 0:
            self.selectionModel().setCurrentIndex(self._films.index(row), Select.NoUpdate)
        self.executeDelayedItemsLayout()
        # To make a row current scrolls there.
        row = self._films.row_of(kept.anchor)
        value = row * self._row_height() - kept.offset if row >= 0 else kept.value
        self.verticalScrollBar().setValue(value)
        self._is_moving = False

    def _on_selection_changed(self) -> None:
        if not self._is_moving:
            self.selection_changed.emit()


def _is_bare(event: QKeyEvent) -> bool:
    bare = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier
    return event.modifiers() in bare and event.key() != Qt.Key.Key_Space


def _runs(rows: Sequence[int]) -> list[tuple[int, int]]:
    """Ascending rows as ranges (first, last) without a gap."""
    if not rows:
        return []
    starts = [rows[0], *(after for before, after in pairwise(rows) if after != before + 1)]
    ends = [*(before for before, after in pairwise(rows) if after != before + 1), rows[-1]]
    return list(zip(starts, ends, strict=True))


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
        self._new: dict[int, ListedFilm] = {}  # what waits to be shown
        self._changed: dict[int, ListedFilm] = {}
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

    def add_rows(self, films: Iterable[ListedFilm]) -> None:
        """Append films; they appear a moment later, with others that come until then."""
        for film in films:
            (self._changed if self._model.film(film.key) else self._new)[film.key] = film
        self._wait_for_more()

    def update_row(self, film: ListedFilm) -> None:
        """Show what is known of a film now; one that was removed meanwhile is left away."""
        if film.key in self._new:
            self._new[film.key] = film
        elif self._model.film(film.key) is not None:
            self._changed[film.key] = film
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
        """Name the classes, by their index; once more after each change of language."""
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
        """Return the films that are shown, from top to bottom."""
        self._flush()
        return list(self._model.shown)

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
            read = (film.key for film in films if isinstance(film, FilmResult))
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
        """Return the film to look at next: the first that stays below the chosen one, or above."""
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
