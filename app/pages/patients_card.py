"""How the patients are told, and how many there are."""

from PySide6.QtCore import QSignalBlocker, Slot
from PySide6.QtWidgets import QComboBox, QGridLayout, QLineEdit, QVBoxLayout

from app.translation import say, tr
from app.viewmodels.split import SplitViewModel
from app.widgets.labels import card, plain_label
from app.widgets.translated import TranslatedWidget
from app.widgets.wheel_guard import WheelGuard
from core.data.patient_names import MAX_TEMPLATE_LENGTH

OWN = "own"  # the choice of a pattern that the user writes; never one itself
BUILT_IN = ("", "folder", "before_underscore", "before_last_number", "single_images")


class PatientsCard(TranslatedWidget):
    """The first half of the Split tab."""

    def __init__(self, model: SplitViewModel) -> None:
        super().__init__()
        self._model = model
        self._title = plain_label("sectionTitle")
        self._intro = plain_label("muted", wraps=True)
        self._choice, self._own = QComboBox(), QLineEdit()
        self._choice.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self._choice.setMinimumContentsLength(18)
        for pattern in (*BUILT_IN, OWN):
            self._choice.addItem("", pattern)
        self._own.setMaxLength(MAX_TEMPLATE_LENGTH)
        self._own.setPlaceholderText("{patient}_*")
        self._example = plain_label(wraps=True)
        self._error = plain_label("warning", wraps=True)
        self._captions = [plain_label("muted") for _ in range(5)]
        self._values = [plain_label() for _ in range(5)]
        frame = card()
        column = QVBoxLayout(frame)
        column.setContentsMargins(14, 12, 14, 12)
        column.setSpacing(8)
        for part in (
            self._title,
            self._intro,
            self._choice,
            self._own,
            self._error,
            self._example,
        ):
            column.addWidget(part)
        grid = QGridLayout()
        grid.setColumnStretch(1, 1)
        grid.setHorizontalSpacing(12)
        for row, (caption, value) in enumerate(zip(self._captions, self._values, strict=True)):
            grid.addWidget(caption, row, 0)
            grid.addWidget(value, row, 1)
        column.addLayout(grid)
        column.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(frame)
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
                found = names.get(self._model.pattern, tr("DICOM files"))
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
        self._error.setText(say(error) if error else "")
        self._error.setVisible(error is not None)
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
