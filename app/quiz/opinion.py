"""The model's opinion of a film of the quiz: probabilities, certainty, verdict."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QFrame,
    QPushButton,
    QSizePolicy,
    QWidget,
)

from app.i18n import listing, say, tr
from app.widgets.labels import plain_label
from app.widgets.layouts import h_box, scroll_area, v_box
from app.widgets.page import TranslatedWidget
from app.widgets.signs import VerdictSign
from core.prediction.reading import FilmResult

ROW_PX = 44
BAR_PX = 8
MAX_NAMED = 4  # classes
LEAST_PX = 90  # high; more is scrolled to


class ScoreBars(QWidget):
    """Probabilities as bars; the highest is bold and has the accent's colour."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[tuple[str, float]] = []
        self._accent, self._muted, self._track = QColor(), QColor(), QColor()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)

    def show_scores(self, names: Sequence[str], probabilities: Sequence[float]) -> None:
        """Draw one row a class, the most probable first."""
        pairs = zip(names, (float(p) for p in probabilities), strict=True)
        self._rows = sorted(pairs, key=lambda row: -row[1])
        self.setAccessibleName(", ".join(f"{name} {p:.1%}" for name, p in self._rows))
        self.updateGeometry()
        self.update()

    def show_colours(self, accent: str, muted: str, track: str) -> None:
        """Take a theme's colours."""
        self._accent, self._muted, self._track = QColor(accent), QColor(muted), QColor(track)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(220, max(1, len(self._rows)) * self._row_height())

    def minimumSizeHint(self) -> QSize:
        return QSize(160, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        height, width = self._row_height(), self.width()
        for place, (name, probability) in enumerate(self._rows):
            top, is_first = place * height, place == 0
            font = QFont(self.font())
            font.setBold(is_first)
            painter.setFont(font)
            painter.setPen(self.palette().text().color())
            number = f"{probability:.1%}"
            number_width = painter.fontMetrics().horizontalAdvance(number)
            text_height = height - BAR_PX - 12
            room = QRectF(0, top, width - number_width - 8, text_height)
            fitting = painter.fontMetrics().elidedText(
                name, Qt.TextElideMode.ElideRight, int(room.width())
            )
            painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter), fitting)
            painter.drawText(
                QRectF(width - number_width, top, number_width, text_height),
                int(Qt.AlignmentFlag.AlignVCenter),
                number,
            )
            bar = QRectF(0, top + text_height + 2, width, BAR_PX)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._track)
            painter.drawRoundedRect(bar, 3, 3)
            painter.setBrush(self._accent if is_first else self._muted)
            bar.setWidth(max(2.0, width * probability))
            painter.drawRoundedRect(bar, 3, 3)

    def _row_height(self) -> int:
        return max(ROW_PX, self.fontMetrics().height() + BAR_PX + 16)


class OpinionCard(TranslatedWidget):
    """Probabilities, how sure the model is, and the verdict on it."""

    heat_toggled = Signal(bool)  # whether the heat map is to be seen

    def __init__(self) -> None:
        super().__init__()
        self._said: tuple[tuple[str, ...], FilmResult] | None = None
        self._title = plain_label("sectionTitle")
        self._verdict = VerdictSign()
        self._bars = ScoreBars()
        self._sure, self._reasons = plain_label(wraps=True), plain_label("muted", wraps=True)
        self._anyway, self._is_asked = QPushButton(), False
        self._anyway.clicked.connect(self._on_anyway_clicked)
        self._has_heat = False
        self._heat = QCheckBox()  # off at first: the film is to be seen
        self._heat.toggled.connect(self.heat_toggled)
        head = h_box(self._title, None, self._verdict)
        inside = QWidget()
        inside.setObjectName("bare")
        v_box(
            head,
            self._reasons,
            self._sure,
            self._anyway,
            self._bars,
            self._heat,
            None,
            owner=inside,
            margins=(0, 0, 8, 0),
            spacing=6,
        )
        self._scroll = scroll_area(inside, only_vertical=True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setMinimumHeight(LEAST_PX)
        v_box(self._scroll, owner=self)
        self.retranslate()

    @property
    def is_heat_wanted(self) -> bool:
        """True where the heat map is to be seen."""
        return self._heat.isChecked() and self._heat.isVisibleTo(self)

    def toggle_heat(self) -> None:
        """Switch the heat map on or off, where there is one."""
        if self._heat.isVisible():
            self._heat.toggle()

    def show_opinion(
        self, names: Sequence[str], result: FilmResult, *, has_heat: bool = False
    ) -> None:
        """Show what the model says.

        Args:
            names: Of the classes, in the order of their labels; foreign text.
            result: Of the film.
            has_heat: Whether there is a heat map to be switched on and off.
        """
        is_new = self._said is None or self._said[1] is not result
        self._said = tuple(names), result
        self._has_heat = has_heat
        if is_new:
            self._is_asked = False
        self.retranslate()
        if is_new:
            self._scroll.verticalScrollBar().setValue(0)

    def _on_anyway_clicked(self) -> None:
        self._is_asked = True
        self.retranslate()
        self.heat_toggled.emit(self.is_heat_wanted)

    def show_colours(self, colours: Mapping[str, str]) -> None:
        """Take a theme's colours."""
        self._bars.show_colours(colours["accent"], colours["muted"], colours["raised"])
        self._verdict.show_colours(colours)

    def retranslate(self) -> None:
        self._title.setText(tr("The model says"))
        self._heat.setText(tr("Heat map of its answer (O)"))
        unchecked = tr("Not examined here: the Read page tells whether a heat map can be trusted.")
        self._heat.setToolTip(unchecked)
        self._heat.setAccessibleDescription(unchecked)
        if self._said is None:
            return
        names, result = self._said
        opinion, verdict = result.opinion, result.verdict
        is_hidden = result.hides_answer and not self._is_asked
        self._anyway.setText(tr("Show anyway"))
        self._anyway.setVisible(is_hidden)
        self._bars.setVisible(not is_hidden)
        self._heat.setVisible(self._has_heat and not is_hidden)
        self._bars.show_scores(names, list(opinion.probabilities))
        self._verdict.show_verdict(verdict.level)
        self._sure.setText(_answer_line(names, result, is_hidden=is_hidden))
        self._reasons.setText("\n".join(say(reason) for reason in verdict.reasons))


def _answer_line(names: Sequence[str], result: FilmResult, *, is_hidden: bool) -> str:
    opinion = result.opinion
    if is_hidden:
        return tr("The model's answer is withheld, for it is not reliable.")
    if opinion.is_sure:  # sure of what does not deserve it is nothing to be told
        return tr("The model is sure.") if result.verdict.level == "no_warnings" else ""
    possible = [names[label] for label in opinion.candidates]
    if not possible:
        return tr("The model is not sure of any class.")
    if len(possible) > MAX_NAMED:
        return tr("The model is not sure: {n} classes remain possible.", n=len(possible))
    return tr("The model is not sure: it may be {classes}.", classes=listing(possible))
