"""Preferences of the user: a typed face on one QSettings."""

import json
from collections.abc import Sequence
from typing import Literal

from PySide6.QtCore import QByteArray, QSettings

from app.i18n import LANGUAGES, system_language

Theme = Literal["dark", "light"]
MAX_RECENT = 8
THEMES: tuple[Theme, ...] = ("dark", "light")


class AppSettings:
    """Preferences; a value out of its range reads as the default.

    Args:
        store: Where they are kept; tests give a file of their own.
    """

    def __init__(self, store: QSettings) -> None:
        self._store = store

    @property
    def language(self) -> str:
        """A code of `app.i18n.LANGUAGES`; the system's at first."""
        code = self._text("language")
        return code if code in LANGUAGES else system_language()

    @language.setter
    def language(self, code: str) -> None:
        self._store.setValue("language", code)

    @property
    def theme(self) -> Theme:
        """Dark at first: films are read in the dark."""
        return "light" if self._text("theme") == "light" else "dark"

    @theme.setter
    def theme(self, theme: Theme) -> None:
        self._store.setValue("theme", theme)

    @property
    def geometry(self) -> QByteArray:
        """The window's place and size, empty at first."""
        value = self._store.value("geometry", QByteArray(), type=QByteArray)
        return value if isinstance(value, QByteArray) else QByteArray()

    @geometry.setter
    def geometry(self, geometry: QByteArray) -> None:
        self._store.setValue("geometry", geometry)

    @property
    def last_folder(self) -> str:
        """The folder of the last file that was opened."""
        return self._text("last_folder")

    @last_folder.setter
    def last_folder(self, folder: str) -> None:
        self._store.setValue("last_folder", folder)

    @property
    def recent_datasets(self) -> list[list[str]]:
        """The zips and folders of the datasets that were opened last, newest first."""
        return self._lists("recent_datasets")[:MAX_RECENT]

    def remember_dataset(self, sources: Sequence[str]) -> None:
        """Put a dataset at the head of the list."""
        others = [one for one in self.recent_datasets if one != list(sources)]
        newest = [list(sources), *others][:MAX_RECENT]
        self._store.setValue("recent_datasets", json.dumps(newest))

    @property
    def recent_models(self) -> list[str]:
        """The model files that were opened last, newest first."""
        return [paths[0] for paths in self._lists("recent_models")[:MAX_RECENT]]

    def remember_model(self, path: str) -> None:
        """Put a model file at the head of the list."""
        others = [one for one in self.recent_models if one != path]
        newest = [[one] for one in [path, *others][:MAX_RECENT]]
        self._store.setValue("recent_models", json.dumps(newest))

    @property
    def training_config(self) -> str:
        """The settings of training as JSON, empty at first."""
        return self._text("training_config")

    @training_config.setter
    def training_config(self, config: str) -> None:
        self._store.setValue("training_config", config)

    @property
    def is_form_advanced(self) -> bool:
        """True if the Train page shows all settings."""
        return self._text("is_form_advanced") == "true"

    @is_form_advanced.setter
    def is_form_advanced(self, is_advanced: bool) -> None:
        self._store.setValue("is_form_advanced", "true" if is_advanced else "false")

    @property
    def run_folders(self) -> list[str]:
        """Folders with runs of other machines that the user added to the list of runs."""
        return [folders[0] for folders in self._lists("run_folders")]

    @run_folders.setter
    def run_folders(self, folders: Sequence[str]) -> None:
        self._store.setValue("run_folders", json.dumps([[folder] for folder in folders]))

    def _lists(self, key: str) -> list[list[str]]:
        """Lists of texts, none of them empty; nothing where something else was saved."""
        try:
            saved = json.loads(self._text(key) or "[]")
        except (ValueError, RecursionError):
            return []
        if not isinstance(saved, list):
            return []
        return [
            texts
            for texts in saved
            if isinstance(texts, list) and texts and all(isinstance(text, str) for text in texts)
        ]

    def _text(self, key: str) -> str:
        """A text, empty where nothing or something else was saved."""
        try:
            return str(self._store.value(key, "", type=str))
        except UnicodeDecodeError:  # bytes that somebody wrote there
            return ""
