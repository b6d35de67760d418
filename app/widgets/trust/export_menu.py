"""A button with all that can be taken away from the Read page."""

from PySide6.QtCore import QEvent, Signal, SignalInstance
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QPushButton

from app.translation import tr
from app.widgets.trust.dicom_menu import DicomMenu


class ExportMenu(QPushButton):
    """Tells what is wanted; writes nothing."""

    csv_wanted = Signal()
    json_wanted = Signal()
    picture_wanted = Signal()  # the film with its heat map, PNG
    report_wanted = Signal()  # of the film that is shown, PDF
    reports_wanted = Signal()  # of all films, PDF
    table_copy_wanted = Signal()  # of all films, for a spreadsheet
    copy_wanted = Signal()  # the film's picture and figures to the clipboard
    model_wanted = Signal(str)  # "onnx", "paddle" or "pdparams"
    dicom_chosen = Signal(list)  # of str: keywords of the fields that exports may hold

    def __init__(self) -> None:
        super().__init__()
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        self._picture = _action(menu, self.picture_wanted)
        self._report = _action(menu, self.report_wanted)
        self._copy = _action(menu, self.copy_wanted)
        menu.addSeparator()
        self._csv = _action(menu, self.csv_wanted)
        self._copy_table = _action(menu, self.table_copy_wanted)
        self._json = _action(menu, self.json_wanted)
        self._reports = _action(menu, self.reports_wanted)
        self._dicom = DicomMenu(self)
        menu.addMenu(self._dicom)
        menu.addSeparator()
        self._formats = menu.addMenu("")
        self._onnx = self._add_format("onnx")
        self._paddle = self._add_format("paddle")
        self._pdparams = self._add_format("pdparams")
        self._dicom.fields_chosen.connect(self.dicom_chosen)
        self.setMenu(menu)
        self.show_available(has_film=False, n_films=0, has_model=False)
        self.retranslate()

    def show_available(self, *, has_film: bool, n_films: int, has_model: bool) -> None:
        """Offer what there is.

        Args:
            has_film: A film is shown.
            n_films: That were read.
            has_model: A model is open.
        """
        for action in (self._picture, self._report, self._copy):
            action.setEnabled(has_film)
        for action in (self._csv, self._copy_table, self._json, self._reports):
            action.setEnabled(n_films > 0)
        self._dicom.setEnabled(has_film or n_films > 0)
        self._formats.setEnabled(has_model)
        self.setEnabled(has_film or n_films > 0 or has_model)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def retranslate(self) -> None:
        """Set every word."""
        self.setText(tr("Export"))
        self.setAccessibleName(tr("Export"))
        self._picture.setText(tr("Picture with heat map (PNG) …"))
        self._report.setText(tr("Report of this film (PDF) …"))
        self._copy.setText(tr("Copy to the clipboard"))
        self._csv.setText(tr("Table of all films (CSV) …"))
        self._copy_table.setText(tr("Copy the table of all films"))
        self._json.setText(tr("All films (JSON) …"))
        self._reports.setText(tr("Report of all films (PDF) …"))
        self._dicom.retranslate()
        self._formats.setTitle(tr("Export the model"))
        self._onnx.setText(tr("ONNX, for other programs …"))
        self._paddle.setText(tr("Paddle inference …"))
        self._pdparams.setText(tr("Weights only (.pdparams) …"))

    def _add_format(self, name: str) -> QAction:
        action = self._formats.addAction("")
        action.triggered.connect(lambda: self.model_wanted.emit(name))
        return action


def _action(menu: QMenu, signal: SignalInstance) -> QAction:
    action = menu.addAction("")
    action.triggered.connect(lambda: signal.emit())  # without `checked`
    return action
