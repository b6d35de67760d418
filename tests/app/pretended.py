"""Datasets that open at once and audits that end when they are told to."""

import dataclasses
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from app.data import viewmodel as data_module
from core.audit.report import Report
from core.data.dataset import LoadedDataset
from core.data.labels import LabelChoice
from core.errors import Message
from core.events import Progress
from core.workspace import Workspace
from tests.app.made_dataset import finding, make_dataset

ONE, TWO, THREE = Path("one.zip"), Path("two.zip"), Path("three.zip")


class Openings:
    """Opens whatever it is asked for as a new dataset in memory, even where there is no file."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        patch.setattr(data_module, "load_dataset", self._load)

    def _load(
        self,
        sources: Sequence[Path],
        _workspace: Workspace,
        _size: int,
        labels: LabelChoice | None = None,
    ) -> Iterator[Progress | LoadedDataset]:
        yield Progress(Message("Reading films"), 0, 1)
        made = make_dataset()
        found = dataclasses.replace(made.as_found, sources=tuple(sources))
        yield LoadedDataset.of(found, made.edits, made.cache, made.survey)


class Audits:
    """Audits that all begin, and end only once the gate is open."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.gate = threading.Event()
        self.error: Exception | None = None  # what an audit that begins will end with
        self.begun: list[LoadedDataset] = []
        patch.setattr(data_module, "audit", self._audit)

    def _audit(self, loaded: LoadedDataset) -> Iterator[Progress | Report]:
        error = self.error
        self.begun.append(loaded)
        yield Progress(Message("Looking for trouble"), 0, 1)
        assert self.gate.wait(60)
        if error is not None:
            raise error
        yield report_on(loaded)  # even where it was told to stop meanwhile


def report_on(loaded: LoadedDataset) -> Report:
    """A report that can be told from those on other edits of a dataset."""
    names = [record.name for record in loaded.dataset.records]
    return Report((finding("blank", "error", *names, fix="leave_out"),), None)
