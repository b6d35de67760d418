"""Which films to show and how large: the line above the wall."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QSignalBlocker, Signal, Slot
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit

from app.finding_words import kind_name
from app.pages.catalogue_wall import class_words
from app.translation import say, tr
from app.viewmodels.film_catalogue import FilmFilter
from app.widgets.film_wall import LARGE_PX, MEDIUM_PX, SMALL_PX
from app.widgets.translated import TranslatedWidget
from core.data.audit.findings import KINDS, Kind

_ALL, _LEFT_OUT, _CLASS = "all", "left_out", "class:"  # choices of the first box
_LEAST_LETTERS = 12  # of a choice, before it is cut


class FilmsBar(TranslatedWidget):
    """Filters by class, finding and file name, and the size of the pictures."""

    filter_changed = Signal()
    size_chosen = Signal(int)  # pixels

    def __init__(self) -> None:
        super().__init__()
        self._classes, self._kinds, self._sizes = QComboBox(), QComboBox(), QComboBox()
        self._search = QLineEdit()
        self._search.setClearButtonEnabled(True)
        self._n_films, self._n_left_out = 0, 0
        self._class_counts: Mapping[str, int] = {}
        self._kind_counts: Mapping[Kind, int] = {}
        for box in (self._classes, self._kinds):
            box.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
            box.setMinimumContentsLength(_LEAST_LETTERS)
        for size_px in (SMALL_PX, MEDIUM_PX, LARGE_PX):
            self._sizes.addItem("", size_px)
        self._sizes.setCurrentIndex(1)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self._classes, 3)
        layout.addWidget(self._kinds, 3)
        layout.addWidget(self._search, 4)
        layout.addWidget(self._sizes)
        self._classes.currentIndexChanged.connect(self.filter_changed)
        self._kinds.currentIndexChanged.connect(self.filter_changed)
        self._search.textChanged.connect(self.filter_changed)
        self._sizes.currentIndexChanged.connect(self._on_sizes_changed)
        self.retranslate()

    @property
    def filter(self) -> FilmFilter:
        """What is chosen."""
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

    def choose_kind(self, kind: Kind | None) -> None:
        """Show the films with findings of this kind; None: whatever was found."""
        self._fill_kinds(kind)
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
        """The chosen kind stays there when its last film was mended: the wall shall not jump."""
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
