"""Films tab: all films on a wall, to leave some out or put them into other classes."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QPoint, QSignalBlocker, Qt, Signal, Slot
from PySide6.QtGui import QAction, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QComboBox,
    QLineEdit,
    QMenu,
    QPushButton,
    QWidget,
)

from app import theme as styling
from app.data.catalogue import FilmCatalogue, FilmFilter
from app.data.viewmodel import DataViewModel
from app.i18n import language, listing, say, tr
from app.settings import Theme
from app.widgets.film_wall import LARGE_PX, MEDIUM_PX, SMALL_PX, FilmWall, WallFilm
from app.widgets.film_zoom import FilmZoom
from app.widgets.labels import plain_label
from app.widgets.layouts import choice_box, h_box, v_box
from app.widgets.page import TranslatedWidget
from app.wording import kind_badge, kind_name
from core.audit.findings import KINDS, Kind, Severity
from core.audit.report import Report
from core.data.cache import ImageCache
from core.data.dataset import LoadedDataset
from core.data.records import display_names
from core.errors import Message


def class_words(folder: str) -> str:
    """Return the name of a class in the user's language."""
    return display_names(folder)[language()]


def count_words(n_films: int) -> str:
    """Return a number of films in words."""
    return tr("1 film") if n_films == 1 else tr("{n} films", n=f"{n_films:,}")


def severity_colours(colours: dict[str, str]) -> dict[Severity, str]:
    """Return the colour of each severity in a theme."""
    return {"error": colours["danger"], "warning": colours["warning"], "note": colours["muted"]}


def colour_wall(wall: FilmWall, colours: dict[str, str]) -> None:
    """Give the wall's signs a theme's colours."""
    wall.show_colours(**severity_colours(colours))


def caption(now: str, before: str | None) -> str:
    """Return the class of a film, and which it was before it was re-labelled."""
    if before is None:
        return class_words(now)
    return tr("{now} (was {before})", now=class_words(now), before=class_words(before))


def show_rows(
    wall: FilmWall,
    catalogue: FilmCatalogue,
    films: ImageCache,
    rows: Sequence[int],
    *,
    with_badges: bool,
) -> None:
    """Put rows of the catalogue on the wall.

    Args:
        wall: Where they are shown.
        catalogue: What they are.
        films: Their pictures.
        rows: Of the catalogue, in the order to show.
        with_badges: Whether each says the worst that was found about it.
    """
    # Thousands of films say the same few words.
    words, badge = cache(caption), cache(lambda kind: say(kind_badge(kind)))
    shown = []
    for row in rows:
        header, worst = catalogue.headers[row], catalogue.worst[row] if with_badges else None
        shown.append(
            WallFilm(
                catalogue.records[row].name,
                words(catalogue.classes[row], catalogue.class_before(row)),
                header.width / header.height,
                badge(worst.kind) if worst else "",
                worst.severity if worst else "",
                catalogue.is_left_out[row],
            )
        )
    digests = [catalogue.records[row].digest for row in rows]

    def picture(place: int) -> NDArray[np.uint8]:
        return films.thumbnail(digests[place])

    wall.show_films(shown, picture)


class FilmActions(TranslatedWidget):
    """A line of buttons.

    Args:
        view: Where the keys for undo and redo work.
        wall: Where the key for leaving out works; in a search field it deletes letters.
    """

    undo_wanted = Signal()
    redo_wanted = Signal()
    leave_out_wanted = Signal()
    take_back_wanted = Signal()
    class_chosen = Signal(str)

    def __init__(self, view: QWidget, wall: QWidget) -> None:
        super().__init__()
        self._classes: Sequence[str] = ()
        self._undo, self._redo = QAction(self), QAction(self)
        self._leave_out, self._take_back = QAction(self), QAction(self)
        self._undo.setShortcut(QKeySequence("Ctrl+Z"))
        self._redo.setShortcuts([QKeySequence("Ctrl+Shift+Z"), QKeySequence("Ctrl+Y")])
        self._leave_out.setShortcut(QKeySequence("Delete"))
        for action in (self._undo, self._redo):
            action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            view.addAction(action)
        self._leave_out.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        wall.addAction(self._leave_out)
        self._set_class, self._class_menu = QPushButton(), QMenu(self)
        self._set_class.setMenu(self._class_menu)
        self._class_menu.aboutToShow.connect(self._on_class_menu_about_to_show)
        self._buttons: dict[QAction, QPushButton] = {}
        for action, wanted in (
            (self._undo, self.undo_wanted),
            (self._redo, self.redo_wanted),
            (self._leave_out, self.leave_out_wanted),
            (self._take_back, self.take_back_wanted),
        ):
            button = self._buttons[action] = QPushButton()
            button.clicked.connect(action.trigger)
            action.enabledChanged.connect(button.setEnabled)
            action.triggered.connect(wanted)
        self._lay_out()
        self.retranslate()

    def _lay_out(self) -> None:
        h_box(
            self._buttons[self._undo],
            self._buttons[self._redo],
            None,
            self._buttons[self._leave_out],
            self._buttons[self._take_back],
            self._set_class,
            owner=self,
            spacing=8,
        )

    def retranslate(self) -> None:
        for action, text in (
            (self._undo, tr("Undo")),
            (self._redo, tr("Redo")),
            (self._leave_out, tr("Leave out")),
            (self._take_back, tr("Take back")),
        ):
            action.setText(text)
            self._buttons[action].setText(text)
            self._buttons[action].setToolTip(_with_key(text, action))
        self._set_class.setText(tr("Set class"))

    def show_classes(self, classes: Sequence[str]) -> None:
        """Offer these classes, by their folder names."""
        self._classes = classes

    def allow(
        self, *, undo: bool, redo: bool, leave_out: bool, take_back: bool, set_class: bool
    ) -> None:
        """Say what can be done now."""
        self._undo.setEnabled(undo)
        self._redo.setEnabled(redo)
        self._leave_out.setEnabled(leave_out)
        self._take_back.setEnabled(take_back)
        self._set_class.setEnabled(set_class)

    def add_to(self, menu: QMenu) -> None:
        """Offer the same in a menu."""
        menu.addActions([self._leave_out, self._take_back])
        classes = menu.addMenu(tr("Set class"))
        classes.setEnabled(self._set_class.isEnabled())
        self._fill(classes)
        menu.addSeparator()
        menu.addActions([self._undo, self._redo])

    def _fill(self, menu: QMenu) -> None:
        for name in self._classes:
            # Foreign text: neither a mnemonic nor a column of shortcuts.
            text = " ".join(class_words(name).split()).replace("&", "&&")
            menu.addAction(text).triggered.connect(partial(self._on_class_triggered, name))

    def _on_class_triggered(self, name: str, _is_checked: bool = False) -> None:
        self.class_chosen.emit(name)

    @Slot()
    def _on_class_menu_about_to_show(self) -> None:
        self._class_menu.clear()
        self._fill(self._class_menu)


def _with_key(text: str, action: QAction) -> str:
    key = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
    return f"{text} ({key})" if key else text


class FilmOpener(QObject):
    """Shows the small picture of a film at once and the film itself when it has been read.

    Args:
        parent: The widget with which the window closes.
    """

    film_wanted = Signal(object)  # Record to be read at full size: answer with `show_film`
    moved = Signal(int)  # the catalogue's row that is shown now

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._catalogue: FilmCatalogue | None = None
        self._films: ImageCache | None = None
        self._rows: Sequence[int] = ()
        self._row: int | None = None  # of the film that is open
        self._zoom = FilmZoom(parent)
        self._zoom.previous_wanted.connect(self._on_previous_wanted)
        self._zoom.next_wanted.connect(self._on_next_wanted)
        self._zoom.closed.connect(self._on_closed)

    def use(
        self, catalogue: FilmCatalogue | None, films: ImageCache | None, rows: Sequence[int]
    ) -> None:
        """Go through these films.

        Args:
            catalogue: What they are; another one closes the window.
            films: Their small pictures.
            rows: Of the catalogue, ascending.
        """
        if catalogue is not self._catalogue:
            self._zoom.close()
        self._catalogue, self._films, self._rows = catalogue, films, rows

    def open(self, row: int) -> None:
        """Show a film of the catalogue."""
        self._show(row)
        self._zoom.open_up()

    def show_film(
        self, name: str, image: NDArray[np.uint8] | None, message: Message | None
    ) -> None:
        """Take a film that was wanted; one that was left meanwhile is not shown.

        Args:
            name: Of its record.
            image: Shape (H, W) or (H, W, 3); None if it cannot be read.
            message: Why not.
        """
        if self._row is None or self._catalogue is None:
            return
        if name != self._catalogue.records[self._row].name:
            return
        if image is not None:
            self._zoom.show_film(image, name, self._facts(self._row))
        elif message is not None:
            self._zoom.show_message(say(message), name)

    def _show(self, row: int) -> None:
        catalogue, films = self._catalogue, self._films
        assert catalogue is not None
        assert films is not None
        self._row = row
        record, header = catalogue.records[row], catalogue.headers[row]
        small = _in_proportion(films.image(record.digest), header.width / header.height)
        self._zoom.show_film(small, record.name, self._facts(row))
        self.film_wanted.emit(record)

    def _facts(self, row: int) -> str:
        catalogue = self._catalogue
        assert catalogue is not None
        header, worst = catalogue.headers[row], catalogue.worst[row]
        facts = [
            caption(catalogue.classes[row], catalogue.class_before(row)),
            f"{header.width:,} × {header.height:,}",
            header.format,
            tr("{n} bit", n=header.bits),
        ]
        if worst is not None:
            facts.append(say(kind_name(worst.kind)))
        if catalogue.is_left_out[row]:
            facts.append(tr("left out"))
        return " · ".join(facts)

    def _move(self, row: int) -> None:
        self._show(row)
        self.moved.emit(row)

    @Slot()
    def _on_previous_wanted(self) -> None:
        if self._row is not None:
            place = bisect_left(self._rows, self._row)  # it may itself be filtered away
            if place > 0:
                self._move(self._rows[place - 1])

    @Slot()
    def _on_next_wanted(self) -> None:
        if self._row is not None:
            place = bisect_right(self._rows, self._row)
            if place < len(self._rows):
                self._move(self._rows[place])

    @Slot()
    def _on_closed(self) -> None:
        self._row = None


def _in_proportion(square: NDArray[np.uint8], aspect: float) -> NDArray[np.uint8]:
    """Stretch a film's square to its own proportion (width / height)."""
    side = len(square)
    width, height = (round(side * aspect), side) if aspect >= 1 else (side, round(side / aspect))
    across = np.arange(width) * side // width
    down = np.arange(height) * side // height
    return square[down[:, None], across]


_ALL, _LEFT_OUT, _CLASS = "all", "left_out", "class:"  # choices of the first box
_LEAST_LETTERS = 12  # of a choice, before it is cut


class FilmsBar(TranslatedWidget):
    """Filters by class, finding and file name, and the size of the pictures."""

    filter_changed = Signal()
    size_chosen = Signal(int)  # pixels

    def __init__(self) -> None:
        super().__init__()
        self._classes, self._kinds = choice_box(_LEAST_LETTERS), choice_box(_LEAST_LETTERS)
        self._sizes = QComboBox()
        self._search = QLineEdit()
        self._search.setClearButtonEnabled(True)
        self._n_films, self._n_left_out = 0, 0
        self._class_counts: Mapping[str, int] = {}
        self._kind_counts: Mapping[Kind, int] = {}
        for size_px in (SMALL_PX, MEDIUM_PX, LARGE_PX):
            self._sizes.addItem("", size_px)
        self._sizes.setCurrentIndex(1)
        h_box(
            (self._classes, 3),
            (self._kinds, 3),
            (self._search, 4),
            self._sizes,
            owner=self,
            spacing=8,
        )
        self._classes.currentIndexChanged.connect(self.filter_changed)
        self._kinds.currentIndexChanged.connect(self.filter_changed)
        self._search.textChanged.connect(self.filter_changed)
        self._sizes.currentIndexChanged.connect(self._on_sizes_changed)
        self.retranslate()

    @property
    def filter(self) -> FilmFilter:
        """The chosen filters."""
        choice: str = self._classes.currentData() or _ALL
        is_class = choice.startswith(_CLASS)
        return FilmFilter(
            class_name=choice.removeprefix(_CLASS) if is_class else None,
            only_left_out=choice == _LEFT_OUT,
            kind=self._kinds.currentData(),
            text=self._search.text(),
        )

    def reset(self) -> None:
        """Show every film."""
        with QSignalBlocker(self):
            self._classes.setCurrentIndex(0)
            self._kinds.setCurrentIndex(0)
            self._search.clear()
        self.filter_changed.emit()

    def focus_search(self) -> None:
        """Let the user type a name."""
        self._search.setFocus()
        self._search.selectAll()

    def show_counts(
        self, classes: Mapping[str, int], n_left_out: int, n_films: int, kinds: Mapping[Kind, int]
    ) -> None:
        """Say how many films there are behind each choice; what is chosen stays so."""
        self._class_counts, self._kind_counts = classes, kinds
        self._n_left_out, self._n_films = n_left_out, n_films
        self._fill_classes()
        self._fill_kinds(self._kinds.currentData())

    def retranslate(self) -> None:
        self._search.setPlaceholderText(tr("Search file names (Ctrl+F)"))
        self._search.setAccessibleName(tr("Search file names"))
        self._classes.setAccessibleName(tr("Films of this class"))
        self._kinds.setAccessibleName(tr("Films with this finding"))
        self._sizes.setAccessibleName(tr("Size of the pictures"))
        for index, text in enumerate((tr("Small"), tr("Medium"), tr("Large"))):
            self._sizes.setItemText(index, text)
        self._fill_classes()
        self._fill_kinds(self._kinds.currentData())

    def _fill_classes(self) -> None:
        choices = [(tr("All classes ({n})", n=f"{self._n_films:,}"), _ALL)]
        choices += [
            (tr("{name} ({n})", name=class_words(name), n=f"{n:,}"), _CLASS + name)
            for name, n in self._class_counts.items()
        ]
        choices.append((tr("Left out ({n})", n=f"{self._n_left_out:,}"), _LEFT_OUT))
        _fill(self._classes, choices, self._classes.currentData())

    def _fill_kinds(self, chosen: Kind | None) -> None:
        """Fill the box; a chosen kind stays though its last film was fixed: no jump of the wall."""
        choices: list[tuple[str, str | None]] = [(tr("With or without findings"), None)]
        choices += [
            (
                tr(
                    "{name} ({n})",
                    name=say(kind_name(kind)),
                    n=f"{self._kind_counts.get(kind, 0):,}",
                ),
                kind,
            )
            for kind in KINDS
            if kind in self._kind_counts or kind == chosen
        ]
        _fill(self._kinds, choices, chosen)

    @Slot()
    def _on_sizes_changed(self) -> None:
        self.size_chosen.emit(self._sizes.currentData())


def _fill(box: QComboBox, choices: Sequence[tuple[str, str | None]], chosen: str | None) -> None:
    with QSignalBlocker(box):
        box.clear()
        for text, value in choices:
            box.addItem(text, value)
        values = [value for _, value in choices]
        box.setCurrentIndex(values.index(chosen) if chosen in values else 0)


class FilmsView(TranslatedWidget):
    """The wall with its filters above and what can be done with the chosen films below."""

    film_wanted = Signal(object)  # Record to be read at full size: answer with `show_film`

    def __init__(self, model: DataViewModel) -> None:
        super().__init__()
        self._model = model
        self._catalogue: FilmCatalogue | None = None
        self._rows: list[int] = []  # of the catalogue, as on the wall
        self._only: frozenset[str] | None = None  # names, where others sent the user here
        self._bar, self._wall = FilmsBar(), FilmWall()
        self._actions = FilmActions(self, self._wall)
        self._opener = FilmOpener(self)
        self._only_words, self._all = plain_label("muted"), QPushButton()
        self._status = plain_label("muted")
        self._lay_out()
        self._connect()
        self.retranslate()
        if model.dataset is not None:
            self._on_model_loaded(model.dataset)
        if model.report is not None:
            self._on_model_audited(model.report)

    def _lay_out(self) -> None:
        self._only_line = QWidget()
        h_box((self._only_words, 1), self._all, owner=self._only_line)
        self._only_line.hide()
        v_box(
            self._bar,
            self._only_line,
            (self._wall, 1),
            self._status,
            self._actions,
            owner=self,
            margins=(0, 12, 0, 0),
            spacing=8,
        )

    def _connect(self) -> None:
        search = QShortcut(QKeySequence("Ctrl+F"), self)
        search.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        search.activated.connect(self._bar.focus_search)
        self._actions.undo_wanted.connect(self._model.undo)
        self._actions.redo_wanted.connect(self._model.redo)
        self._actions.leave_out_wanted.connect(self._on_leave_out_wanted)
        self._actions.take_back_wanted.connect(self._on_take_back_wanted)
        self._actions.class_chosen.connect(self._on_class_chosen)
        self._all.clicked.connect(self._on_all_clicked)
        self._bar.filter_changed.connect(self._refresh)
        self._bar.size_chosen.connect(self._wall.set_side_px)
        self._wall.selection_changed.connect(self._on_wall_selection_changed)
        self._wall.film_opened.connect(self._on_wall_film_opened)
        self._wall.menu_wanted.connect(self._on_wall_menu_wanted)
        self._opener.film_wanted.connect(self.film_wanted)
        self._opener.moved.connect(self._on_opener_moved)
        self._model.loaded.connect(self._on_model_loaded)
        self._model.audited.connect(self._on_model_audited)
        self._model.changed.connect(self._on_model_changed)

    # What others ask for.

    def show_only(self, names: Iterable[str]) -> None:
        """Show just these films, until the user asks for all again."""
        self._only = frozenset(names)
        self._bar.reset()

    def open_film(self, name: str) -> None:
        """Show one film large."""
        if self._catalogue is not None and name in self._catalogue.row_of:
            self._opener.open(self._catalogue.row_of[name])

    def show_film(
        self, name: str, image: NDArray[np.uint8] | None, message: Message | None = None
    ) -> None:
        """Answer `film_wanted`: `image` of shape (H, W) or (H, W, 3), or why there is none."""
        self._opener.show_film(name, image, message)

    def apply_theme(self, theme: Theme) -> None:
        """Give the signs the theme's colours."""
        colour_wall(self._wall, styling.colours(theme))

    def retranslate(self) -> None:
        self._all.setText(tr("Show all films"))
        self._wall.setAccessibleName(tr("Films"))
        self._show_films()

    # What is shown.

    @Slot()
    def _refresh(self) -> None:
        """Apply the filters anew."""
        catalogue = self._catalogue
        if catalogue is not None:
            self._rows = catalogue.rows(replace(self._bar.filter, names=self._only))
        else:
            self._rows = []
        self._show_films()

    def _show_films(self) -> None:
        catalogue, loaded = self._catalogue, self._model.dataset
        if catalogue is None or loaded is None:
            self._wall.set_empty_text(tr("Open a dataset to look through its films."))
            self._wall.show_films([], _no_picture)
            self._opener.use(None, None, [])
        else:
            self._wall.set_empty_text(tr("No film is like this. Choose other filters above."))
            show_rows(self._wall, catalogue, loaded.cache, self._rows, with_badges=True)
            self._opener.use(catalogue, loaded.cache, self._rows)
        self._only_line.setVisible(self._only is not None)
        if self._only is not None:
            self._only_words.setText(
                tr("Only the films of a finding: {films}.", films=count_words(len(self._only)))
            )
        self._show_choice()

    def _show_choice(self) -> None:
        """Say how much is chosen, and allow what can be done with it."""
        one, catalogue = self._model.current, self._catalogue
        chosen = self._chosen()
        edits = one.loaded.edits if one is not None else None
        self._actions.allow(
            undo=one is not None and one.can_undo,
            redo=one is not None and one.can_redo,
            leave_out=edits is not None and any(name not in edits.left_out for name in chosen),
            take_back=edits is not None and any(name in edits.left_out for name in chosen),
            set_class=bool(chosen),
        )
        if catalogue is None:
            self._status.clear()
            return
        n_all, n_shown = len(catalogue.records), len(self._rows)
        parts = [
            count_words(n_all)
            if n_shown == n_all
            else tr("{n} of {films}", n=f"{n_shown:,}", films=count_words(n_all))
        ]
        if chosen:
            parts.append(tr("{n} selected", n=f"{len(chosen):,}"))
        if catalogue.n_left_out:
            parts.append(tr("{n} left out", n=f"{catalogue.n_left_out:,}"))
        if catalogue.n_relabelled:
            parts.append(tr("{n} re-labelled", n=f"{catalogue.n_relabelled:,}"))
        self._status.setText(listing(parts))

    def _chosen(self) -> list[str]:
        """Return the names of the films that are selected."""
        if self._catalogue is None:
            return []
        return [self._catalogue.records[self._rows[place]].name for place in self._wall.selected()]

    @Slot(object)
    def _on_model_loaded(self, loaded: LoadedDataset) -> None:
        if self._catalogue is not None and self._catalogue.as_found is loaded.as_found:
            self._catalogue.use_edits(loaded)  # what was found stays there until it is found anew
            self._show_counts()
            self._refresh()
            return
        self._catalogue, self._only = FilmCatalogue(loaded), None
        self._show_counts()
        self._bar.reset()

    @Slot(object)
    def _on_model_audited(self, report: Report) -> None:
        if self._catalogue is not None:
            self._catalogue.use_report(report)
            self._show_counts()
            self._refresh()

    @Slot()
    def _on_model_changed(self) -> None:
        if self._model.dataset is None and self._catalogue is not None:
            self._catalogue = self._only = None
            self._refresh()
        else:
            self._show_choice()

    def _show_counts(self) -> None:
        catalogue = self._catalogue
        assert catalogue is not None
        self._bar.show_counts(
            catalogue.class_counts,
            catalogue.n_left_out,
            len(catalogue.records),
            catalogue.kind_counts,
        )
        self._actions.show_classes(catalogue.as_found.classes)

    # What the user does.

    @Slot()
    def _on_wall_selection_changed(self) -> None:
        self._show_choice()

    @Slot()
    def _on_all_clicked(self) -> None:
        self._only = None
        self._refresh()

    @Slot()
    def _on_leave_out_wanted(self) -> None:
        names = self._chosen()
        self._model.edit(lambda edits: edits.leave_out(names))

    @Slot()
    def _on_take_back_wanted(self) -> None:
        names = self._chosen()
        self._model.edit(lambda edits: edits.take_back(names))

    @Slot(str)
    def _on_class_chosen(self, class_name: str) -> None:
        names = self._chosen()
        self._model.edit(lambda edits: edits.relabel(names, class_name))

    @Slot(QPoint)
    def _on_wall_menu_wanted(self, place: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        selected = self._wall.selected()
        open_up = menu.addAction(tr("Show large"))
        open_up.setEnabled(len(selected) == 1)
        open_up.triggered.connect(lambda: self._on_wall_film_opened(selected[0]))
        menu.addSeparator()
        self._actions.add_to(menu)
        menu.popup(place)

    @Slot(int)
    def _on_wall_film_opened(self, place: int) -> None:
        self._opener.open(self._rows[place])

    @Slot(int)
    def _on_opener_moved(self, row: int) -> None:
        """Let the wall follow the window."""
        if row in self._rows:
            place = self._rows.index(row)
            self._wall.select([place])
            self._wall.scroll_to(place)


def _no_picture(_place: int) -> NDArray[np.uint8]:
    return np.zeros((1, 1), np.uint8)
