"""Labels of plain text: lines, chips, figures, section heads."""

import html
from collections.abc import Mapping
from typing import Literal

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

Tone = Literal["good", "warning", "danger", "muted"]

PAD_PX = 7  # left and right of a chip's words
MIDDLE_GREY = "#808080"  # until a theme is known


def plain_label(name: str = "", *, wraps: bool = False) -> QLabel:
    """Return a label that shows its text as it is: file and class names are foreign text.

    Args:
        name: The style sheet's name for it: "pageTitle", "sectionTitle", "muted", "figure".
        wraps: Whether long text takes several lines.
    """
    label = QLabel()
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setObjectName(name)
    label.setWordWrap(wraps)
    return label


def plain_tip(text: str) -> str:
    """Return a tooltip that shows `text` as it is; Qt would take it for markup."""
    return "<qt>" + html.escape(text).replace("\n", "<br>") + "</qt>" if text else ""


def show_text(label: QLabel, text: str) -> None:
    """Set a label's text; without one, hide it."""
    label.setText(text)
    label.setVisible(bool(text))


def card(parent: QWidget | None = None) -> QFrame:
    """Return a framed panel; give it a layout."""
    frame = QFrame(parent)
    frame.setObjectName("card")
    return frame


class Figure(QFrame):
    """One number with its caption, as on a dashboard.

    Args:
        is_small: Half as high, for many side by side.
    """

    def __init__(self, *, is_small: bool = False) -> None:
        super().__init__()
        self.setObjectName("card")
        self._value = plain_label("sectionTitle" if is_small else "figure")
        self._caption = plain_label("muted")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(*((10, 4, 6, 4) if is_small else (14, 8, 14, 8)))
        layout.setSpacing(0)
        layout.addWidget(self._value)
        layout.addWidget(self._caption)
        if not is_small:
            self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_value(self, value: str, caption: str) -> None:
        """Set both lines."""
        self._value.setText(value)
        self._caption.setText(caption)
        self.setAccessibleName(f"{caption}: {value}")


class Chip(QWidget):
    """One word or two in the colour of their tone; the tooltip explains them."""

    def __init__(self) -> None:
        super().__init__()
        self._words, self._tone = "", "muted"
        self._colours: Mapping[str, str] = {}
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)

    @property
    def words(self) -> str:
        """The words it shows."""
        return self._words

    def show_words(self, words: str, tone: Tone, meaning: str = "") -> None:
        """Say something else; without words there is nothing to see."""
        self._words, self._tone = words, tone
        self.setAccessibleName(words)
        self.setAccessibleDescription(meaning)
        self.setToolTip(plain_tip(meaning))
        self.setVisible(bool(words))
        self.updateGeometry()
        self.update()

    def show_colours(self, colours: Mapping[str, str]) -> None:
        """Take a theme's colours."""
        self._colours = colours
        self.update()

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        return QSize(metrics.horizontalAdvance(self._words) + 2 * PAD_PX + 2, metrics.height() + 4)

    def minimumSizeHint(self) -> QSize:
        return QSize(2 * PAD_PX, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._words:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = QColor(self._colours.get(self._tone, MIDDLE_GREY))
        ground = QColor(colour)
        ground.setAlphaF(0.12)
        painter.setPen(QPen(colour, 1))
        painter.setBrush(ground)
        frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.drawRoundedRect(frame, 4, 4)
        room = frame.adjusted(PAD_PX, 0, -PAD_PX + 1, 0)
        fitting = painter.fontMetrics().elidedText(
            self._words, Qt.TextElideMode.ElideRight, int(room.width()) + 1
        )
        painter.drawText(room, int(Qt.AlignmentFlag.AlignCenter), fitting)


class ElidedLabel(QLabel):
    """A line that is cut where it is too long; the tooltip has all of it.

    Args:
        name: The style sheet's name for it, see `plain_label`.
        cut: At which place.
    """

    def __init__(self, name: str = "", cut: Qt.TextElideMode = Qt.TextElideMode.ElideRight) -> None:
        super().__init__()
        self._cut_mode = cut
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setObjectName(name)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._whole = ""

    def show_text(self, text: str) -> None:
        """Say something else; line breaks become spaces."""
        self._whole = " ".join(text.split())
        self.setAccessibleName(self._whole)
        self.setToolTip(plain_tip(self._whole))
        self._cut()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._cut()

    def minimumSizeHint(self) -> QSize:
        return QSize(0, super().minimumSizeHint().height())

    def _cut(self) -> None:
        metrics = QFontMetrics(self.font())
        self.setText(metrics.elidedText(self._whole, self._cut_mode, max(0, self.width())))


class SectionHead(QWidget):
    """A title and a chip in one line."""

    def __init__(self) -> None:
        super().__init__()
        self._title, self.chip = plain_label("sectionTitle"), Chip()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self._title)
        row.addStretch()
        row.addWidget(self.chip)
        self.setMinimumHeight(self.chip.sizeHint().height())  # also without a chip

    def show_title(self, title: str, meaning: str = "") -> None:
        """Name the part; the tooltip says what it is about."""
        self._title.setText(title)
        self._title.setToolTip(plain_tip(meaning))

    def show_state(self, words: str, tone: Tone, meaning: str = "") -> None:
        """Say how it stands; without words there is no chip."""
        self.chip.show_words(words, tone, meaning)

    def show_colours(self, colours: Mapping[str, str]) -> None:
        """Take a theme's colours."""
        self.chip.show_colours(colours)
