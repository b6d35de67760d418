"""One open dataset: its films, its report, and the edits that can be undone."""

from pathlib import Path

from core.data.audit.report import Report
from core.data.edits import Edits
from core.data.loading import LoadedDataset


class OpenDataset:
    """A dataset that was loaded, with the history of its edits.

    Args:
        sources: The zips and folders it was opened from.
        loaded: As it was loaded, with the edits of an earlier session.
    """

    def __init__(self, sources: tuple[Path, ...], loaded: LoadedDataset) -> None:
        self.sources = sources
        self.loaded = loaded
        self.report: Report | None = None  # None: being made
        self._undone: list[Edits] = []
        self._done: list[Edits] = []

    @property
    def can_undo(self) -> bool:
        """Whether an edit of this session can be taken back."""
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        """Whether an edit that was taken back can be made again."""
        return bool(self._undone)

    def edit(self, edits: Edits) -> None:
        """Go on with `edits`.

        Raises:
            DatasetError: Too few films would remain; nothing has changed.
        """
        before = self.loaded.edits
        self._use(edits)
        self._done.append(before)
        self._undone.clear()

    def undo(self) -> None:
        """Go back to the edits before."""
        edits, now = self._done[-1], self.loaded.edits
        self._use(edits)
        self._undone.append(now)
        self._done.pop()

    def redo(self) -> None:
        """Make again what was undone last."""
        edits, now = self._undone[-1], self.loaded.edits
        self._use(edits)
        self._done.append(now)
        self._undone.pop()

    def _use(self, edits: Edits) -> None:
        self.loaded = self.loaded.edited(edits)
        self.report = None
