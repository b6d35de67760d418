"""Read X-rays with a model: one value an X-ray, from its file to list, panel, report and quiz.

Files decode ahead in threads while the network computes. Imports no Paddle, so that all who show
a result may import it.
"""

import hashlib
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Final, Literal, Self

import numpy as np
from numpy.typing import NDArray

from core.errors import ImageReadError, Message, Refusal
from core.events import Progress
from core.images.film import shrink
from core.images.fingerprint import fingerprint
from core.images.reading import content_of
from core.images.reading import read_film as read_image
from core.models.model_card import ModelCard
from core.prediction.classifier import Classifier
from core.prediction.explanation import Explanation
from core.prediction.film_search import FoundFilm, RefusedFilm
from core.prediction.saliency_checks import SaliencyChecks
from core.prediction.verdict import Opinion, Seen, Verdict, verdict_of
from core.runtime.threads import map_ahead, physical_core_count

BATCH_SIZE: Final = 8  # films; small enough that a list fills while one watches
THUMBNAIL_PX: Final = 96  # of the longer side: twice what a list draws, for fine screens

Part = Literal["train", "validation", "test", "kept"]
# The first that holds counts: to have learned from a film outweighs a copy of it in the test part.
_PARTS: Final[tuple[Part, ...]] = ("train", "validation", "test", "kept")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class FilmResult(FoundFilm):
    """One X-ray with all that is known of it.

    The verdict is computed here and nowhere else: when the film is read, and again where a
    heat map's checks are added as evidence.
    """

    digest: str  # SHA-256 of the file, hexadecimal: the same film is known by it
    classes: tuple[str, ...]  # the model's class folders, in the order of the probabilities
    opinion: Opinion
    thumbnail: NDArray[np.uint8] | None  # (H, W) or (H, W, 3); None: put away to spare memory
    n_frames: int = 1  # in the file
    part: Part | None = None  # in which part of the model's own films it was
    true_class: str | None = None  # a class folder, where the open dataset knows it
    duplicate_of: str | None = None  # the name of an earlier film with the same content
    checks: SaliencyChecks | None = None  # of the predicted class's heat map; None: not examined
    # Of a DICOM file's header only what the user asked for by name: keyword -> value.
    header: Mapping[str, str] = field(default_factory=dict)
    is_revealed: bool = False  # somebody asked for the answer though it is not reliable
    verdict: Verdict = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "verdict", verdict_of(self.opinion, self.checks, self.seen))

    # Each is itself alone: those of `FoundFilm` would compare places.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    @property
    def identity(self) -> str:
        """Equal for X-rays of the same content: the digest, and the frame but for the first."""
        return self.digest if self.frame == 1 else f"{self.digest}/{self.frame}"

    @property
    def predicted(self) -> int:
        """Index of the class with the highest probability."""
        return self.opinion.predicted

    @property
    def seen(self) -> Seen | None:
        """The part that this X-ray had in making the model; None: none, as far as is known."""
        if self.part == "train" or self.part == "validation":
            return self.part
        return "copy" if self.opinion.is_near_copy else None

    @property
    def hides_answer(self) -> bool:
        """True where class and figures are not to be told: the answer is not reliable."""
        return self.verdict.level == "not_reliable" and not self.is_revealed

    @property
    def true_label(self) -> int | None:
        """Index of the true class; None: unknown, or no class of the model."""
        return self.classes.index(self.true_class) if self.true_class in self.classes else None

    @property
    def is_right(self) -> bool | None:
        """True where the answer is the truth; None: the model cannot know, or nobody does."""
        return None if self.true_label is None else self.predicted == self.true_label

    def explained(self, explanation: Explanation | None) -> Self:
        """Weigh the checks of the predicted class's heat map; those of other classes say nothing.

        Args:
            explanation: None: there is none.
        """
        if explanation is None or explanation.checks is None:
            return self
        if explanation.label != self.predicted:
            return self
        return replace(self, checks=explanation.checks)

    def without_pictures(self) -> Self:
        """Let go of all pictures, to spare memory."""
        return replace(self, thumbnail=None, opinion=self.opinion.with_pictures(lambda _: None))


@dataclass(frozen=True, slots=True, eq=False)
class _Decoded:
    """A film that waits for the network."""

    found: FoundFilm
    digest: str
    prepared: NDArray[np.uint8]  # (S, S) or (S, S, 3)
    print: NDArray[np.float32]  # (35,), of how it was acquired
    thumbnail: NDArray[np.uint8]
    n_frames: int


Found = Path | FoundFilm | RefusedFilm | Progress


def read_films(
    classifier: Classifier, found: Iterable[Found], batch_size: int = BATCH_SIZE
) -> Generator[FilmResult | RefusedFilm | Progress, None, None]:
    """Read films in order; files decode ahead in threads.

    Args:
        classifier: The model to ask.
        found: Files, or what `film_search.find_films` finds, taken a few ahead; what is no film
            is refused and the others go on.
        batch_size: Films that go through the network together, but for the first, which
            somebody waits for.
    """
    parts = parts_of(classifier.card)
    ready: list[_Decoded] = []
    wanted = 1
    decode = partial(_decode_or_refuse, classifier)
    with closing(map_ahead(decode, found, physical_core_count(), batch_size)) as films:
        for film in films:
            if isinstance(film, Progress):
                yield film
                continue
            if isinstance(film, _Decoded):
                ready.append(film)
            if isinstance(film, RefusedFilm) or len(ready) >= wanted:
                yield from _judge(classifier, ready, parts)
                ready, wanted = [], batch_size
            if isinstance(film, RefusedFilm):
                yield film
        yield from _judge(classifier, ready, parts)


def read_film(
    classifier: Classifier, found: FoundFilm, content: bytes, parts: Mapping[str, Part]
) -> FilmResult:
    """Read one film.

    Args:
        classifier: The model to ask.
        found: Where it is.
        content: Its file.
        parts: From `parts_of`.

    Raises:
        ImageReadError: It is no film.
    """
    [result] = _judge(classifier, [_decode(classifier, found, content)], parts)
    return result


def parts_of(card: ModelCard) -> dict[str, Part]:
    """Map the digests of the model's own films to the part that each was in."""
    return {digest: part for part in reversed(_PARTS) for digest in card.split[part]}


def _decode_or_refuse(classifier: Classifier, found: Found) -> _Decoded | RefusedFilm | Progress:
    if isinstance(found, RefusedFilm | Progress):
        return found
    if isinstance(found, Path):
        found = FoundFilm.at(found)
    try:
        return _decode(classifier, found, content_of(found.path))
    except ImageReadError as error:
        # The reader does not know what the user calls the file.
        own = Message(error.message.template, **{**error.message.values, "file": found.name})
        refusal = Refusal(found.file, own, error.kind)
        return RefusedFilm(name=found.name, refusal=refusal)


def _decode(classifier: Classifier, found: FoundFilm, content: bytes) -> _Decoded:
    film = read_image(content, frame=found.frame)
    return _Decoded(
        found,
        hashlib.sha256(content).hexdigest(),
        classifier.prepare(film.pixels),
        fingerprint(film.pixels),
        shrink(film.pixels, THUMBNAIL_PX).copy(),
        film.header.n_frames,
    )


def _judge(
    classifier: Classifier, films: Sequence[_Decoded], parts: Mapping[str, Part]
) -> list[FilmResult]:
    if not films:
        return []
    opinions = classifier.opinions(
        [film.prepared for film in films], [film.print for film in films]
    )
    return [
        FilmResult(
            path=film.found.path,
            name=film.found.name,
            file=film.found.file,
            source=film.found.source,
            frame=film.found.frame,
            n_frames=film.n_frames,
            digest=film.digest,
            classes=classifier.card.classes,
            opinion=opinion,
            thumbnail=film.thumbnail,
            part=parts.get(film.digest),
        )
        for film, opinion in zip(films, opinions, strict=True)
    ]
