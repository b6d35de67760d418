"""Ask for files without stopping the event loop: training goes on drawing."""

from pathlib import Path

from PySide6.QtCore import QObject, Signal, SignalInstance
from PySide6.QtWidgets import QFileDialog, QWidget

from app.i18n import tr
from app.settings import AppSettings
from core.data.tables import TABLE_SUFFIXES

MODEL_ENDING = ".safetensors"
FILM_ENDINGS = "*.png *.jpg *.jpeg *.bmp *.tif *.tiff *.webp *.jp2 *.j2k *.dcm"


class FileDialogs(QObject):
    """One dialog for each kind of file that can be opened.

    Args:
        window: Over which they appear.
        settings: Know the last folder.
    """

    chosen = Signal(list)  # of Path: films, or a model
    sources_chosen = Signal(list)  # of Path: zips or a folder that are a dataset
    rivals_chosen = Signal(list)  # of Path: models to compare with the evaluated one

    def __init__(self, window: QWidget, settings: AppSettings) -> None:
        super().__init__(window)
        self._window, self._settings = window, settings

    def choose_zips(self) -> None:
        """Ask for zips that make one dataset together."""
        kind = tr("Zip archives") + " (*.zip *.tar *.tar.gz *.tgz)"
        self._choose(tr("Choose zips of X-rays"), kind, self.sources_chosen, many=True)

    def choose_table(self) -> None:
        """Ask for a table with labels of the images in front."""
        kind = tr("Tables") + " ({})".format(" ".join(f"*{one}" for one in TABLE_SUFFIXES))
        self._choose(tr("Choose a table of labels"), kind, self.sources_chosen, many=False)

    def choose_model(self) -> None:
        """Ask for one model file."""
        kind = tr("Model files") + f" (*{MODEL_ENDING})"
        self._choose(tr("Choose a model file"), kind, self.chosen, many=False)

    def choose_rivals(self) -> None:
        """Ask for models to compare with the evaluated one."""
        kind = tr("Model files") + f" (*{MODEL_ENDING})"
        self._choose(tr("Choose models to compare with"), kind, self.rivals_chosen, many=True)

    def choose_films(self) -> None:
        """Ask for X-rays; those of hospitals often have no ending."""
        kinds = tr("X-rays") + f" ({FILM_ENDINGS});;" + tr("All files") + " (*)"
        self._choose(tr("Choose X-rays"), kinds, self.chosen, many=True)

    def choose_folder(self) -> None:
        """Ask for a folder of class folders."""
        self._choose_folder(self.sources_chosen)

    def choose_film_folder(self) -> None:
        """Ask for a folder of films to be read."""
        self._choose_folder(self.chosen)

    def _choose_folder(self, chosen: SignalInstance) -> None:
        dialog = QFileDialog(self._window, tr("Choose a folder"), self._settings.last_folder)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        self._open(dialog, chosen)

    def _choose(self, title: str, kind: str, chosen: SignalInstance, *, many: bool) -> None:
        dialog = QFileDialog(self._window, title, self._settings.last_folder, kind)
        mode = QFileDialog.FileMode.ExistingFiles if many else QFileDialog.FileMode.ExistingFile
        dialog.setFileMode(mode)
        self._open(dialog, chosen)

    def _open(self, dialog: QFileDialog, chosen: SignalInstance) -> None:
        dialog.filesSelected.connect(lambda names: chosen.emit([Path(name) for name in names]))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
