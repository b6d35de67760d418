"""The films that a quiz can ask about, and the draw of those that it does."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core.data.records import Dataset
from core.models.model_card import ModelCard

# What the model has to do with a film: from its test part, kept for the end, of another dataset,
# or among those that it learned from or was chosen by.
Origin = Literal["test", "kept", "new", "learned"]


@dataclass(frozen=True, slots=True)
class QuizSource:
    """A film whose class is known."""

    name: str  # as the user knows it
    path: Path
    true_class: str  # a class folder
    digest: str  # sha256 of the file, hexadecimal


@dataclass(frozen=True, slots=True)
class QuizFilm:
    """A film that can be asked about."""

    name: str
    path: Path
    label: int  # its true class, in the order of the model's
    digest: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class QuizPool:
    """The films to choose from, and how many are left out for which reason."""

    films: tuple[QuizFilm, ...]
    n_copies: int = 0  # of films that are there already
    n_contradictory: int = 0  # the same film in two classes
    n_strange: int = 0  # of classes that the model does not know

    def usable(self, *, with_learned: bool) -> tuple[QuizFilm, ...]:
        """The films that may be asked about.

        Args:
            with_learned: Whether those count of which the model has learned the answer.
        """
        return tuple(film for film in self.films if with_learned or film.origin != "learned")

    @property
    def n_learned(self) -> int:
        """Films of which the model has learned the answer."""
        return sum(film.origin == "learned" for film in self.films)


def sources_of(dataset: Dataset) -> tuple[QuizSource, ...]:
    """Return all films of a dataset; `make_pool` finds out which of them test a model."""
    return tuple(
        QuizSource(record.name, record.path, dataset.classes[record.label], record.digest)
        for record in dataset.records
    )


def make_pool(card: ModelCard, sources: Sequence[QuizSource]) -> QuizPool:
    """Sort out the films on which `card`'s model can be compared with a learner.

    Films are known by their content, whatever they are called now. A film of which a copy was
    in training or validation is a learned one, also where another copy was in the test part.
    """
    classes_of: defaultdict[str, set[str]] = defaultdict(set)
    for source in sources:
        classes_of[source.digest].add(source.true_class)
    labels = {name: label for label, name in enumerate(card.classes)}
    origins = _origins(card)
    films: dict[str, QuizFilm] = {}
    left_out: Counter[str] = Counter()
    for source in sources:
        if source.true_class not in labels:
            left_out["strange"] += 1
        elif len(classes_of[source.digest]) > 1:
            left_out["contradictory"] += 1
        elif source.digest in films:
            left_out["copies"] += 1
        else:
            films[source.digest] = QuizFilm(
                source.name,
                source.path,
                labels[source.true_class],
                source.digest,
                origins.get(source.digest, "new"),
            )
    return QuizPool(
        tuple(films.values()),
        n_copies=left_out["copies"],
        n_contradictory=left_out["contradictory"],
        n_strange=left_out["strange"],
    )


def choose_films(
    pool: QuizPool, n: int | None, seed: int, *, with_learned: bool
) -> tuple[QuizFilm, ...]:
    """Draw films, as equally many of each class as there are, in a random order.

    The same seed draws the same films in the same order on every computer, however the files
    are named and listed there, so that a class of learners can be asked the same questions.

    Args:
        pool: What there is.
        n: How many; None or more than there are: all.
        seed: Any whole number.
        with_learned: As for `QuizPool.usable`; such films are drawn only where others run out.
    """
    of_class: defaultdict[int, list[QuizFilm]] = defaultdict(list)
    for film in pool.usable(with_learned=with_learned):
        of_class[film.label].append(film)
    for films in of_class.values():
        films.sort(key=lambda film: (film.origin == "learned", _lot(seed, "film", film.digest)))
    # Where the number cannot be divided equally, the seed says which classes have one more.
    labels = sorted(of_class, key=lambda label: _lot(seed, "class", str(label)))
    drawn = [
        of_class[label][turn]
        for turn in range(max(map(len, of_class.values()), default=0))
        for label in labels
        if turn < len(of_class[label])
    ][:n]
    return tuple(sorted(drawn, key=lambda film: _lot(seed, "order", film.digest)))


def _origins(card: ModelCard) -> dict[str, Origin]:
    origins: dict[str, Origin] = dict.fromkeys(card.split["kept"], "kept")
    origins.update(dict.fromkeys(card.split["test"], "test"))
    for part in ("train", "validation"):
        origins.update(dict.fromkeys(card.split[part], "learned"))
    return origins


def _lot(seed: int, purpose: str, name: str) -> bytes:
    """Return a random number that depends on nothing else."""
    return hashlib.sha256(f"{seed}/{purpose}/{name}".encode()).digest()
