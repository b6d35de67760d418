"""From what the user dropped to films ready to train on: one step after the other."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.data.archive import Unpacked, open_source
from core.data.cache import ImageCache, open_cache
from core.data.grouping import Grouping, group_by_patient
from core.data.records import Dataset, scan
from core.errors import DatasetError, Message
from core.events import Progress
from core.workspace import Workspace


@dataclass(frozen=True, slots=True)
class LoadedDataset:
    """A dataset whose films were all read once; unreadable ones are among its left out."""

    dataset: Dataset
    grouping: Grouping
    cache: ImageCache

    def at_size(self, image_size: int, workspace: Workspace) -> Iterator[Progress | ImageCache]:
        """Yield progress and at last the films at `image_size`, read again only if need be.

        Raises:
            DatasetError: The films cannot be saved, or one of them can no longer be read.
        """
        if image_size == self.cache.size:
            yield self.cache
            return
        for step in open_cache(self.dataset.records, image_size, workspace.caches):
            if isinstance(step, ImageCache) and step.unreadable:
                raise DatasetError(
                    Message(
                        "{reason} The film could be read before: open the dataset again.",
                        reason=next(iter(step.unreadable.values())),
                    )
                )
            yield step


def load_dataset(
    source: Path, workspace: Workspace, image_size: int
) -> Iterator[Progress | LoadedDataset]:
    """Unpack, scan and decode `source`, a zip or a folder; the last value is the dataset.

    Raises:
        ArchiveError: The zip is damaged or hostile.
        DatasetError: There are not two classes with films in it.
    """
    unpacked: Unpacked | None = None
    for step in open_source(source, workspace.datasets):
        if isinstance(step, Unpacked):
            unpacked = step
        else:
            yield step
    assert unpacked is not None  # the last step of open_source
    dataset = scan(unpacked, source)
    for reading in open_cache(dataset.records, image_size, workspace.caches):
        if isinstance(reading, Progress):
            yield reading
        else:
            readable = dataset.without(reading.unreadable)
            yield LoadedDataset(readable, group_by_patient(readable.records), reading)
