"""Load a dataset: from what the user dropped to films ready to train on, step by step."""

import os
import shutil
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.data import unpacked as hash_cache
from core.data.cache import ChangedFilmError, ImageCache, open_cache
from core.data.edits import Edits, EditsFile
from core.data.labels import LabelChoice, LabelOffer, completed, with_right_header
from core.data.patients import Grouping, group_by_patient
from core.data.records import Dataset, names_of, scan
from core.data.sources import open_sources
from core.data.survey import Survey, open_survey
from core.data.tables import read_table
from core.data.unpacked import Unpacked
from core.errors import DatasetError
from core.events import Progress
from core.workspace import Workspace


@dataclass(frozen=True, slots=True, eq=False)
class LoadedDataset:
    """A dataset whose films were all read once; unreadable ones are among its left out."""

    as_found: Dataset  # before the user's edits
    dataset: Dataset
    edits: Edits
    grouping: Grouping  # of the films of `dataset`
    cache: ImageCache
    survey: Survey

    @classmethod
    def of(
        cls, as_found: Dataset, edits: Edits, cache: ImageCache, survey: Survey
    ) -> "LoadedDataset":
        """Apply `edits` and find the patients of the films that remain.

        Raises:
            DatasetError: Too few films remain, or the pattern of patients is none.
        """
        dataset = edits.apply(as_found)
        grouping = group_by_patient(
            dataset.records,
            {digest: header.patient for digest, header in cache.headers.items()},
            edits.patients,
            [(pair.one, pair.other) for pair in survey.same_image],
        )
        return cls(as_found, dataset, edits, grouping, cache, survey)

    def edited(self, edits: Edits) -> "LoadedDataset":
        """Return the same films under other edits; nothing is read again.

        Raises:
            DatasetError: As for `of`.
        """
        return LoadedDataset.of(self.as_found, edits, self.cache, self.survey)

    def at_size(self, image_size: int, workspace: Workspace) -> Iterator[Progress | ImageCache]:
        """Yield progress and at last the films at `image_size`, read again only if need be.

        Raises:
            DatasetError: The films cannot be saved, or one of them was changed or is gone.
        """
        if image_size == self.cache.size:
            yield self.cache
            return
        yield from open_cache(self.dataset.records, image_size, workspace.caches)


def load_dataset(
    sources: Sequence[Path],
    workspace: Workspace,
    image_size: int,
    *,
    with_edits: bool = True,
    labels: LabelChoice | None = None,
    class_level: int | Sequence[int | None] | None = None,
    known_classes: Sequence[str] = (),
) -> Generator[Progress | LoadedDataset, None, None]:
    """Unpack, scan, decode and survey zips and folders; the last value is the dataset.

    Args:
        sources: One or more; classes of the same name become one.
        workspace: Where unpacked and decoded films are kept.
        image_size: Pixels, both sides of the squares to decode to.
        with_edits: Whether what the user changed in this dataset counts.
        labels: A table that gives the labels in place of the folders.
        class_level: The level of the class folders, one for all sources or one for each; None: as
            the user chose in the window, or found out.
        known_classes: Classes of a model; a level of folders that has them goes before others.

    Raises:
        ArchiveError: A zip is damaged or hostile.
        DatasetError: There are not two classes with films in it.
    """
    opened: tuple[tuple[Unpacked, Path], ...] = ()
    for step in open_sources(sources, workspace.datasets):
        if isinstance(step, Progress):
            yield step
        else:
            opened = step
    is_open = with_edits and class_level is None
    level = _chosen_level(opened, workspace) if is_open else class_level
    try:
        found = scan(opened, labels, _levels(level, len(opened)), known_classes)
    except DatasetError:
        if not is_open or level is None:
            raise
        level = None  # the folders are others by now
        found = scan(opened, labels, None, known_classes)
    pages = tuple((source, one.code_page) for one, source in opened if one.code_page)
    found = replace(found, code_pages=pages)
    cache: ImageCache | None = None
    try:
        for reading in open_cache(found.records, image_size, workspace.caches):
            if isinstance(reading, Progress):
                yield reading
            else:
                cache = reading
    except ChangedFilmError:
        _forget(opened, workspace.datasets)
        raise
    assert cache is not None  # the last step of open_cache
    as_found = found.without(cache.unreadable)
    survey = yield from open_survey(cache)
    if cache.repair_note is not None:
        yield Progress(cache.repair_note, 1, 1)
    edits = EditsFile(workspace.edits, as_found).load() if with_edits else Edits()
    used = level if isinstance(level, int) else None
    if edits.class_level != used:  # what they say of classes means nothing here
        edits = edits.at_level(used)
    try:
        loaded = LoadedDataset.of(as_found, edits, cache, survey)
    except DatasetError:
        if edits == Edits():
            raise
        # Whatever was saved, a dataset that could be opened once can be opened again.
        loaded = LoadedDataset.of(as_found, Edits(class_level=edits.class_level), cache, survey)
    yield loaded


def offer_labels(
    sources: Sequence[Path], tables: Sequence[Path], workspace: Workspace
) -> Generator[Progress | LabelOffer, None, None]:
    """Open zips and folders, and guess the columns of the first table for their images.

    Args:
        sources: One or more.
        tables: Those that can be chosen; one at least.
        workspace: Where unpacked films are kept.

    Raises:
        ArchiveError: A zip is damaged or hostile.
        DatasetError: The table cannot be read, or no column of it names the images.
    """
    opened: tuple[tuple[Unpacked, Path], ...] = ()
    for step in open_sources(sources, workspace.datasets):
        if isinstance(step, Progress):
            yield step
        else:
            opened = step
    names = names_of(opened)
    table = with_right_header(read_table(tables[0]), names)
    choice = completed(LabelChoice(file=os.path.abspath(tables[0])), table, names)
    yield LabelOffer(tuple(sources), tuple(tables), table, choice, names)


def _levels(
    level: int | Sequence[int | None] | None, n_sources: int
) -> Sequence[int | None] | None:
    """Return the level of the class folders in each source; None: found out."""
    if level is None or isinstance(level, int):
        return None if level is None else (level,) * n_sources
    return level if len(level) == n_sources else None


def _chosen_level(opened: Sequence[tuple[Unpacked, Path]], workspace: Workspace) -> int | None:
    """Return the level of the class folders that the user chose in the window before."""
    try:
        found = scan(opened)
    except DatasetError:  # no classes were found: then the place of the sources tells it
        found = Dataset(tuple(source for _, source in opened), (), (), ())
    return EditsFile(workspace.edits, found).load().class_level


def _forget(opened: Sequence[tuple[Unpacked, Path]], store: Path) -> None:
    """Believe nothing that was noted of films of which one has changed: read all anew next time."""
    hash_cache.forget(store)
    for unpacked, _ in opened:
        if unpacked.folder.parent == store:  # ours, not the user's
            shutil.rmtree(unpacked.folder, ignore_errors=True)
