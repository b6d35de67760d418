"""Controls of the heat map over the film, and the results of its checks."""

import math
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from PySide6.QtCore import QRectF, QSignalBlocker, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from app.i18n import say, tr
from app.widgets.labels import MIDDLE_GREY, SectionHead, plain_label, plain_tip
from app.widgets.page import TranslatedWidget
from app.widgets.setting_fields import WheelGuard
from core.prediction.saliency_checks import USUAL_OPACITY, SaliencyChecks

SHARE_BAR_PX, SHARE_GAP_PX = 4, 3
_TINY: Final = 0.001  # smaller chances are all the same
State = Literal["none", "examining", "known"]
Method = Literal["cam", "occlusion"]
METHODS: Final[tuple[Method, ...]] = ("cam", "occlusion")
_LEAST_LETTERS = 8  # of a class name, before it is cut


class SaliencyCheckLines(TranslatedWidget):
    """The lines are there from the start and fill in: nothing below them moves."""

    def __init__(self) -> None:
        super().__init__()
        self._state: State = "none"
        self._checks: SaliencyChecks | None = None
        self._head = SectionHead()
        self._lungs, self._agreement = ShareRow(), ShareRow()
        self._random, self._chance = ShareRow(), ShareRow()
        self._parts = (self._head, self._lungs, self._agreement, self._random, self._chance)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        for part in self._parts:
            column.addWidget(part)
        self.retranslate()

    def show_checks(self, checks: SaliencyChecks | None) -> None:
        """Fill in what was found; None: the map was not examined."""
        self._checks = checks
        self._state = "none" if checks is None else "known"
        self.retranslate()

    def show_examining(self) -> None:
        """Say that the figures are on their way."""
        self._checks, self._state = None, "examining"
        self.retranslate()

    def show_colours(self, colours: Mapping[str, str]) -> None:
        """Take a theme's colours."""
        for part in self._parts:
            part.show_colours(colours)

    def retranslate(self) -> None:
        self._head.show_title(
            tr("Heat map checks"), tr("A map can look convincing and still mislead: four checks.")
        )
        checks = self._checks
        if checks is not None:
            reasons = " ".join(say(reason) for reason in checks.reasons)
            if checks.is_trustworthy:
                passed = tr("No check speaks against this map.")
                self._head.show_state(tr("passed"), "good", reasons or passed)
            else:
                self._head.show_state(tr("do not trust"), "danger", reasons)
        elif self._state == "examining":
            self._head.show_state(
                tr("examining …"), "muted", tr("A second method is looking at the film.")
            )
        else:
            self._head.show_state(tr("not examined"), "muted")
        self._show_lungs(checks)
        self._show_agreement(checks)
        self._show_random(checks)
        self._show_chance(checks)

    def _show_lungs(self, checks: SaliencyChecks | None) -> None:
        share = checks.lung_share if checks is not None else None
        self._lungs.show_share(
            tr("Heat in the lungs"),
            share,
            self._figure(share, unknown=tr("lungs not found")),
            tr(
                "How much of the heat lies inside the lungs: where most lies outside, the answer "
                "rests on something else."
            ),
        )

    def _show_agreement(self, checks: SaliencyChecks | None) -> None:
        agreement = checks.agreement if checks is not None else None
        is_number = agreement is not None and math.isfinite(agreement)
        self._agreement.show_share(
            tr("Agreement of two methods"),
            agreement,
            f"{agreement:.2f}" if is_number else self._figure(None),
            tr(
                "Whether the activation map and the map from covering parts of the film put the "
                "same places first: 1 is the same order, 0 none in common, below 0 the reverse."
            ),
        )

    def _show_random(self, checks: SaliencyChecks | None) -> None:
        likeness = checks.random_likeness if checks is not None else None
        self._random.show_share(
            tr("Likeness to random weights"),
            likeness,
            self._figure(likeness),
            tr(
                "How alike the map of a network that learned nothing is: a high figure means that "
                "the map shows the film, not what was learned."
            ),
            "muted",
        )

    def _show_chance(self, checks: SaliencyChecks | None) -> None:
        chance = checks.chance if checks is not None else None
        is_tiny = chance is not None and chance < _TINY
        self._chance.show_share(
            tr("Chance of such evidence"),
            chance,
            f"< {_TINY:.1%}" if is_tiny else self._figure(chance),
            tr(
                "How often shuffled weights would find evidence as strong for this class: a high "
                "figure means that the map may show nothing but chance."
            ),
            "muted",
        )

    def _figure(self, share: float | None, unknown: str = "–") -> str:
        """A share in per cent; before it is known, that it is on its way."""
        if share is not None and math.isfinite(share):
            return f"{share:.0%}"
        return unknown if self._state == "known" else "…" if self._state == "examining" else "–"


class ShareRow(QWidget):
    """Draws a caption, a figure at its right and a bar below; the tooltip explains it."""

    def __init__(self) -> None:
        super().__init__()
        self._caption, self._figure, self._tone = "", "", "muted"
        self._share: float | None = None
        self._colours: Mapping[str, str] = {}
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_share(
        self, caption: str, share: float | None, figure: str, meaning: str, tone: str = "accent"
    ) -> None:
        """Show another figure.

        Args:
            caption: What it is.
            share: 0 to 1, the length of the bar; None: not known.
            figure: The same in words or digits.
            meaning: One sentence for the tooltip.
            tone: The name of the bar's colour.
        """
        is_known = share is not None and math.isfinite(share)
        self._share = min(1.0, max(0.0, share)) if is_known and share is not None else None
        self._caption, self._figure, self._tone = caption, figure, tone
        self.setAccessibleName(f"{caption}: {figure}")
        self.setAccessibleDescription(meaning)
        self.setToolTip(plain_tip(meaning))
        self.update()

    def show_colours(self, colours: Mapping[str, str]) -> None:
        """Take a theme's colours."""
        self._colours = colours
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, self.fontMetrics().height() + SHARE_GAP_PX + SHARE_BAR_PX)

    def minimumSizeHint(self) -> QSize:
        return QSize(60, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        metrics, width = painter.fontMetrics(), self.width()
        text_px = metrics.height()
        figure_px = min(width, metrics.horizontalAdvance(self._figure) + 1)
        is_known = self._share is not None
        painter.setPen(self._colour("muted"))
        caption_px = max(0, width - figure_px - 8)
        painter.drawText(
            QRectF(0, 0, caption_px, text_px),
            int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter),
            metrics.elidedText(self._caption, Qt.TextElideMode.ElideRight, caption_px),
        )
        painter.setPen(self.palette().text().color() if is_known else self._colour("muted"))
        painter.drawText(
            QRectF(width - figure_px, 0, figure_px, text_px),
            int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter),
            self._figure,
        )
        bar = QRectF(0, text_px + SHARE_GAP_PX, width, SHARE_BAR_PX)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._colour("raised"))
        painter.drawRoundedRect(bar, 2, 2)
        if self._share is not None:
            bar.setWidth(max(2.0, width * self._share))
            painter.setBrush(self._colour(self._tone))
            painter.drawRoundedRect(bar, 2, 2)

    def _colour(self, name: str) -> QColor:
        return QColor(self._colours.get(name, MIDDLE_GREY))


class HeatControls(TranslatedWidget):
    """Takes what there is to choose from and tells what was chosen; knows no map."""

    heat_toggled = Signal(bool)
    class_chosen = Signal(int)  # index among the names
    opacity_changed = Signal(float)  # 0 to 1
    method_chosen = Signal(str)  # one of METHODS
    outline_toggled = Signal(bool)
    map_wanted = Signal()  # although it failed its checks

    def __init__(self) -> None:
        super().__init__()
        self._heat, self._outline = QCheckBox(), QCheckBox()
        self._classes, self._methods = QComboBox(), QComboBox()
        self._opacity = QSlider(Qt.Orientation.Horizontal)
        self._percent = plain_label("muted")
        self._class_label, self._method_label = QLabel(), QLabel()
        self._opacity_label = QLabel()
        self._has_second, self._has_lungs = False, False
        self._held_back, self._anyway = plain_label("muted", wraps=True), QPushButton()
        self._anyway.clicked.connect(self.map_wanted)
        for box in (self._classes, self._methods):
            box.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
            box.setMinimumContentsLength(_LEAST_LETTERS)
            box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        for method in METHODS:
            self._methods.addItem("", method)
        self._opacity.setRange(0, 100)
        self._opacity.setPageStep(10)
        self._opacity.setValue(round(USUAL_OPACITY * 100))
        self._heat.setChecked(True)
        self._build()
        WheelGuard(self, self._classes, self._methods, self._opacity)
        self._heat.toggled.connect(self._on_heat_toggled)
        self._classes.activated.connect(self.class_chosen)
        self._methods.activated.connect(self._on_methods_activated)
        self._opacity.valueChanged.connect(self._on_opacity_changed)
        self._outline.toggled.connect(self.outline_toggled)
        self.retranslate()
        self._enable()

    def _build(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self._heat)
        head.addStretch()
        head.addWidget(self._outline)
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        rows = (
            (self._class_label, self._classes),
            (self._method_label, self._methods),
            (self._opacity_label, self._opacity),
        )
        for row, (label, field) in enumerate(rows):
            label.setObjectName("muted")
            label.setBuddy(field)
            grid.addWidget(label, row, 0)
            is_slider = field is self._opacity
            grid.addWidget(field, row, 1, 1, 1 if is_slider else 2)
        grid.addWidget(self._percent, 2, 2, Qt.AlignmentFlag.AlignRight)
        self._percent.setMinimumWidth(self._percent.fontMetrics().horizontalAdvance("100%"))
        self._percent.setAlignment(Qt.AlignmentFlag.AlignRight)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(head)
        column.addWidget(self._held_back)
        column.addWidget(self._anyway, 0, Qt.AlignmentFlag.AlignLeft)
        column.addLayout(grid)
        self.show_held_back(is_held_back=False)

    def show_held_back(self, *, is_held_back: bool) -> None:
        """Say that the map is not drawn, because it failed its checks, until somebody asks."""
        self._held_back.setVisible(is_held_back)
        self._anyway.setVisible(is_held_back)

    def show_classes(self, names: Sequence[str], chosen: int | None) -> None:
        """Offer the classes of a model.

        Args:
            names: As they are shown; none: there is no film.
            chosen: Whose map is shown.
        """
        with QSignalBlocker(self._classes):
            self._classes.clear()
            for name in names:
                self._classes.addItem(" ".join(name.split()))
        if chosen is not None:
            self.choose_class(chosen)
        self._enable()

    def choose_class(self, index: int) -> None:
        """Show whose map is seen, without telling anybody."""
        with QSignalBlocker(self._classes):
            self._classes.setCurrentIndex(index)

    def choose_method(self, method: Method) -> None:
        """Show how the map was made, without telling anybody."""
        with QSignalBlocker(self._methods):
            self._methods.setCurrentIndex(METHODS.index(method))

    def set_heat(self, is_on: bool) -> None:
        """Show whether the map is seen, without telling anybody."""
        with QSignalBlocker(self._heat):
            self._heat.setChecked(is_on)
        self._enable()

    def set_opacity(self, opacity: float) -> None:
        """Show how strongly the map is drawn (0 to 1), without telling anybody."""
        with QSignalBlocker(self._opacity):
            self._opacity.setValue(round(min(1.0, max(0.0, opacity)) * 100))
        self._show_percent()

    def set_outline(self, is_on: bool) -> None:
        """Show whether the lungs' outline is seen, without telling anybody."""
        with QSignalBlocker(self._outline):
            self._outline.setChecked(is_on)

    def show_available(self, *, has_second: bool, has_lungs: bool) -> None:
        """Say what there is to be seen of this film.

        Args:
            has_second: The map from covering parts is there; else it is on its way.
            has_lungs: The lungs were found.
        """
        self._has_second, self._has_lungs = has_second, has_lungs
        if not has_second:
            self.choose_method("cam")
        self._enable()
        self._explain()

    def retranslate(self) -> None:
        self._heat.setText(tr("Heat map"))
        self._held_back.setText(tr("The heat map failed its checks, so it is not drawn."))
        self._anyway.setText(tr("Draw it anyway"))
        self._outline.setText(tr("Lung outline"))
        self._class_label.setText(tr("Class"))
        self._method_label.setText(tr("Method"))
        self._opacity_label.setText(tr("Opacity"))
        self._classes.setAccessibleName(tr("Class of the heat map"))
        self._methods.setAccessibleName(tr("Method of the heat map"))
        self._opacity.setAccessibleName(tr("Opacity of the heat map"))
        for place, text in enumerate(
            (tr("Class activation map"), tr("Covering parts (occlusion)"))
        ):
            self._methods.setItemText(place, text)
        self._show_percent()
        self._explain()

    def _explain(self) -> None:
        self._heat.setToolTip(
            plain_tip(tr("Where in the film the network found evidence for a class."))
        )
        self._outline.setToolTip(
            plain_tip(
                tr("Where the program takes the lungs to be.")
                if self._has_lungs
                else tr("The lungs were not found in this film.")
            )
        )
        tips = (
            tr("What the last layer of the network adds up for the class, at once and exact."),
            tr(
                "How much the answer drops when a part of the film is covered: slower, by "
                "another way."
            ),
        )
        for place, tip in enumerate(tips):
            self._methods.setItemData(place, plain_tip(tip), Qt.ItemDataRole.ToolTipRole)
        self._methods.setToolTip(
            plain_tip(
                tips[max(0, self._methods.currentIndex())]
                if self._has_second
                else tr("The second method is not ready for this film.")
            )
        )

    def _enable(self) -> None:
        has_film = self._classes.count() > 0
        is_on = has_film and self._heat.isChecked()
        self._heat.setEnabled(has_film)
        self._classes.setEnabled(is_on)
        self._opacity.setEnabled(is_on)
        self._methods.setEnabled(is_on and self._has_second)
        self._outline.setEnabled(has_film and self._has_lungs)

    def _show_percent(self) -> None:
        self._percent.setText(f"{self._opacity.value()}%")

    @Slot(bool)
    def _on_heat_toggled(self, is_on: bool) -> None:
        self._enable()
        self.heat_toggled.emit(is_on)

    @Slot(int)
    def _on_methods_activated(self, place: int) -> None:
        self._explain()
        self.method_chosen.emit(METHODS[place])

    @Slot(int)
    def _on_opacity_changed(self, percent: int) -> None:
        self._show_percent()
        self.opacity_changed.emit(percent / 100)
