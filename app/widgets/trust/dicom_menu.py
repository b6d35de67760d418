"""Which fields of DICOM files go out with exports: none, unless ticked one by one."""

from collections.abc import Mapping
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QMenu, QWidget

from app.translation import say, tr
from app.widgets.labels import plain_tip
from core.errors import Message

# The keywords of `core.prediction.report.dicom_fields`, which takes long to load.
_WORDS: Final[Mapping[str, Message]] = {
    "PatientID": Message("Patient ID"),
    "PatientName": Message("Patient's name"),
    "PatientBirthDate": Message("Date of birth"),
    "PatientSex": Message("Sex"),
    "PatientAge": Message("Age"),
    "AccessionNumber": Message("Accession number"),
    "StudyDate": Message("Date of the study"),
    "StudyTime": Message("Time of the study"),
    "StudyDescription": Message("Description of the study"),
    "SeriesDescription": Message("Description of the series"),
    "StudyInstanceUID": Message("UID of the study"),
    "SeriesInstanceUID": Message("UID of the series"),
    "SOPInstanceUID": Message("UID of the film"),
    "InstitutionName": Message("Hospital"),
    "ReferringPhysicianName": Message("Referring physician"),
    "Modality": Message("Modality"),
    "BodyPartExamined": Message("Body part"),
    "ViewPosition": Message("Projection"),
    "Laterality": Message("Side of the body"),
    "Manufacturer": Message("Manufacturer"),
    "ManufacturerModelName": Message("Device model"),
}
_FIRST_HARMLESS: Final = "Modality"  # those before it may tell who the patient is


class DicomMenu(QMenu):
    """A tick for each field; stays open while one ticks."""

    fields_chosen = Signal(list)  # of str: DICOM keywords, in the order of the menu

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setToolTipsVisible(True)
        self._warning = self.addAction("")
        self._warning.setEnabled(False)
        self.addSeparator()
        self._fields = {name: self._add(name) for name in _WORDS}
        self.retranslate()

    @property
    def chosen(self) -> list[str]:
        """The keywords that are ticked."""
        return [name for name, action in self._fields.items() if action.isChecked()]

    def choose(self, names: list[str]) -> None:
        """Tick these and no others, without telling anybody."""
        for name, action in self._fields.items():
            action.setChecked(name in names)
        self._show_title()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if not self._tick(self.actionAt(event.position().toPoint())):
            super().mouseReleaseEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        is_tick = event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if not (is_tick and self._tick(self.activeAction())):
            super().keyPressEvent(event)

    def retranslate(self) -> None:
        """Set every word; its owner calls it when the language changes."""
        self._warning.setText(tr("Ticked fields go out with exports and may name a patient."))
        for name, action in self._fields.items():
            action.setText(say(_WORDS[name]))
            action.setToolTip(plain_tip(name))
        self._show_title()

    def _add(self, name: str) -> QAction:
        if name == _FIRST_HARMLESS:
            self.addSeparator()
        action = self.addAction("")
        action.setCheckable(True)
        action.triggered.connect(self._on_ticked)
        return action

    def _tick(self, action: QAction | None) -> bool:
        """Trigger without closing, as an ordinary menu would."""
        if action is None or not (action.isCheckable() and action.isEnabled()):
            return False
        action.trigger()
        return True

    def _on_ticked(self) -> None:
        self._show_title()
        self.fields_chosen.emit(self.chosen)

    def _show_title(self) -> None:
        n = len(self.chosen)
        title = tr("DICOM fields in exports ({n})", n=n) if n else tr("DICOM fields in exports")
        self.setTitle(title)
