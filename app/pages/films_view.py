"""All films of a dataset on a wall: look them over, leave some out, put them into other classes."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, Qt, Signal, Slot
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QVBoxLayout, QWidget

from app import resources
from app.pages.catalogue_wall import colour_wall, count_words, show_rows
from app.pages.film_actions import FilmActions
from app.pages.film_opener import FilmOpener
from app.pages.films_bar import FilmsBar
from app.settings import Theme
from app.translation import listing, tr
from app.viewmodels.data import DataViewModel
from app.viewmodels.film_catalogue import FilmCatalogue
from app.widgets.film_wall import FilmWall
from app.widgets.labels import plain_label
from app.widgets.translated import TranslatedWidget
from core.data.audit.findings import Kind
from core.data.audit.report import Report
from core.data.loading import LoadedDataset
from core.errors import Message


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
        only = QHBoxLayout(self._only_line)
        only.setContentsMargins(0, 0, 0, 0)
        only.addWidget(self._only_words, 1)
        only.addWidget(self._all)
        self._only_line.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 12, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self._bar)
        layout.addWidget(self._only_line)
        layout.addWidget(self._wall, 1)
        layout.addWidget(self._status)
        layout.addWidget(self._actions)

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

    def filter(self, kind: Kind | None) -> None:
        """Show the films with findings of this kind; None: whatever was found."""
        self._only = None
        self._bar.reset()
        self._bar.choose_kind(kind)

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
        colour_wall(self._wall, resources.colours(theme))

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
            chosen = self._bar.filter
            self._rows = catalogue.rows(chosen.within(self._only))
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
        """The names of the films that are selected."""
        if self._catalogue is None:
            return []
        return [self._catalogue.record(self._rows[place]).name for place in self._wall.selected()]

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
