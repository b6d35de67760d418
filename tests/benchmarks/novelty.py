"""Compare the product's way of telling strange pictures from films with others, in one run.

    python tests/benchmarks/novelty.py MODEL DATA.zip [OTHER.zip] [--pictures FOLDER] [--number 40]

MODEL was trained on DATA.zip; its card tells which films were for training, validation and test.
Every method is fitted to the training films and gets the limit that 95 % of the validation films
pass. False alarms are counted on the test films, which nothing was fitted to, on validation and
test films redrawn many times, and on OTHER.zip's films, also on those alone that are no copies
of training films; strange pictures are drawn or made of the test films (see
`novelty_pictures.py`), and read from FOLDER, one subfolder a kind.

product        what the program does: Mahalanobis distance, look and colour as one score
Mahalanobis    the first of these alone: roots of the pooled features, one mean, 64 axes
by class       the same with a mean for each class and the whole covariance, shrunk by a tenth
nearest 5      mean distance to the nearest five training films, roots of length 1
plain image    the second alone: how the picture looks, without the network
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from novelty_pictures import Picture, drawn, folders, spoilt
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from core.data.dataset import LoadedDataset, load_dataset
from core.images.reading import load_xray
from core.prediction.appearance import ImageFeatures, coloured_share, grey
from core.prediction.classifier import Classifier
from core.prediction.novelty import FilmSet, NoveltyReference, Scale, combined, fit_novelty, root
from core.statistics import wilson_interval
from core.workspace import Workspace

Scores = NDArray[np.float64]
Judge = Callable[[NDArray[np.float32], Sequence[Picture]], Scores]
BATCH_SIZE = 16
SAME_FILM = 0.98  # correlation of 32-pixel thumbnails


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """Pictures as the network takes them and its features of them."""

    features: NDArray[np.float32]
    films: list[Picture]

    @classmethod
    def by(cls, classifier: Classifier, pictures: Sequence[Picture]) -> "Seen":
        films = [classifier.prepare(np.ascontiguousarray(picture)) for picture in pictures]
        batches = [films[at : at + BATCH_SIZE] for at in range(0, len(films), BATCH_SIZE)]
        found = [classifier.outputs(batch).features for batch in batches]
        return cls(np.concatenate(found), films)


def by_class(train: FilmSet) -> Judge:
    """Mahalanobis distance to the nearest class mean (Lee et al., NeurIPS 2018)."""
    points, labels = root(train.features).astype(np.float64), train.labels
    classes = np.unique(labels)
    means = np.stack([points[labels == label].mean(axis=0) for label in classes])
    left = points - means[np.searchsorted(classes, labels)]
    covariance = left.T @ left / len(left)
    average = np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    values, axes = np.linalg.eigh(0.9 * covariance + 0.1 * average)

    def judge(features: NDArray[np.float32], films: Sequence[Picture]) -> Scores:
        away = root(features)[:, None] - means  # (N, C, F)
        return (((away @ axes) ** 2) / values).sum(axis=2).min(axis=1)

    return judge


def nearest(train: FilmSet, n: int = 5) -> Judge:
    """Mean distance to the nearest films, features of length 1 (Sun et al., ICML 2022)."""

    def unit(features: NDArray[np.float32]) -> Scores:
        points = root(features).astype(np.float64)
        return points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-12)

    known = unit(train.features)

    def judge(features: NDArray[np.float32], films: Sequence[Picture]) -> Scores:
        squared = np.maximum(2 - 2 * unit(features) @ known.T, 0)
        return np.sqrt(np.sort(squared, axis=1)[:, :n]).mean(axis=1)

    return judge


def methods(memory: NoveltyReference, train: FilmSet) -> dict[str, Judge]:
    """The product's way first."""

    def product(features: NDArray[np.float32], films: Sequence[Picture]) -> Scores:
        return np.array([novelty.score for novelty in memory.judge(features, films)])

    return {
        "product": product,
        "Mahalanobis": lambda features, films: memory.features.distances(root(features)),
        "by class": by_class(train),
        "nearest 5": nearest(train),
        "plain image": lambda features, films: memory.image.distances(ImageFeatures.of(films)),
    }


def limit(scores: Scores) -> float:
    """Return the limit that 95 % of validation films pass, as in `core.prediction.novelty`."""
    return float(np.quantile(scores, 0.95, method="weibull"))


def redrawn(
    memory: NoveltyReference,
    judges: dict[str, Judge],
    films: FilmSet,
    groups: NDArray[np.str_],
    n_draws: int = 200,
) -> dict[str, float]:
    """Mean rate of false alarms where half of the patients set the limit and half are asked."""
    random = np.random.default_rng(0)
    names = np.unique(groups)
    scores = {name: judge(films.features, films.films) for name, judge in judges.items()}
    distances = (
        memory.features.distances(root(films.features)),
        memory.image.distances(ImageFeatures.of(films.films)),
        np.array([coloured_share(film) for film in films.films]),
    )
    rates: dict[str, list[float]] = {name: [] for name in judges}
    for _ in range(n_draws):
        is_limit = np.isin(groups, random.permutation(names)[: len(names) // 2])
        scale = Scale.fit(*(some[is_limit] for some in distances))
        for name, some in scores.items():
            is_strange = some > limit(some[is_limit])
            if name == "product":
                is_strange = combined(scale.scores(*distances)) > 1
            rates[name].append(float(is_strange[~is_limit].mean()))
    return {name: float(np.mean(some)) for name, some in rates.items()}


def read(zips: Sequence[Path], size: int) -> LoadedDataset:
    *_, loaded = load_dataset(list(zips), Workspace.of_user(), size)
    assert isinstance(loaded, LoadedDataset)
    return loaded


def unlike(films: Sequence[Picture], known: Sequence[Picture]) -> list[int]:
    """Tell the films that are no copies of known ones."""
    thumbs, others = (
        ImageFeatures.of(some).thumbs.reshape(len(some), -1) / np.sqrt(32 * 32)
        for some in (films, known)
    )
    is_copy = (thumbs @ others.T).max(axis=1) > SAME_FILM * (thumbs**2).sum(axis=1)
    return np.flatnonzero(~is_copy).tolist()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("other", type=Path, nargs="?")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER")
    parser.add_argument("--number", type=int, default=40, help="drawn pictures of each kind")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures, too")
    arguments = parser.parse_args()

    classifier = Classifier.open(arguments.model)
    card, size = classifier.card, classifier.card.preprocessing.image_size
    loaded = read([arguments.data], size)
    records = {record.digest: record for record in loaded.dataset.records}

    def part(name: str) -> FilmSet:
        digests = tuple(digest for digest in card.split[name] if digest in records)
        films = [np.asarray(loaded.cache.image(digest)) for digest in digests]
        labels = np.array([records[digest].label for digest in digests], np.int64)
        return FilmSet(Seen.by(classifier, films).features, films, labels, digests)

    train, validation, test = part("train"), part("validation"), part("test")
    memory = fit_novelty(train, validation, keep_thumbnails=False)
    if memory is None:
        raise SystemExit("There are too few films to fit anything.")
    judges = methods(memory, train)
    print(f"{len(train)} training, {len(validation)} validation, {len(test)} test films")
    print(f"{'':24s}{'n':>5s}", *(f"{name:>14s}" for name in judges), "  said by the product")
    limits = {
        name: limit(judge(validation.features, validation.films)) for name, judge in judges.items()
    }
    limits["product"] = 1.0
    test_scores = {name: judge(test.features, test.films) for name, judge in judges.items()}
    figures: dict[str, dict[str, list[float]]] = {}

    def report(kind: str, seen: Seen, *, is_film: bool) -> None:
        cells, figures[kind] = [], {}
        for name, judge in judges.items():
            scores = judge(seen.features, seen.films)
            n_strange = int((scores > limits[name]).sum())
            if is_film:
                low, high = wilson_interval(n_strange, len(scores))
                cells.append(f"{n_strange:d} ({low:.0%}-{high:.0%})")
                figures[kind][name] = [n_strange / len(scores), low, high]
            else:
                both = np.concatenate([scores, test_scores[name]])
                area = roc_auc_score(np.arange(len(both)) < len(scores), both)
                cells.append(f"{area:.3f} {n_strange / len(scores):4.0%}")
                figures[kind][name] = [area, n_strange / len(scores)]
        said = Counter(novelty.kind for novelty in memory.judge(seen.features, seen.films))
        words = ", ".join(f"{n} {what}" for what, n in said.most_common())
        print(f"{kind:24s}{len(seen.films):5d}", *(f"{cell:>14s}" for cell in cells), f"  {words}")

    print("films: false alarms, 95 % interval of the rate")
    report("validation (fitted)", Seen(validation.features, list(validation.films)), is_film=True)
    report("test", Seen(test.features, list(test.films)), is_film=True)
    both = FilmSet(
        np.concatenate([validation.features, test.features]),
        [*validation.films, *test.films],
        np.concatenate([validation.labels, test.labels]),
        validation.digests + test.digests,
    )
    group_of = {
        record.digest: group
        for record, group in zip(loaded.dataset.records, loaded.grouping.groups, strict=True)
    }
    groups = np.array([group_of[digest] for digest in both.digests])
    anew = redrawn(memory, judges, both, groups)
    figures["redrawn"] = {name: [rate] for name, rate in anew.items()}
    cells = (f"{rate:14.1%}" for rate in anew.values())
    print(f"{'both, redrawn':24s}{len(both):5d}", *cells, "  mean of 200 draws by patient")
    if arguments.other:
        other = read([arguments.other], size)
        films = [np.asarray(other.cache.image(record.digest)) for record in other.dataset.records]
        report("other, all", Seen.by(classifier, films), is_film=True)
        new = [films[row] for row in unlike(films, [*train.films, *validation.films])]
        if new:
            report("other, no copies", Seen.by(classifier, new), is_film=True)
    print("strange pictures: area under the ROC curve against the test films, detection rate")
    kinds = drawn(arguments.number)
    if arguments.pictures:
        kinds |= folders(arguments.pictures)
    kinds |= spoilt([grey(load_xray(records[digest].path)) for digest in test.digests])
    for kind, pictures in kinds.items():
        report(kind, Seen.by(classifier, pictures), is_film=False)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
