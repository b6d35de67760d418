"""The Data page's state: which datasets are open, what is wrong with them, what was changed."""

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from app.tasks import Failure, Outcome, TaskQueue, TaskRunner
from core.audit.findings import Finding
from core.audit.report import Report, audit
from core.config import preset
from core.data.archive import choose_code_page
from core.data.dataset import LoadedDataset, load_dataset, offer_labels
from core.data.edits import Edits, EditsFile
from core.data.labels import LabelChoice, LabelOffer
from core.data.tables import find_tables, is_table
from core.demo import demo_archive, draw_demo
from core.errors import DatasetError, Message
from core.events import Progress
from core.workspace import Workspace

log = logging.getLogger(__name__)


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
        self.tables: tuple[Path, ...] = ()  # beside the images, see core.data.labels
        self._undone: list[Edits] = []
        self._done: list[Edits] = []

    @property
    def can_undo(self) -> bool:
        """True if an edit of this session can be taken back."""
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        """True if an edit that was taken back can be made again."""
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


MAX_OPEN = 8  # datasets; each keeps its list of films in memory


class DataViewModel(QObject):
    """Opens zips and folders, one dataset at a time, and keeps several open.

    Args:
        runner: Where datasets are opened; this view-model's own.
        auditing: Where they are looked through; this view-model's own.
        workspace: Where unpacked and decoded films are kept.
    """

    changed = Signal()  # busy or not, another dataset
    progressed = Signal(object)  # Progress of opening
    loaded = Signal(object)  # LoadedDataset: another one, or the same after an edit
    audited = Signal(object)  # Report on the dataset in front
    labels_offered = Signal(object)  # LabelOffer: a table, and how it would label the images
    opened = Signal(list)  # paths of a dataset that was opened, for the list of recent ones
    failed = Signal(object)  # Failure

    def __init__(self, runner: TaskRunner, auditing: TaskRunner, workspace: Workspace) -> None:
        super().__init__()
        self._workspace = workspace
        self._opening, self._auditing = TaskQueue(runner, self), TaskQueue(auditing, self)
        self.datasets: list[OpenDataset] = []  # in the order in which they were opened
        self.current: OpenDataset | None = None  # in front
        self.has_audit_failed = False  # that of the dataset in front
        self._tables: dict[tuple[Path, ...], tuple[Path, ...]] = {}  # beside images, by source
        self.offer: LabelOffer | None = None  # of labels, until it is taken or declined
        self._opening.reported.connect(self._on_opening_reported)
        self._opening.failed.connect(self.failed)
        self._opening.finished.connect(self.changed)
        self._auditing.reported.connect(self._on_auditing_reported)
        self._auditing.failed.connect(self.failed)
        self._auditing.finished.connect(self._on_auditing_finished)

    @property
    def dataset(self) -> LoadedDataset | None:
        """The films of the dataset in front."""
        return self.current.loaded if self.current else None

    @property
    def report(self) -> Report | None:
        """Audit of the dataset in front; None while it is being made."""
        return self.current.report if self.current else None

    @property
    def is_busy(self) -> bool:
        """True if a dataset is being opened."""
        return self._opening.is_busy

    @property
    def demo_source(self) -> Path:
        """The zip that `open_demo` opens."""
        return demo_archive(self._workspace)

    def open(self, sources: Sequence[Path]) -> None:
        """Open zips and folders as one dataset; what is being opened is given up for it.

        A table among them is offered for their labels; alone, for those of the dataset in front.
        """
        tables = tuple(path for path in sources if is_table(path))
        wanted = tuple(path for path in sources if not is_table(path))
        if tables and not wanted and self.current is not None:
            wanted = tuple(path for path in self.current.sources if not is_table(path))
        if tables and wanted:
            self.offer_labels(wanted, tables)
            return
        if tables:
            alone = Message(
                "{file} is a table. Drop it together with the zip or folder of its images.",
                file=tables[0].name,
            )
            self.failed.emit(Failure(alone))
            return
        self.offer = None

        def events() -> Iterator[Progress | LoadedDataset | LabelOffer]:
            if wanted == (self.demo_source,):
                yield from draw_demo(self._workspace)
            size = preset("recommended").preprocessing.image_size
            found = self._tables[wanted] = find_tables(wanted)
            try:
                yield from load_dataset(wanted, self._workspace, size)
            except DatasetError:
                if not found:
                    raise
                try:
                    yield from offer_labels(wanted, found, self._workspace)
                except DatasetError:
                    log.info("the table %s does not belong to the images", found[0])
                else:
                    return
                raise

        self._opening.replace(wanted, events)
        self.changed.emit()

    def offer_labels(self, sources: Sequence[Path], tables: Sequence[Path]) -> None:
        """Read the first of some tables, and offer it for the labels of the images."""
        wanted = (tuple(sources), tuple(tables))
        self._opening.replace(wanted, lambda: offer_labels(*wanted, self._workspace))
        self.changed.emit()

    def use_labels(self, choice: LabelChoice) -> None:
        """Open the images of the offer with labels from its table."""
        assert self.offer is not None
        sources = self.offer.sources
        size = preset("recommended").preprocessing.image_size
        self._opening.replace(
            (*sources, Path(choice.file)),
            lambda: load_dataset(sources, self._workspace, size, labels=choice),
        )
        self.changed.emit()

    def decline_labels(self) -> None:
        """Go on without the table that was offered."""
        self.offer = None
        self.changed.emit()

    def choose_code_page(self, code_page: str) -> None:
        """Open the dataset in front again with names of its archives in another code page.

        Args:
            code_page: One of `CODE_PAGES`; "" to find it out.
        """
        if (one := self.current) is None:
            return
        found = one.loaded.as_found
        archives = [path for path, _ in found.code_pages]
        labels = found.labels.choice if found.labels is not None else None

        def events() -> Iterator[Progress | LoadedDataset]:
            for path in archives:
                choose_code_page(path, self._workspace.datasets, code_page)
            size = preset("recommended").preprocessing.image_size
            yield from load_dataset(found.sources, self._workspace, size, labels=labels)

        self._opening.replace(one.sources, events)
        self.changed.emit()

    def open_demo(self) -> None:
        """Draw the built-in dataset where it is not there yet, and open it."""
        self.open([self.demo_source])

    def cancel(self) -> None:
        """Give up opening; the datasets that were open stay."""
        self._opening.drop()
        self.changed.emit()

    def end(self) -> None:
        """Give up opening and looking through, and begin nothing after it."""
        self._opening.close()
        self._auditing.close()

    def show(self, index: int) -> None:
        """Bring one of the open datasets to the front."""
        self._bring(self.datasets[index])

    def close(self, index: int) -> None:
        """Forget an open dataset; its files and edits stay where they are."""
        closed = self.datasets.pop(index)
        if closed is self.current:
            self.current, self.has_audit_failed = None, False
            if self.datasets:
                self._bring(self.datasets[-1])
        self.changed.emit()

    def edit(self, change: Callable[[Edits], Edits]) -> None:
        """Change the dataset in front: `change` gets its edits and gives the new ones."""
        if self.current is not None:
            self._apply(lambda one: one.edit(change(one.loaded.edits)))

    def undo(self) -> None:
        """Take the last edit back."""
        if self.current is not None and self.current.can_undo:
            self._apply(OpenDataset.undo)

    def redo(self) -> None:
        """Make the edit again that was taken back."""
        if self.current is not None and self.current.can_redo:
            self._apply(OpenDataset.redo)

    def choose_level(self, level: int | None) -> None:
        """Open the dataset in front again with the class folders of another level; None: find out.

        What was changed of classes means nothing at another level and is given up.
        """
        one = self.current
        if one is None or level == one.loaded.edits.class_level:
            return
        try:
            edits = one.loaded.edits.at_level(level)
            EditsFile(self._workspace.edits, one.loaded.as_found).save(edits)
        except DatasetError as error:
            log.warning("the level could not be saved", exc_info=True)
            self.failed.emit(Failure.of(error))
        else:
            self.open(one.sources)

    def fix(self, findings: Sequence[Finding]) -> None:
        """Do what the findings propose: leave films out, all copies but one, or merge classes."""
        merged = [finding.classes for finding in findings if finding.fix == "merge"]
        if merged:

            def merge(edits: Edits) -> Edits:
                for first, *others in merged:
                    edits = edits.merge(others, first)
                return edits

            self.edit(merge)
        names: list[str] = []
        for finding in findings:
            if finding.fix == "leave_out":
                names += finding.files
            elif finding.fix == "keep_one":
                names += finding.files[1:]
        if names:
            self.edit(lambda edits: edits.leave_out(names))

    def _apply(self, step: Callable[[OpenDataset], None]) -> None:
        """Make a step in the history, save it and tell everybody."""
        one = self.current
        assert one is not None
        try:
            step(one)
        except DatasetError as error:
            log.warning("the step was refused", exc_info=True)
            self.failed.emit(Failure.of(error))
            return
        try:
            EditsFile(self._workspace.edits, one.loaded.as_found).save(one.loaded.edits)
        except DatasetError as error:  # the edits hold all the same
            log.warning("the edits could not be saved", exc_info=True)
            self.failed.emit(Failure.of(error))
        self._bring(one)

    def _bring(self, one: OpenDataset) -> None:
        self.current, self.has_audit_failed = one, False
        loaded = one.loaded
        self.loaded.emit(loaded)
        if one.report is not None:
            self._auditing.drop_waiting()  # of a dataset behind
            self.audited.emit(one.report)
        elif loaded is not self._auditing.current:
            self._auditing.replace(loaded, lambda: audit(loaded))
        self.changed.emit()

    @Slot(object, object)
    def _on_opening_reported(self, event: object, sources: tuple[Path, ...]) -> None:
        if isinstance(event, LabelOffer):
            self.offer = event
            self.labels_offered.emit(event)
        elif isinstance(event, LoadedDataset):
            self.offer = None
            self.datasets = [one for one in self.datasets if one.sources != sources]
            self.datasets.append(OpenDataset(sources, event))
            images = tuple(source for source in sources if not is_table(source))
            self.datasets[-1].tables = self._tables.get(images, ())
            del self.datasets[:-MAX_OPEN]
            self.opened.emit(list(sources))
            self._bring(self.datasets[-1])
        else:
            self.progressed.emit(event)

    @Slot(object, object)
    def _on_auditing_reported(self, event: object, audited: LoadedDataset) -> None:
        if isinstance(event, Report):
            for one in self.datasets:
                if one.loaded is audited:  # an edit has not overtaken the report
                    one.report = event
                    if one is self.current:
                        self.audited.emit(event)

    @Slot(object, object)
    def _on_auditing_finished(self, outcome: Outcome, audited: LoadedDataset) -> None:
        if outcome is Outcome.FAILED and audited is self.dataset:
            self.has_audit_failed = True
            self.changed.emit()
