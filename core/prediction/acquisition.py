"""Likeness of a film's acquisition to that of the training films.

Each source of the training films is a normal distribution of fingerprints
(`core.images.fingerprint`); a film is as strange as its distance from the nearest one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from core.data.acquisition import MOST_SOURCES, Standard, find_sources
from core.errors import Message
from core.images import fingerprint as print_of
from core.images.fingerprint import differences

FAMILIAR_SHARE: Final = 0.95  # of the validation films
N_EXAMPLES: Final = 3  # training films of the nearest source that are shown
_LEAST_LIMIT, _MOST_LIMIT = 1e-3, 1e4
_MOST: Final = 1e6  # a distance that could be none is as strange as can be
_LARGEST: Final = 1e6  # of a stored number


@dataclass(frozen=True, slots=True)
class Acquisition:
    """Judgement on how one film was acquired."""

    distance: float  # from the nearest training source, in its standard deviations
    limit: float  # of the distance: 95 % of the validation films are below it
    source: int  # the nearest
    source_name: Message
    traits: tuple[Message, ...]  # in which it differs most from there, the clearest first
    # Rows of the nearest training films of that source, and their distance in the standard's units.
    examples: tuple[tuple[int, float], ...]

    @property
    def is_familiar(self) -> bool:
        """True where it may come from one of the training sources."""
        return self.distance <= self.limit

    @property
    def reason(self) -> Message:
        """A sentence on it, also where familiar."""
        if self.is_familiar:
            return Message(
                "It was acquired like training X-rays of {source}.", source=self.source_name
            )
        if not self.traits:
            return Message(
                "It was acquired differently from every training source; the nearest is {source}.",
                source=self.source_name,
            )
        return Message(
            "It was acquired differently from every training source: {traits} than {source}.",
            traits=joined(self.traits),
            source=self.source_name,
        )


def joined(parts: Sequence[Message]) -> Message:
    """Join words by commas."""
    whole = parts[0]
    for part in parts[1:]:
        whole = Message("{first}, {second}", first=whole, second=part)
    return whole


class AcquisitionDescription(BaseModel):
    """The numbers of an `AcquisitionReference` in the JSON of the model card."""

    model_config = ConfigDict(extra="forbid", strict=True)

    version: Annotated[int, Field(ge=print_of.VERSION, le=print_of.VERSION)]
    limit: Annotated[float, Field(ge=_LEAST_LIMIT, le=_MOST_LIMIT)]
    n_validation: Annotated[int, Field(ge=1, le=10_000_000)]


@dataclass(frozen=True, slots=True, eq=False)
class AcquisitionReference:
    """The sources of a model's training films.

    Args:
        standard: Of the training films' fingerprints.
        means: Of each source, in units of the standard, (k, F).
        roots: Of each source's precision, lower triangular: the distance is the length of
            (x - mean) @ root, (k, F, F).
        prints: Of the training films in units of the standard, (n, F).
        sources: Of the training films, (n,).
        counts: Training films of each source and class, (k, C).
        limit: Of the distance of a familiar film.
        n_validation: Films that the limit was fitted to.
    """

    standard: Standard
    means: NDArray[np.float32]
    roots: NDArray[np.float32]
    prints: NDArray[np.float32]
    sources: NDArray[np.int32]
    counts: NDArray[np.int32]
    limit: float
    n_validation: int

    @classmethod
    def fit(
        cls,
        train: NDArray[np.floating[Any]],
        labels: NDArray[np.int64],
        validation: NDArray[np.floating[Any]],
        n_classes: int,
    ) -> Self:
        """Find the sources of training films, and the limit by validation films.

        Args:
            train: Fingerprints, (n, F), n at least 20.
            labels: Of the training films, (n,).
            validation: Fingerprints, (m, F), m at least 20.
            n_classes: C.
        """
        from sklearn.covariance import LedoitWolf  # scikit-learn would hold up the window's start

        standard = Standard.of(train)
        prints = standard(train)
        sources = find_sources(train)
        means, roots, counts = [], [], []
        for source in range(int(sources.max()) + 1):
            films = prints[sources == source]
            fitted = LedoitWolf().fit(films)
            # A number that never varies must not make a film of another machine infinitely far.
            covariance = fitted.covariance_ + 1e-3 * np.eye(films.shape[1])
            means.append(films.mean(axis=0))
            roots.append(np.linalg.cholesky(np.linalg.inv(covariance)))
            counts.append(np.bincount(labels[sources == source], minlength=n_classes))
        reference = cls(
            standard,
            np.array(means, np.float32),
            np.array(roots, np.float32),
            prints.astype(np.float32),
            sources.astype(np.int32),
            np.array(counts, np.int32),
            _MOST_LIMIT,
            len(validation),
        )
        distances = reference.distances(validation).min(axis=1)
        limit = float(np.quantile(distances, FAMILIAR_SHARE, method="weibull")) * (1 + 1e-4)
        return replace(reference, limit=float(np.clip(limit, _LEAST_LIMIT, _MOST_LIMIT)))

    def distances(self, prints: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Return the distances of fingerprints (N, F) from each source, (N, k)."""
        with np.errstate(over="ignore", invalid="ignore"):
            centred = self.standard(prints)[:, None] - self.means  # (N, k, F)
            whitened = np.einsum("nkf,kfg->nkg", centred, self.roots.astype(np.float64))
            lengths = np.sqrt((whitened**2).sum(axis=2))
        return np.minimum(np.nan_to_num(lengths, nan=_MOST, posinf=_MOST), _MOST)

    def judge(self, prints: NDArray[np.floating[Any]], classes: Sequence[str]) -> list[Acquisition]:
        """Say of each film how its acquisition compares with the training sources.

        Args:
            prints: Fingerprints, (N, F).
            classes: Their names, to call the sources by.
        """
        judged = []
        spreads = self._spreads()
        for row, distances in zip(prints, self.distances(prints), strict=True):
            source = int(distances.argmin())
            centred = self.standard(row[None])[0]
            beside = np.flatnonzero(self.sources == source)
            apart = np.linalg.norm(self.prints[beside] - centred, axis=1)
            nearest = np.argsort(apart, kind="stable")[:N_EXAMPLES].tolist()
            judged.append(
                Acquisition(
                    float(distances[source]),
                    self.limit,
                    source,
                    self.source_name(source, classes),
                    differences((centred - self.means[source]) / spreads[source]),
                    tuple((int(beside[place]), float(apart[place])) for place in nearest),
                )
            )
        return judged

    def source_name(self, source: int, classes: Sequence[str]) -> Message:
        """Name a source by its number and its largest classes."""
        counts = self.counts[source]
        largest = [int(label) for label in np.argsort(-counts, kind="stable")[:2] if counts[label]]
        held = ", ".join(f"{classes[label]} {counts[label]}" for label in largest)
        return Message("source {letter} ({classes})", letter=chr(ord("A") + source), classes=held)

    def _spreads(self) -> NDArray[np.float64]:
        """Return the standard deviation of each number within each source, (k, F)."""
        spreads = []
        for source in range(len(self.means)):
            films = self.prints[self.sources == source]
            spreads.append(films.std(axis=0) if len(films) else np.ones(self.prints.shape[1]))
        return np.maximum(np.array(spreads, np.float64), 0.1)

    def to_parts(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return values for the card's JSON, and tensors."""
        description = AcquisitionDescription(
            version=print_of.VERSION, limit=self.limit, n_validation=self.n_validation
        )
        return description.model_dump(), {
            "mean": self.standard.mean,
            "spread": self.standard.spread,
            "sources.means": self.means,
            "sources.roots": self.roots,
            "sources.counts": self.counts,
            "prints": self.prints,
            "sources": self.sources,
        }

    @classmethod
    def from_parts(
        cls,
        values: Mapping[str, Any],
        arrays: Mapping[str, NDArray[Any]],
        *,
        n_films: int,
        n_classes: int,
    ) -> Self:
        """Read what `to_parts` made.

        Raises:
            ValueError: A name, type, shape or number is not as `to_parts` writes it.
        """
        description = AcquisitionDescription.model_validate(values)  # a ValueError of pydantic's
        width, k = print_of.LENGTH, len(arrays.get("sources.means", ()))
        shapes: dict[str, tuple[int, ...]] = {
            "mean": (width,),
            "spread": (width,),
            "sources.means": (k, width),
            "sources.roots": (k, width, width),
            "sources.counts": (k, n_classes),
            "prints": (n_films, width),
            "sources": (n_films,),
        }
        is_whole = {"sources.counts", "sources"}
        _require(1 <= k <= MOST_SOURCES and arrays.keys() == shapes.keys(), "names")
        for name, array in arrays.items():
            kind = np.int32 if name in is_whole else np.float32
            _require(array.dtype == kind and array.shape == shapes[name], name)
            if name not in is_whole:  # the comparison is false for NaN
                _require(bool((np.abs(array) <= _LARGEST).all()), name)
        _require(bool((arrays["spread"] > 0).all()), "spread")
        sources, counts = arrays["sources"], arrays["sources.counts"]
        _require(bool((sources >= 0).all() and (sources < k).all()), "sources")
        found = np.bincount(sources, minlength=k)
        _require(bool((counts >= 0).all()) and bool((counts.sum(axis=1) == found).all()), "counts")
        return cls(
            Standard(arrays["mean"], arrays["spread"]),
            arrays["sources.means"],
            arrays["sources.roots"],
            arrays["prints"],
            sources,
            counts,
            description.limit,
            description.n_validation,
        )


def _require(is_valid: bool, name: str) -> None:
    if not is_valid:
        raise ValueError(f"the tensor {name} of the training sources is not as it must be")
