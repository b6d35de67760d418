"""Takes films, reports and the model away from the Read page: asks where to, then has it done."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from PySide6.QtCore import QMimeData, QObject, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QWidget

from app.pages.reading_desk import ReadingDesk
from app.translation import tr
from app.viewmodels.taking_away import TakingAwayViewModel
from app.widgets.trust.export_menu import ExportMenu

_ENDINGS: Final = {"onnx": ".onnx", "paddle": "", "pdparams": ".pdparams"}


class ReadingExports(QObject):
    """Binds the export menu to what writes the files.

    Args:
        menu: Says what is wanted.
        desk: Knows the films.
        model: Writes.
        parent: Over which dialogs appear.
    """

    def __init__(
        self, menu: ExportMenu, desk: ReadingDesk, model: TakingAwayViewModel, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._desk, self._model, self._parent = desk, model, parent
        menu.csv_wanted.connect(self._on_csv_wanted)
        menu.json_wanted.connect(self._on_json_wanted)
        menu.picture_wanted.connect(self._on_picture_wanted)
        menu.report_wanted.connect(self._on_report_wanted)
        menu.reports_wanted.connect(self._on_reports_wanted)
        menu.table_copy_wanted.connect(self._on_table_copy_wanted)
        menu.copy_wanted.connect(self._on_copy_wanted)
        menu.model_wanted.connect(self._on_model_wanted)
        menu.dicom_chosen.connect(self._on_dicom_chosen)

    @Slot()
    def _on_csv_wanted(self) -> None:
        films = self._desk.listed
        self._ask(
            tr("Save a table of {n} films", n=len(films)),
            tr("Tables") + " (*.csv)",
            "films.csv",
            lambda path: self._model.save_csv(path, films),
        )

    @Slot()
    def _on_json_wanted(self) -> None:
        films = self._desk.listed
        self._ask(
            tr("Save {n} films as JSON", n=len(films)),
            "JSON (*.json)",
            "films.json",
            lambda path: self._model.save_json(path, films),
        )

    @Slot()
    def _on_picture_wanted(self) -> None:
        film, label = self._desk.current, self._desk.current_label
        if film is not None:
            self._ask(
                tr("Save the film with its heat map"),
                tr("Pictures") + " (*.png)",
                f"{Path(film.path).stem}.png",
                lambda path: self._model.save_picture(path, film, label),
            )

    @Slot()
    def _on_report_wanted(self) -> None:
        film = self._desk.current
        if film is not None:
            self._ask(
                tr("Save a report of this film"),
                "PDF (*.pdf)",
                f"{Path(film.path).stem}.pdf",
                lambda path: self._model.save_report(path, [film]),
            )

    @Slot()
    def _on_reports_wanted(self) -> None:
        films = self._desk.listed
        self._ask(
            tr("Save a report of {n} films", n=len(films)),
            "PDF (*.pdf)",
            "films.pdf",
            lambda path: self._model.save_report(path, films),
        )

    @Slot()
    def _on_copy_wanted(self) -> None:
        """The figures as text, and the film as it is seen as a picture."""
        film = self._desk.current
        if film is not None:
            content = QMimeData()
            content.setText(self._model.text_of(film))
            content.setImageData(self._desk.picture())
            QGuiApplication.clipboard().setMimeData(content)

    @Slot()
    def _on_table_copy_wanted(self) -> None:
        QGuiApplication.clipboard().setText(self._model.table_of(self._desk.listed))

    @Slot(str)
    def _on_model_wanted(self, kind: str) -> None:
        titles = {
            "onnx": tr("Export the model as ONNX"),
            "paddle": tr("Export the model for Paddle Inference (a new folder)"),
            "pdparams": tr("Export the model's weights as .pdparams"),
        }
        ending = _ENDINGS[kind]
        self._ask(
            titles[kind],
            f"{kind} (*{ending})" if ending else tr("All files") + " (*)",
            f"model{ending}",
            lambda path: self._model.export_model(kind, path),  # type: ignore[arg-type]
        )

    @Slot(list)
    def _on_dicom_chosen(self, names: list[str]) -> None:
        self._model.dicom_names = tuple(names)

    def _ask(self, title: str, kind: str, name: str, write: Callable[[Path], None]) -> None:
        dialog = QFileDialog(self._parent, title, "", kind)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(Path(name).suffix.lstrip("."))
        dialog.selectFile(name)
        asked = self._model.classifier

        def save(chosen: str) -> None:
            if self._model.classifier is asked:
                write(Path(chosen))
            else:  # the films are those of another model now
                self._model.refuse()

        dialog.fileSelected.connect(save)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
