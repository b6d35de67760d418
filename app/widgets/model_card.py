"""The card of a model: its origin, figures and limits, as the model file states them."""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from PySide6.QtCore import QDate, QLocale, Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFrame,
    QGridLayout,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.i18n import language, say, tr
from app.widgets.labels import plain_label, plain_tip
from app.widgets.page import TranslatedWidget
from app.widgets.tables import PlainTable
from core.errors import Message
from core.models.model_card import ModelCard
from core.prediction.calibration import calibration_of, calibration_words

LEAST_PX = 440  # in less, the table of classes would be cut
MAX_TABLE_PX = 260  # a thousand classes scroll
THUMBNAILS = "novelty.thumbnails"  # the tensor of `core.prediction.novelty`
_SHORT_DIGEST = 12  # characters that tell two files apart at a glance
_NUMBERS = (1, 2, 3, 4)  # columns
_MARGIN_PX, _HEIGHT_PX = 20, 640  # of the window


class ModelCardView(TranslatedWidget):
    """Captions with what they name, and the test films' figures class by class.

    A model file is foreign: whatever its card holds is shown as plain text, and a figure that is
    missing or no number is a dash.
    """

    def __init__(self) -> None:
        super().__init__()
        self._card: ModelCard | None = None
        self._file = ""
        self._warnings: tuple[Message, ...] = ()
        self._title = plain_label("sectionTitle", wraps=True)
        self._disclaimer = plain_label("warning", wraps=True)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(6)
        self._grid.setColumnStretch(1, 1)
        self._rows: list[tuple[QLabel, QLabel]] = []
        self._table_title, self._table = plain_label("sectionTitle"), PlainTable(stretched=0)
        self._title.setMinimumWidth(1)  # a long file name must not widen the panel
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        column.addWidget(self._title)
        column.addLayout(self._grid)
        column.addWidget(self._table_title)
        column.addWidget(self._table)
        column.addWidget(self._disclaimer)
        column.addStretch()
        self.setMinimumWidth(LEAST_PX)
        self.retranslate()

    def show_card(
        self, card: ModelCard | None, file: str, warnings: Sequence[Message] = ()
    ) -> None:
        """Show another model's card; None: there is no model.

        Args:
            card: As it was read from the file.
            file: The file's name.
            warnings: What anybody who uses the model must know.
        """
        self._card, self._file, self._warnings = card, file, tuple(warnings)
        self.retranslate()

    def retranslate(self) -> None:
        card = self._card
        self._title.setText(self._file if card is not None else tr("No model yet"))
        rows = [(tr("Warning"), say(warning), "") for warning in self._warnings]
        rows += _said(card) if card is not None else []
        self._show_rows(rows)
        self._show_classes()
        # The card's own sentence is foreign text: ours is said, in the user's language.
        self._disclaimer.setText(tr("Research and teaching only, never diagnosis."))
        self._disclaimer.setVisible(card is not None)

    def _show_rows(self, rows: list[tuple[str, str, str]]) -> None:
        while len(self._rows) < len(rows):
            caption, value = plain_label("muted"), plain_label(wraps=True)
            value.setMinimumWidth(1)
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            place = len(self._rows)
            top = Qt.AlignmentFlag.AlignTop
            self._grid.addWidget(caption, place, 0, top)
            self._grid.addWidget(value, place, 1)
            self._rows.append((caption, value))
        for place, (caption, value) in enumerate(self._rows):
            is_used = place < len(rows)
            words = rows[place] if is_used else ("", "", "")
            caption.setText(words[0])
            value.setText(words[1])
            value.setToolTip(plain_tip(words[2]))
            value.setAccessibleName(f"{words[0]}: {words[1]}")
            caption.setVisible(is_used)
            value.setVisible(is_used)

    def _show_classes(self) -> None:
        card = self._card
        self._table_title.setVisible(card is not None)
        self._table.setVisible(card is not None)
        if card is None:
            return
        self._table_title.setText(tr("Test films, class by class"))
        self._table.show_header(
            [tr("Class"), tr("Films"), tr("Sensitivity"), tr("Specificity"), tr("PPV")]
        )
        told = _by_class(card)
        rows = []
        for name in card.classes:
            values = told.get(name, {})
            figures = [_share(values, key) for key in ("sensitivity", "specificity", "precision")]
            rows.append([card.display_names[name][language()], _count(values, "n"), *figures])
        self._table.show_rows(rows, _NUMBERS)
        self._table.fit_height()
        self._table.setMaximumHeight(min(self._table.maximumHeight(), MAX_TABLE_PX))


def _said(card: ModelCard) -> list[tuple[str, str, str]]:
    """Return caption, words and tooltip of each line."""
    n_films = {part: f"{len(films):,}" for part, films in card.split.items()}
    test = _part(card.metrics, "test")
    fingerprint = card.dataset["fingerprint"]
    made = datetime.fromisoformat(card.created)
    day = QDate(made.year, made.month, made.day)
    return [
        (
            tr("Network"),
            tr(
                "{architecture}, films of {size} × {size} px",
                architecture=card.architecture.replace("resnet", "ResNet-"),
                size=card.preprocessing.image_size,
            ),
            "",
        ),
        (tr("Classes"), f"{len(card.classes):,}", ""),
        (tr("Dataset"), card.dataset["name"], tr("Fingerprint {digest}", digest=fingerprint)),
        (
            tr("Films"),
            tr(
                "{train} for training, {validation} for validation, {test} for the test, {kept} "
                "kept",
                **n_films,
            ),
            "",
        ),
        (
            tr("Training"),
            tr(
                "{epochs} epochs, the best was {best}",
                epochs=card.history["epochs"],
                best=card.history["best_epoch"] or "–",
            ),
            "",
        ),
        (
            tr("Test"),
            tr(
                "accuracy {accuracy}, loss {loss}, on {n} films",
                accuracy=_share(test, "accuracy"),
                loss=_figure(test, "loss"),
                n=_count(test, "n"),
            ),
            tr("On films that neither training nor the choice of the best epoch had seen."),
        ),
        (tr("Calibration"), *_calibration_words(card)),
        (tr("Novelty"), *_novelty_words(card.novelty)),
        (tr("Pictures"), *_picture_words(card)),
        (
            tr("Made"),
            QLocale(language()).toString(day, QLocale.FormatType.LongFormat),
            card.created,
        ),
        (
            tr("Versions"),
            tr(
                "PneumoScope {pneumoscope}, Paddle {paddle}",
                **card.versions,
            ),
            tr(
                "Python {python}, NumPy {numpy}, file format {format}, reader {reader}",
                **{
                    **card.versions,  # whatever else a foreign file names
                    "format": card.format_version,
                    "reader": card.reader_version,
                },
            ),
        ),
        (
            tr("Weights"),
            card.tensors_sha256[:_SHORT_DIGEST] or "–",
            tr("SHA-256 of the tensors: {digest}", digest=card.tensors_sha256 or "–"),
        ),
    ]


def _calibration_words(card: ModelCard) -> tuple[str, str]:
    first, *others = (say(words) for words in calibration_words(calibration_of(card)))
    return first, "\n".join(others)


def _novelty_words(values: Mapping[str, Any] | None) -> tuple[str, str]:
    if values is None:
        return (
            tr("not known"),
            tr("The model file tells nothing of its training films."),
        )
    return (
        tr("knows its training films; limit from {n} films", n=_count(values, "n_validation")),
        tr("The file tells whether a film is like those that the model learned from."),
    )


def _picture_words(card: ModelCard) -> tuple[str, str]:
    if THUMBNAILS in card.extras:
        return (
            tr("small pictures of its training films"),
            tr("Whoever gets this file can see them: ask yourself whether they may."),
        )
    return tr("none"), tr("No film can be seen from this file.")


def _by_class(card: ModelCard) -> dict[str, Mapping[str, Any]]:
    """Return what the card says of each class on the test films."""
    classes = _part(card.metrics, "test").get("classes")
    if not isinstance(classes, list):
        return {}
    return {
        entry["name"]: entry
        for entry in classes
        if isinstance(entry, Mapping) and isinstance(entry.get("name"), str)
    }


def _part(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = values.get(name)
    return part if isinstance(part, Mapping) else {}


def _number(values: Mapping[str, Any], name: str) -> float | None:
    value = values.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) < 1e15 and math.isfinite(value) else None


def _figure(values: Mapping[str, Any], name: str, form: str = ".3g") -> str:
    value = _number(values, name)
    return "–" if value is None else format(value, form)


def _share(values: Mapping[str, Any], name: str) -> str:
    return _figure(values, name, ".1%")


def _count(values: Mapping[str, Any], name: str) -> str:
    return _figure(values, name, ",.0f")


def show_model_card(
    card: ModelCard, file: str, warnings: Sequence[Message], parent: QWidget
) -> QDialog:
    """Open a window with a model's card, which blocks nothing; return it, shown.

    Args:
        card: As it was read from the file.
        file: The file's name; foreign text.
        warnings: What anybody who uses the model must know.
        parent: Over which it appears.
    """
    dialog = QDialog(parent)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setWindowTitle(tr("About this model"))
    view = ModelCardView()
    view.setObjectName("bare")
    view.show_card(card, file, warnings)
    scroll = QScrollArea()
    scroll.setWidget(view)
    scroll.setWidgetResizable(True)
    scroll.setFrameShape(QFrame.Shape.NoFrame)
    scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    close = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
    close.rejected.connect(dialog.reject)
    layout = QVBoxLayout(dialog)
    layout.setContentsMargins(*[_MARGIN_PX] * 4)
    layout.addWidget(scroll, 1)
    layout.addWidget(close)
    bar_px = scroll.verticalScrollBar().sizeHint().width()
    dialog.resize(LEAST_PX + 2 * _MARGIN_PX + bar_px + 40, _HEIGHT_PX)
    dialog.open()
    return dialog
