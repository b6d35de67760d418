"""Layouts, scroll areas and choice boxes, each made in one call."""

from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QBoxLayout,
    QComboBox,
    QHBoxLayout,
    QLayout,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

Part = QWidget | QLayout | int | tuple[QWidget | QLayout, int] | None
Box = TypeVar("Box", bound=QBoxLayout)
Margins = tuple[int, int, int, int]  # left, top, right, bottom, in pixels


def v_box(
    *parts: Part,
    owner: QWidget | None = None,
    margins: Margins | None = (0, 0, 0, 0),
    spacing: int | None = None,
) -> QVBoxLayout:
    """Return a column of parts.

    Args:
        parts: Widgets and layouts, from top to bottom; a pair adds the stretch of its part.
            None is an empty stretch, a number an empty space in pixels.
        owner: The widget whose layout it becomes.
        margins: None: those of the style.
        spacing: Pixels between parts; None: that of the style.
    """
    return _filled(QVBoxLayout(), parts, owner, margins, spacing)


def h_box(
    *parts: Part,
    owner: QWidget | None = None,
    margins: Margins | None = (0, 0, 0, 0),
    spacing: int | None = None,
) -> QHBoxLayout:
    """Return a row of parts, from left to right; the arguments are those of `v_box`."""
    return _filled(QHBoxLayout(), parts, owner, margins, spacing)


def _filled(
    box: Box,
    parts: tuple[Part, ...],
    owner: QWidget | None,
    margins: Margins | None,
    spacing: int | None,
) -> Box:
    if owner is not None:
        owner.setLayout(box)
    if margins is not None:
        box.setContentsMargins(*margins)
    if spacing is not None:
        box.setSpacing(spacing)
    for part in parts:
        if part is None:
            box.addStretch()
        elif isinstance(part, int):
            box.addSpacing(part)
        else:
            what, stretch = part if isinstance(part, tuple) else (part, 0)
            if isinstance(what, QLayout):
                box.addLayout(what, stretch)
            else:
                box.addWidget(what, stretch)
    return box


def scroll_area(content: QWidget, *, only_vertical: bool = False) -> QScrollArea:
    """Return an area that scrolls over `content`, which is as wide as there is room."""
    area = QScrollArea()
    area.setWidget(content)
    area.setWidgetResizable(True)
    if only_vertical:
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return area


def choice_box(n_characters: int) -> QComboBox:
    """Return a box whose width does not follow its longest choice, but leaves `n_characters`."""
    box = QComboBox()
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(n_characters)
    return box
