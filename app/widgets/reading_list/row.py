"""One film of the list as a value, and the words that stand for it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.translation import listing, say, tr
from core.errors import Message
from core.prediction.verdict import Level, level_words

THUMBNAIL_PX: Final = 96  # of a thumbnail's longer side: twice what is drawn, for fine screens


@dataclass(frozen=True, slots=True, eq=False)
class ReadingRow:
    """What the list says of one film; classes by their index, so that words can change."""

    key: int  # no other film's
    name: str  # `films.zip/NORMAL/1.png`; the last part is shown
    label: int | None = None  # the winning class; None: refused, or not read yet
    probability: float | None = None  # of that class, 0 to 1
    is_sure: bool = True  # no other class is possible
    level: Level | None = None  # None: not judged yet
    note: Message | None = None  # one more line
    thumbnail: NDArray[np.uint8] | None = None  # (H, W) or (H, W, 3), best THUMBNAIL_PX large
    true_label: int | None = None
    duplicate_of: str = ""  # the name of the same film that was read before
    refusal: Message | None = None  # why it could not be read

    @property
    def is_right(self) -> bool | None:
        """Whether the answer is the truth; None: either is unknown."""
        if self.true_label is None or self.label is None:
            return None
        return self.label == self.true_label

    @property
    def short_name(self) -> str:
        """The name without its folders, which are the same for many."""
        return self.name.rstrip("/").rsplit("/", 1)[-1] or self.name


@dataclass(frozen=True, slots=True)
class RowWords:
    """The lines of a row in the user's language."""

    answer: str
    probability: str
    note: str
    tip: str  # all that is known, a line each
    spoken: str  # the same for assistive software


def words_of(row: ReadingRow, classes: Sequence[str]) -> RowWords:
    """Say a row in the language of the moment.

    Args:
        row: A film.
        classes: How classes are called, by their index.
    """
    probability = "" if row.probability is None else f"{row.probability:.1%}"
    if row.refusal is not None:
        answer, notes = tr("not read"), [say(row.refusal)]
    elif row.label is None:
        answer, notes = tr("not read yet"), []
    else:
        answer, notes = _class_name(row.label, classes), list(_notes(row, classes))
    verdict = say(level_words(row.level)) if row.level is not None else ""
    truth = {None: "", True: tr("✓ right"), False: tr("× wrong")}[row.is_right]
    parts = [row.name, " ".join(filter(None, (answer, probability))), verdict, truth, *notes]
    parts = [part for part in parts if part]
    return RowWords(answer, probability, "  ·  ".join(notes), "\n".join(parts), listing(parts))


def _notes(row: ReadingRow, classes: Sequence[str]) -> Iterator[str]:
    if row.duplicate_of:
        yield tr("Already read as {name}", name=row.duplicate_of)
    if row.is_right is False and row.true_label is not None:
        yield tr("True class: {name}", name=_class_name(row.true_label, classes))
    if row.note is not None:
        yield say(row.note)
    elif not row.is_sure:
        yield tr("Not sure")


def _class_name(label: int, classes: Sequence[str]) -> str:
    return classes[label] if 0 <= label < len(classes) else str(label)
