"""The Augmentation tab of the Data page: the settings, tried on one's own films."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect, QSignalBlocker, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPalette, QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QWidget,
)

from app.data.augmentation_viewmodel import AugmentationViewModel
from app.i18n import tr
from app.setting_words import setting_description, setting_title
from app.widgets.labels import ElidedLabel, plain_label, plain_tip
from app.widgets.layouts import h_box, scroll_area, v_box
from app.widgets.page import TranslatedWidget
from app.widgets.setting_fields import NumberBox, WheelGuard
from app.widgets.thumbnails import shrink
from app.widgets.viewer.picture import to_image
from core.config import CHANGES, AugmentationConfig, Change, Setting, settings

FACTOR_PX, NUMBER_PX = 78, 96


class AugmentationForm(TranslatedWidget):
    """Shows settings and tells of each edit; it remembers none that it was not shown."""

    edited = Signal(object)  # AugmentationConfig
    reset_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._config = AugmentationConfig()
        self._title, self._intro = plain_label("sectionTitle"), plain_label("muted", wraps=True)
        self._chance, self._mirrored = plain_label(), plain_label("muted", wraps=True)
        own = [one for one in settings().values() if one.shown.group == "augmentation"]
        self._switches = {one.name: QCheckBox() for one in own if one.kind == "flag"}
        self._numbers = {one.name: _number(one) for one in own if one.kind != "flag"}
        self._notes = {change: plain_label("muted", wraps=True) for change in CHANGES}
        self._links: list[QLabel] = []  # "to", between the ends of a range
        self._reset = QPushButton()
        WheelGuard(self, *self._numbers.values())
        self._lay_out()
        self._connect()
        self.retranslate()
        self.show_config(self._config)

    def _lay_out(self) -> None:
        content = QWidget()
        content.setObjectName("bare")
        column = v_box(
            self._title,
            self._intro,
            6,
            _line(self._chance, self._numbers["probability"]),
            owner=content,
            margins=(0, 0, 12, 0),
            spacing=6,
        )
        for change in CHANGES:
            column.addSpacing(10)
            column.addLayout(_line(self._switches[f"is_{change}_on"], *self._numbers_of(change)))
            if change == "noise":
                column.addWidget(self._switches["is_noise_per_channel"])
            column.addWidget(self._notes[change])
            if change == "flip":
                column.addWidget(self._mirrored)
        column.addStretch()
        scroll = scroll_area(content, only_vertical=True)
        v_box((scroll, 1), self._reset, owner=self, spacing=10)

    def _numbers_of(self, change: Change) -> list[QWidget]:
        """Return what stands beside the switch of a change."""
        needed = (f"is_{change}_on", (True,))
        numbers = [
            box for name, box in self._numbers.items() if settings()[name].shown.only_with == needed
        ]
        if len(numbers) == 1:
            return [*numbers]
        link = plain_label("muted")
        self._links.append(link)
        return [numbers[0], link, numbers[1]]

    def _connect(self) -> None:
        for name, switch in self._switches.items():
            switch.toggled.connect(partial(self._edit, name))
        for name, number in self._numbers.items():
            number.edited.connect(partial(self._edit, name))
        self._reset.clicked.connect(self.reset_wanted)

    def show_config(self, config: AugmentationConfig, *, can_reset: bool = False) -> None:
        """Show settings; nothing is told of it."""
        self._config = config
        for name, switch in self._switches.items():
            with QSignalBlocker(switch):
                switch.setChecked(getattr(config, name))
        for name, number in self._numbers.items():
            number.show_value(getattr(config, name))
        for name, part in (self._switches | self._numbers).items():
            needed = settings()[name].shown.only_with
            part.setEnabled(needed is None or getattr(config, needed[0]) in needed[1])
        self._reset.setEnabled(can_reset)
        self._show_mirrored()

    def retranslate(self) -> None:
        self._title.setText(tr("Random changes"))
        self._intro.setText(
            tr(
                "In every epoch each film is changed anew, in a random order, so that the network "
                "learns what does not matter. Validation and test films stay as they are."
            )
        )
        self._chance.setText(setting_title("probability"))
        self._reset.setText(tr("Reset to preset"))
        for link in self._links:
            link.setText(tr("to"))
        for name, switch in self._switches.items():
            switch.setText(setting_title(name))
        self._switches["is_noise_per_channel"].setToolTip(
            setting_description("is_noise_per_channel")
        )
        for name, number in self._numbers.items():
            number.setAccessibleName(setting_title(name))
            number.setToolTip(plain_tip(setting_description(name)))
        for change, note in self._notes.items():
            note.setText(setting_description(f"is_{change}_on"))
        self._show_mirrored()

    def _show_mirrored(self) -> None:
        config = self._config
        share = config.probability * config.flip_probability if config.is_flip_on else 0.0
        self._mirrored.setText(
            tr("With these chances {share} of the films are mirrored.", share=f"{share:.0%}")
        )

    def _edit(self, name: str, value: Any) -> None:
        self.edited.emit(self._config.changed(**{name: value}))


def _number(known: Setting) -> NumberBox:
    number = NumberBox(known)
    is_factor = known.name.endswith(("_low", "_high"))
    number.setFixedWidth(FACTOR_PX if is_factor else NUMBER_PX)
    number.setKeyboardTracking(False)  # half a number is not yet a wish
    if known.name == "rotation_degrees":
        number.setPrefix("±")
    return number


def _line(first: QWidget, *others: QWidget) -> QHBoxLayout:
    """Put the first part at the left, the others at the right."""
    line = h_box(first, None, *others, spacing=6)
    return line


MIN_NAME_PX = 90


class FilmChooser(TranslatedWidget):
    """Shows one name; a long one loses its middle, the whole stands in the tooltip."""

    previous_wanted = Signal()
    next_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._place, self._n_films = 0, 0
        self._previous, self._next = QPushButton(), QPushButton()
        self._previous.clicked.connect(self.previous_wanted)
        self._next.clicked.connect(self.next_wanted)
        self._name = ElidedLabel("sectionTitle", Qt.TextElideMode.ElideMiddle)
        self._name.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._name.setMinimumWidth(MIN_NAME_PX)
        self._count = plain_label("muted")
        h_box(self._previous, (self._name, 1), self._count, self._next, owner=self, spacing=8)
        self.retranslate()

    def show_film(self, name: str, index: int, n_films: int) -> None:
        """Show the name of film `index`, from 0, of `n_films`."""
        self._place, self._n_films = index + 1, n_films
        self._name.show_text(name)
        for button in (self._previous, self._next):
            button.setEnabled(n_films > 1)
        self.retranslate()

    def retranslate(self) -> None:
        self._previous.setText(tr("Previous film"))
        self._next.setText(tr("Next film"))
        self._count.setText(
            tr("{place} of {n}", place=f"{self._place:,}", n=f"{self._n_films:,}")
            if self._n_films
            else ""
        )

    def sizeHint(self) -> QSize:
        return super().sizeHint().expandedTo(QSize(420, 0))


GAP_PX = 8
MIN_SIDE_PX = 60
COLUMNS = (2, 3, 4, 6)  # of the pictures, whichever makes them largest


class FilmGrid(QWidget):
    """Draws an original and its pictures in squares with a caption under each."""

    def __init__(self) -> None:
        super().__init__()
        self._images: list[QImage] = []  # the original first
        self._captions: tuple[str, ...] = ()
        self.setObjectName("muted")  # the colour of the captions
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def show_films(
        self, original: NDArray[np.uint8], pictures: Sequence[NDArray[np.uint8]]
    ) -> None:
        """Draw films, each (H, W) or (H, W, 3)."""
        self._images = [to_image(film) for film in (original, *pictures)]
        self.update()

    def show_captions(self, captions: Sequence[str]) -> None:
        """Set what stands under each, the original first."""
        self._captions = tuple(captions)
        self.update()

    def clear(self) -> None:
        """Draw nothing."""
        self._images = []
        self.update()

    def minimumSizeHint(self) -> QSize:
        side, caption = MIN_SIDE_PX + GAP_PX, self._caption_px()
        return QSize(5 * side, 3 * (side + caption))  # twelve pictures and the original

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._images:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        caption_px = self._caption_px()
        places = squares(self.width(), self.height(), len(self._images) - 1, caption_px)
        ink = self.palette().color(QPalette.ColorRole.WindowText)
        for number, (image, place) in enumerate(zip(self._images, places, strict=True)):
            painter.fillRect(place, QColor("black"))  # what surrounds a film is dark
            shown = image.size().scaled(place.size(), Qt.AspectRatioMode.KeepAspectRatio)
            target = QRect(place.topLeft(), shown)
            target.moveCenter(place.center())
            size = target.size() * self.devicePixelRatio()
            is_smaller = size.width() < image.width() and not size.isEmpty()
            painter.drawImage(target, shrink(image, size) if is_smaller else image)
            if number < len(self._captions):
                painter.setPen(ink)
                line = QRect(place.left(), place.bottom() + 1, place.width(), caption_px)
                painter.drawText(line, Qt.AlignmentFlag.AlignCenter, self._captions[number])

    def _caption_px(self) -> int:
        return self.fontMetrics().height() + 4


def squares(width: int, height: int, n_pictures: int, caption_px: int) -> list[QRect]:
    """Place the original and its pictures within `width` x `height` pixels.

    The original stands at the left, half-way down, as large as the pictures leave it room;
    they stand in rows beside it. `caption_px` are free below each.
    """

    def side_with(columns: int) -> int:
        rows = -(-n_pictures // columns)
        across = (width - columns * GAP_PX) // (columns + 1)
        return min(across, (height - (rows - 1) * GAP_PX) // rows - caption_px)

    columns = max(COLUMNS, key=side_with)
    side = max(1, side_with(columns))
    rows = -(-n_pictures // columns)
    block_height = rows * (side + caption_px) + (rows - 1) * GAP_PX
    room = width - columns * (side + GAP_PX)
    large = max(side, min(room, block_height - caption_px))
    left = max(0, (room - large) // 2)
    top = max(0, (height - block_height) // 2)
    places = [QRect(left, top + (block_height - large - caption_px) // 2, large, large)]
    for number in range(n_pictures):
        row, column = divmod(number, columns)
        x = left + large + GAP_PX + column * (side + GAP_PX)
        places.append(QRect(x, top + row * (side + caption_px + GAP_PX), side, side))
    return places


FORM_PX = 340


class AugmentationView(TranslatedWidget):
    """The form at the left, a film and what training makes of it at the right."""

    def __init__(self, model: AugmentationViewModel) -> None:
        super().__init__()
        self._model = model
        self._form = AugmentationForm()
        self._form.setFixedWidth(FORM_PX)
        self._chooser, self._grid = FilmChooser(), FilmGrid()
        self._again = QPushButton()
        self._epochs = plain_label("muted", wraps=True)
        self._nothing = plain_label("muted", wraps=True)
        self._stack = QStackedWidget()
        self._stack.addWidget(self._build_preview())
        self._stack.addWidget(self._build_invitation())
        h_box(self._form, (self._stack, 1), owner=self, margins=(0, 12, 0, 0), spacing=16)
        # Several changes at once are drawn once, and none while nobody looks.
        self._redraw = QTimer(self)
        self._redraw.setSingleShot(True)
        self._redraw.timeout.connect(self._on_redraw_timeout)
        self._is_outdated = True
        self._connect()
        self.retranslate()
        self._on_model_changed()
        self._on_model_film_changed()

    def _build_preview(self) -> QWidget:
        preview = QWidget()
        line = h_box((self._epochs, 1), self._again)
        v_box(self._chooser, (self._grid, 1), line, owner=preview, spacing=10)
        return preview

    def _build_invitation(self) -> QWidget:
        invitation = QWidget()
        v_box(self._nothing, None, owner=invitation, margins=None)
        return invitation

    def _connect(self) -> None:
        model = self._model
        self._form.edited.connect(model.set_config)
        self._form.reset_wanted.connect(model.reset)
        self._chooser.previous_wanted.connect(model.show_previous)
        self._chooser.next_wanted.connect(model.show_next)
        self._again.clicked.connect(model.draw_again)
        model.changed.connect(self._on_model_changed)
        model.film_changed.connect(self._on_model_film_changed)

    def retranslate(self) -> None:
        self._again.setText(tr("Draw again"))
        self._nothing.setText(tr("Open a dataset to see here what training makes of its films."))
        self._grid.setAccessibleName(tr("The film and twelve random changes of it"))
        self._show_epochs()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._is_outdated:
            self._redraw.start(0)

    @Slot()
    def _on_model_changed(self) -> None:
        self._form.show_config(self._model.config, can_reset=self._model.is_changed)
        self._outdate()

    @Slot()
    def _on_model_film_changed(self) -> None:
        model = self._model
        self._stack.setCurrentIndex(0 if model.n_films else 1)
        self._chooser.show_film(model.name, model.index, model.n_films)
        self._show_epochs()
        self._outdate()

    def _outdate(self) -> None:
        self._is_outdated = True
        if self.isVisible():
            self._redraw.start(0)

    @Slot()
    def _on_redraw_timeout(self) -> None:
        self._is_outdated = False
        original = self._model.original()
        if original is None:
            self._grid.clear()
        else:
            self._grid.show_films(original, self._model.draws(original))

    def _show_epochs(self) -> None:
        epochs = self._model.epochs
        self._grid.show_captions(
            [tr("Original"), *(tr("Epoch {epoch}", epoch=epoch) for epoch in epochs)]
        )
        self._epochs.setText(
            tr(
                "What epochs {first} to {last} of a run with seed {seed} would show the network, "
                "drawn by the code that trains.",
                first=epochs[0],
                last=epochs[-1],
                seed=self._model.seed,
            )
        )
