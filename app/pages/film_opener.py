"""One film of the catalogue in a window of its own, and the way to the next."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QWidget

from app.finding_words import kind_name
from app.pages.catalogue_wall import caption
from app.translation import say, tr
from app.viewmodels.film_catalogue import FilmCatalogue
from app.widgets.film_zoom import FilmZoom
from core.data.cache import ImageCache
from core.errors import Message


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
        if name != self._catalogue.record(self._row).name:
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
        record, header = catalogue.record(row), catalogue.header(row)
        small = _in_proportion(films.image(record.digest), header.width / header.height)
        self._zoom.show_film(small, record.name, self._facts(row))
        self.film_wanted.emit(record)

    def _facts(self, row: int) -> str:
        catalogue = self._catalogue
        assert catalogue is not None
        header, worst = catalogue.header(row), catalogue.worst(row)
        facts = [
            caption(catalogue.class_of(row), catalogue.class_before(row)),
            f"{header.width:,} × {header.height:,}",
            header.format,
            tr("{n} bit", n=header.bits),
        ]
        if worst is not None:
            facts.append(say(kind_name(worst.kind)))
        if catalogue.is_left_out(row):
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
    """A film's square stretched to its own proportion (width / height)."""
    side = len(square)
    width, height = (round(side * aspect), side) if aspect >= 1 else (side, round(side / aspect))
    across = np.arange(width) * side // width
    down = np.arange(height) * side // height
    return square[down[:, None], across]
