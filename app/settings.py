"""What the program remembers of its user: a typed face on one QSettings."""

from typing import Literal

from PySide6.QtCore import QByteArray, QSettings

from app.translation import LANGUAGES, system_language

Theme = Literal["dark", "light"]
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
        """A code of `app.translation.LANGUAGES`; the system's at first."""
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

    def _text(self, key: str) -> str:
        """A text, empty where nothing or something else was saved."""
        try:
            return str(self._store.value(key, "", type=str))
        except UnicodeDecodeError:  # bytes that somebody wrote there
            return ""
