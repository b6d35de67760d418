"""The Split tab of the Data page: patients, and the parts that train, validate and test."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from PySide6.QtCore import QRectF, QSignalBlocker, QSize, Qt, Slot
from PySide6.QtGui import QBrush, QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QFormLayout,
    QGridLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QWidget,
)

from app.data.split_viewmodel import SplitViewModel
from app.i18n import language, listing, say, tr
from app.setting_words import setting_title
from app.widgets.dialogs import ask_where_to_save
from app.widgets.labels import card, plain_label, plain_tip, show_text
from app.widgets.layouts import choice_box, h_box, scroll_area, v_box
from app.widgets.page import TranslatedWidget
from app.widgets.setting_fields import NumberBox, WheelGuard
from app.widgets.tables import PlainTable
from app.wording import split_words
from core.config import settings
from core.data.patient_names import MAX_TEMPLATE_LENGTH
from core.data.records import display_names
from core.data.splits import PARTS, PartCounts

OWN = "own"  # the choice of a pattern that the user writes; never one itself
BUILT_IN = ("", "folder", "before_underscore", "before_last_number", "single_images")


class PatientsCard(TranslatedWidget):
    """The first half of the Split tab."""

    def __init__(self, model: SplitViewModel) -> None:
        super().__init__()
        self._model = model
        self._title = plain_label("sectionTitle")
        self._intro = plain_label("muted", wraps=True)
        self._choice, self._own = choice_box(18), QLineEdit()
        for pattern in (*BUILT_IN, OWN):
            self._choice.addItem("", pattern)
        self._own.setMaxLength(MAX_TEMPLATE_LENGTH)
        self._own.setPlaceholderText("{patient}_*")
        self._example = plain_label(wraps=True)
        self._error = plain_label("warning", wraps=True)
        self._captions = [plain_label("muted") for _ in range(5)]
        self._values = [plain_label() for _ in range(5)]
        frame = card()
        grid = QGridLayout()
        grid.setColumnStretch(1, 1)
        grid.setHorizontalSpacing(12)
        for row, (caption, value) in enumerate(zip(self._captions, self._values, strict=True)):
            grid.addWidget(caption, row, 0)
            grid.addWidget(value, row, 1)
        v_box(
            self._title,
            self._intro,
            self._choice,
            self._own,
            self._error,
            self._example,
            grid,
            None,
            owner=frame,
            margins=(14, 12, 14, 12),
            spacing=8,
        )
        v_box(frame, owner=self)
        WheelGuard(self, self._choice)
        self._choice.activated.connect(self._on_choice_activated)
        self._own.textEdited.connect(model.try_pattern)
        self._own.editingFinished.connect(self._on_own_editing_finished)
        model.changed.connect(self._on_model_changed)
        model.pattern_tried.connect(self._show_example)
        self.retranslate()
        self._on_model_changed()

    def retranslate(self) -> None:
        self._title.setText(tr("Patients"))
        self._intro.setText(
            tr(
                "All films of a patient must be in one part. Otherwise the network is asked in the "
                "test for patients whom it knows."
            )
        )
        self._choice.setAccessibleName(tr("How patients are told"))
        self._own.setAccessibleName(tr("Own pattern"))
        tip = tr(
            "The file name without its ending: write {place} where the patient stands and * for "
            "anything else.",
            place="{patient}",
        )
        self._own.setToolTip(tip)
        for caption, text in zip(
            self._captions,
            (
                tr("Patients"),
                tr("Films of a patient, on average"),
                tr("Most films of one patient"),
                tr("Patients in two classes"),
                tr("Films without a known patient"),
            ),
            strict=True,
        ):
            caption.setText(text)
        self._name_choices()
        self._show_example()

    @Slot()
    def _on_model_changed(self) -> None:
        chosen = self._model.chosen_pattern
        place = self._choice.findData(chosen)
        if place < 0:
            place = self._choice.findData(OWN)
        with QSignalBlocker(self._choice):
            self._choice.setCurrentIndex(place)
        is_own = self._choice.currentData() == OWN
        if not self._own.hasFocus():
            self._own.setText(chosen if is_own else "")
        self._own.setVisible(is_own)
        self._name_choices()
        self._show_example()
        figures = self._model.figures
        values = (
            (
                f"{figures.n_patients:,}",
                f"{figures.mean_films:.1f}",
                f"{figures.most_films:,}",
                f"{figures.n_in_two_classes:,}",
                f"{figures.n_unknown:,}",
            )
            if figures
            else ("–",) * 5
        )
        for label, value in zip(self._values, values, strict=True):
            label.setText(value)

    def _name_choices(self) -> None:
        names = {
            "": tr("Found automatically"),
            "folder": tr("Folder inside the class folder"),
            "before_underscore": tr("File name up to the first _"),
            "before_last_number": tr("File name without its last number"),
            "single_images": tr("Every film is another patient"),
            OWN: tr("Own pattern …"),
        }
        counts = self._model.candidates
        for place in range(self._choice.count()):
            pattern = self._choice.itemData(place)
            name = names[pattern]
            if not pattern and self._model.pattern:
                known = {
                    **names,
                    "table": tr("Table of labels"),
                    "several": tr("Names, each class in its own way"),
                }
                found = known.get(self._model.pattern, tr("DICOM files"))
                if not self._model.chosen_pattern:
                    name = tr("Found automatically: {pattern}", pattern=found)
            elif counts.get(pattern) == 0:
                name = tr("{name} (fits no film)", name=name)
            elif pattern in counts:
                name = tr("{name} ({n} patients)", name=name, n=f"{counts[pattern]:,}")
            self._choice.setItemText(place, name)

    @Slot()
    def _show_example(self) -> None:
        error, example = self._model.pattern_error, self._model.example
        show_text(self._error, say(error) if error else "")
        if example is not None:
            file, patient = example
            self._example.setText(f"{file} → {patient}")
        elif self._model.pattern == "dicom":
            self._example.setText(
                tr("The DICOM files tell the patients. Their numbers are neither kept nor shown.")
            )
        elif self._model.pattern == "single_images":
            self._example.setText(
                tr("No name tells a patient: every film counts as a patient of its own.")
            )
        else:
            self._example.setText(tr("No file name fits: every film counts as a patient."))
        self._example.setVisible(error is None and self._model.loaded is not None)

    @Slot()
    def _on_choice_activated(self) -> None:
        pattern = self._choice.currentData()
        self._own.setVisible(pattern == OWN)
        if pattern == OWN:
            self._own.setFocus()
            self._own.setText(self._own.text() or self._own.placeholderText())
            self._model.try_pattern(self._own.text())
        else:
            self._model.set_pattern(pattern)

    @Slot()
    def _on_own_editing_finished(self) -> None:
        if self._choice.currentData() == OWN and self._own.text():
            self._model.set_pattern(self._own.text())


class SplitForm(TranslatedWidget):
    """The second half of the Split tab: fields bound to the settings of the next run."""

    def __init__(self, model: SplitViewModel) -> None:
        super().__init__()
        self._model = model
        self._title = plain_label("sectionTitle")
        self._scheme = choice_box(18)
        self._why = plain_label("muted", wraps=True)
        names = [name for name, one in settings().items() if one.shown.group == "split"]
        self._numbers = {name: NumberBox(settings()[name]) for name in (*names, "seed")}
        for number in self._numbers.values():
            number.setKeyboardTracking(False)  # half a number is not yet a wish
        WheelGuard(self, self._scheme, *self._numbers.values())
        self._lay_out()
        self._connect()
        self.retranslate()
        self._on_model_changed()

    def _lay_out(self) -> None:
        frame = card()
        self._form = QFormLayout()
        self._form.setHorizontalSpacing(12)
        self._form.setVerticalSpacing(8)
        self._labels: dict[QWidget, QLabel] = {}
        for number in self._numbers.values():
            label = plain_label()
            label.setBuddy(number)
            self._labels[number] = label
            self._form.addRow(label, number)
        parts = (self._title, self._scheme, self._why, self._form, None)
        v_box(*parts, owner=frame, margins=(14, 12, 14, 12), spacing=8)
        v_box(frame, owner=self)

    def _connect(self) -> None:
        model = self._model
        self._scheme.activated.connect(lambda: model.change(split=self._scheme.currentData()))
        for name, number in self._numbers.items():
            number.edited.connect(partial(self._edit, name))
        model.changed.connect(self._on_model_changed)

    def _edit(self, name: str, value: Any) -> None:
        self._model.change(**{name: value})

    def retranslate(self) -> None:
        self._title.setText(tr("Split"))
        self._scheme.setAccessibleName(tr("Split"))
        for name, number in self._numbers.items():
            self._labels[number].setText(setting_title(name))
            number.setAccessibleName(setting_title(name))
        self._numbers["seed"].setToolTip(tr("The same seed divides the same films in the same way"))
        self._name_schemes()

    @Slot()
    def _on_model_changed(self) -> None:
        config = self._model.config
        with QSignalBlocker(self._scheme):
            self._scheme.clear()
            for scheme in self._model.schemes:
                self._scheme.addItem("", scheme)
            self._scheme.setCurrentIndex(self._scheme.findData(config.split))
        with QSignalBlocker(self._numbers["fold"]):
            self._numbers["fold"].setMaximum(config.n_folds)
        for name, number in self._numbers.items():
            number.show_value(config.value(name))
            # Nothing is drawn at random for the reference.
            is_used = config.split != "reference" if name == "seed" else config.is_used(name)
            self._form.setRowVisible(number, is_used)
        self._name_schemes()

    def _name_schemes(self) -> None:
        config = self._model.config
        for place in range(self._scheme.count()):
            words = split_words(self._scheme.itemData(place), config)
            self._scheme.setItemText(place, say(words))
        reasons = {
            "stratified": tr(
                "Whole patients are drawn, and every class is divided in the same shares."
            ),
            "reference": tr(
                "Every tenth film of a class by file name is tested, as in the published notebook. "
                "It looks at no patients and has no validation films."
            ),
            "given": tr(
                "The folders train, validation and test stay as they are. A part that is missing "
                "is drawn from the training films, whole patients at a time."
            ),
            "kfold": tr(
                "{n} runs, one for each fold, test every film once. The fold after the tested one "
                "validates; all others train.",
                n=config.n_folds,
            ),
        }
        self._why.setText(reasons[config.split])


NAME_PX, GAP_PX = 150, 8
ROW_GAP_PX = 6
MARGIN_PX = 4  # around the text in a bar
KEY_PX = 14  # the side of a square in the key
HATCHED = (1, 3)


class SplitBars(QWidget):
    """Draws counts by class and part; hatching and numbers tell the parts, not colour alone."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[tuple[str, tuple[int, ...]]] = []
        self._parts: tuple[str, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_counts(
        self, parts: Sequence[str], rows: Sequence[tuple[str, tuple[int, ...]]]
    ) -> None:
        """Draw one row a class.

        Args:
            parts: Their names, at most four.
            rows: Class and films in each part.
        """
        self._parts, self._rows = tuple(parts), list(rows)
        words = "\n".join(
            f"{name}: "
            + ", ".join(f"{part} {n:,}" for part, n in zip(self._parts, counts, strict=True))
            for name, counts in self._rows
        )
        self.setAccessibleName(words)
        self.setToolTip(plain_tip(words))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(400, (len(self._rows) + 1) * self._row_height())

    def minimumSizeHint(self) -> QSize:
        return QSize(260, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        self._draw_key(painter)
        most = max((sum(counts) for _, counts in self._rows), default=0)
        height = self._row_height()
        room = self.width() - NAME_PX - GAP_PX
        for number, (name, counts) in enumerate(self._rows, start=1):
            top = number * height
            if not event.rect().intersects(QRectF(0, top, self.width(), height).toRect()):
                continue
            painter.setPen(self.palette().text().color())
            fitting = painter.fontMetrics().elidedText(
                name, Qt.TextElideMode.ElideRight, NAME_PX - MARGIN_PX
            )
            painter.drawText(
                QRectF(0, top, NAME_PX, height - ROW_GAP_PX),
                int(Qt.AlignmentFlag.AlignVCenter),
                fitting,
            )
            left = float(NAME_PX + GAP_PX)
            for part, n in enumerate(counts):
                width = room * n / most if most else 0.0
                self._draw_part(painter, QRectF(left, top, width, height - ROW_GAP_PX), part, n)
                left += width

    def _draw_part(self, painter: QPainter, place: QRectF, part: int, n: int) -> None:
        if not n:
            return
        place.setRight(max(place.right() - 1, place.left() + 1))  # a gap between the parts
        self._fill(painter, place, part)
        text = f"{n:,}"
        width = painter.fontMetrics().horizontalAdvance(text) + 2 * MARGIN_PX
        if width > place.width():
            return
        if part in HATCHED:  # a number on hatching cannot be read
            chip = QRectF(0, 0, width, place.height())
            chip.moveCenter(place.center())
            painter.fillRect(chip, self.palette().window())
            self._fill(painter, chip, part, has_hatching=False)
        painter.setPen(self.palette().text().color())
        painter.drawText(place, int(Qt.AlignmentFlag.AlignCenter), text)

    def _draw_key(self, painter: QPainter) -> None:
        height = self._row_height() - ROW_GAP_PX
        left = float(NAME_PX + GAP_PX)
        for part, name in enumerate(self._parts):
            square = QRectF(left, (height - KEY_PX) / 2, KEY_PX, KEY_PX)
            self._fill(painter, square, part)
            painter.setPen(self.palette().text().color())
            width = painter.fontMetrics().horizontalAdvance(name)
            left += KEY_PX + GAP_PX
            painter.drawText(
                QRectF(left, 0, width + 1, height), int(Qt.AlignmentFlag.AlignVCenter), name
            )
            left += width + 2 * GAP_PX

    def _fill(
        self, painter: QPainter, place: QRectF, part: int, *, has_hatching: bool = True
    ) -> None:
        """Training is plain, the others stand out; the palette's colours suit every theme."""
        plain, accent = self.palette().placeholderText().color(), self.palette().highlight().color()
        colour = QColor((plain, plain, accent, accent)[part])
        colour.setAlphaF((0.3, 0.12, 0.45, 0.15)[part])
        painter.fillRect(place, colour)
        if part in HATCHED and has_hatching:
            colour.setAlphaF(0.5)
            painter.fillRect(place, QBrush(colour, Qt.BrushStyle.BDiagPattern))

    def _row_height(self) -> int:
        return self.fontMetrics().height() + 8 + ROW_GAP_PX


MAX_BARS = 20  # classes; more are in the table only
MAX_NAMED = 5  # classes
MAX_TABLE_PX = 320  # taller ones scroll


class SplitView(TranslatedWidget):
    """Binds patients, split and their result to one view-model."""

    def __init__(self, model: SplitViewModel) -> None:
        super().__init__()
        self._model = model
        self._table_title = plain_label("sectionTitle")
        self._error = plain_label("warning", wraps=True)
        self._proof = plain_label(wraps=True)
        self._bars, self._table = SplitBars(), PlainTable(stretched=0)
        self._saved_with, self._note = (plain_label("muted", wraps=True) for _ in range(2))
        self._save = QPushButton()
        content = QWidget()
        content.setObjectName("bare")
        cards = h_box((PatientsCard(model), 1), (SplitForm(model), 1), spacing=12)
        v_box(
            cards,
            h_box((self._table_title, 1), self._save),
            self._note,
            self._error,
            self._proof,
            self._bars,
            self._table,
            self._saved_with,
            None,
            owner=content,
            margins=(0, 12, 10, 0),
            spacing=10,
        )
        v_box(scroll_area(content), owner=self)
        self._save.clicked.connect(self._on_save_clicked)
        model.changed.connect(self._on_model_changed)
        model.noted.connect(self._on_model_noted)
        self.retranslate()

    def retranslate(self) -> None:
        self._table_title.setText(tr("Films in each part, and their patients in brackets"))
        self._save.setText(tr("Save the table …"))
        self._table.show_header([tr("Class"), *_part_names(), tr("All")])
        self._table.setAccessibleName(tr("Films and patients of each class by part"))
        self._saved_with.setText(
            tr(
                "This split is saved with the run, and the model file names every film by the "
                "digest of its content: any result can be traced to the very files. One test film "
                "of each class is kept for the reading at the end."
            )
        )
        self._on_model_changed()

    @Slot()
    def _on_model_changed(self) -> None:
        rows, error = self._model.rows, self._model.error
        show_text(self._error, say(error) if error else "")
        for part in (self._table, self._proof, self._saved_with):
            part.setVisible(bool(rows))
        self._bars.setVisible(0 < len(rows) <= MAX_BARS + 1)
        self._save.setEnabled(bool(rows))
        self._on_model_noted()
        if not rows:
            return
        self._bars.show_counts(
            _part_names(),
            [
                (
                    display_names(row.class_name)[language()],
                    tuple(row.films[part] for part in PARTS),
                )
                for row in rows[:-1]
            ],
        )
        self._table.show_rows(
            [_cells(row) for row in rows] + [_shares(rows[-1])], numbers=range(1, len(PARTS) + 2)
        )
        self._table.fit_height(MAX_TABLE_PX)
        self._show_proof()

    def _show_proof(self) -> None:
        n, figures = self._model.n_crossing, self._model.figures
        if n:
            text = tr(
                "Patients who have films, or copies of a film, in two parts: {n}. The test is "
                "easier than it should be. To keep them apart, choose a split by patient.",
                n=f"{n:,}",
            )
        elif figures is None or figures.n_unknown == self._model.rows[-1].n_films:
            text = tr(
                "No copy of a film is in two parts (checked). Which films are of the same patient "
                "is not known."
            )
        else:
            text = tr("No patient and no copy of a film is in two parts (checked).")
            if figures.n_unknown:
                text = tr(
                    "No known patient and no copy of an X-ray is in two parts (checked). X-rays "
                    "whose patient is not known: {n}.",
                    n=f"{figures.n_unknown:,}",
                )
        untested, unvalidated = self._model.untested, self._model.unvalidated
        if untested:
            text += " " + tr("The test has no film of: {names}.", names=_named(untested))
        if unvalidated:
            text += " " + tr(
                "The validation part has no film of: {names}.", names=_named(unvalidated)
            )
        self._proof.setText(text)
        self._proof.setObjectName("warning" if n or untested or unvalidated else "")
        self._proof.style().polish(self._proof)

    @Slot()
    def _on_model_noted(self) -> None:
        note = self._model.note
        show_text(self._note, say(note) if note else "")

    @Slot()
    def _on_save_clicked(self) -> None:
        kind = tr("Tables") + " (*.csv)"
        ask_where_to_save(self, tr("Save the table"), kind, "split.csv", self._model.save_table)


def _named(classes: Sequence[str]) -> str:
    shown = listing(display_names(name)[language()] for name in classes[:MAX_NAMED])
    return shown + (" …" if len(classes) > MAX_NAMED else "")


def _part_names() -> list[str]:
    return [tr("Training"), tr("Validation"), tr("Test"), tr("Kept for the end")]


def _cells(row: PartCounts) -> list[str]:
    cells = [_counted(row.films[part], row.patients[part]) for part in PARTS]
    name = display_names(row.class_name)[language()] if row.class_name else tr("All classes")
    return [name, *cells, _counted(row.n_films, row.n_patients)]


def _counted(films: int, patients: int) -> str:
    return f"{films:,} ({patients:,})" if films else "–"


def _shares(everything: PartCounts) -> list[str]:
    shares = [f"{everything.films[part] / everything.n_films:.1%}" for part in PARTS]
    return [tr("Share of the films"), *shares, f"{1:.0%}"]
