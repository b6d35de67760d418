"""The program's own folder: unpacked datasets, caches, runs, logs."""

import os
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Self

import platformdirs

from core.errors import DatasetError, Message
from core.files import remove_stale, remove_stale_temporary_folders


def program_version() -> str:
    """Return PneumoScope's version; started from its folder it is not installed as a package."""
    try:
        return metadata.version("pneumoscope")
    except metadata.PackageNotFoundError:
        return "0.1.0"


HOME_VARIABLE = "PNEUMOSCOPE_HOME"


@dataclass(frozen=True, slots=True)
class Workspace:
    """The program's own folder; nothing is written outside it but what the user names."""

    root: Path

    @classmethod
    def of_user(cls) -> Self:
        """Return PNEUMOSCOPE_HOME where set, else the system's folder for a user's data."""
        chosen = os.environ.get(HOME_VARIABLE)
        if chosen:
            return cls(Path(chosen).absolute())
        return cls(platformdirs.user_data_path("PneumoScope", appauthor=False))

    @property
    def datasets(self) -> Path:
        """Unpacked archives, one folder each."""
        return self._folder("datasets")

    @property
    def caches(self) -> Path:
        """Decoded images, one folder for each dataset and size."""
        return self._folder("caches")

    @property
    def edits(self) -> Path:
        """The users' changes to datasets, a file each."""
        return self._folder("edits")

    @property
    def runs(self) -> Path:
        """Runs started in the window."""
        return self._folder("runs")

    @property
    def demos(self) -> Path:
        """The built-in dataset."""
        return self._folder("demos")

    @property
    def logs(self) -> Path:
        """Log files."""
        return self._folder("logs")

    def remove_leftovers(self) -> None:
        """Delete what killed processes left unfinished; call it at the start."""
        remove_stale_temporary_folders()
        remove_stale(self.root)
        for folder in _folders_in(self.root):
            remove_stale(folder)
            if folder.name in _WITH_FOLDERS:
                for inner in _folders_in(folder):
                    remove_stale(inner)

    def _folder(self, name: str) -> Path:
        folder = self.root / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DatasetError(
                Message(
                    "The folder {folder} cannot be made ({reason}). Set {variable} to a folder "
                    "that you may write to.",
                    folder=str(folder),
                    reason=error.strerror or str(error),
                    variable=HOME_VARIABLE,
                )
            ) from error
        return folder


_WITH_FOLDERS = ("runs", "caches")  # of which each is written into when it is there already


def _folders_in(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as scan:
            return [Path(entry.path) for entry in scan if entry.is_dir(follow_symlinks=False)]
    except OSError:  # not made yet, or not to be read
        return []
