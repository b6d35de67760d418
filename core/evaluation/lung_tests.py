"""Tests of what a model's answers rest on: the lungs, or what lies around them.

None of them proves anything alone, so the summary counts them all: what the network's features
tell about the source, answers without the lungs and from the lungs alone, and answers to lungs in
the frame of another X-ray. Each has a control.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from core.errors import Message
from core.evaluation.intervals import Area, Floats, Ints, Share, area_under_curve, clustered_share
from core.events import Progress
from core.prediction.lungs import MASK_SIDE, LungField

Picture = NDArray[np.uint8]
Network = Callable[[Picture], Floats]  # images (N, S, S) or (N, S, S, 3) -> probabilities (N, C)
Fill = Literal["mean", "noise"]

MOST_FILMS: Final = 300  # the lungs of more need not be looked for
N_PAIRS: Final = 100
LEAST_FILMS: Final = 20
LEAST_PATIENTS: Final = 10  # on each side of a probe
_N_FOLDS: Final = 5
_MARGIN: Final = 9  # pixels of 128: a lung's rim is often left out of its outline
_FEATHER: Final = 2.0
_BATCH: Final = 32
_PROBE_FAILS: Final = 0.75  # AUROC
_TOLD: Final = 0.6  # AUROC; 0.5 is none, and a margin for what lies around the lungs
_SEED: Final = 20260102
_STAGE = Message("Testing whether the model reads the lungs")


@dataclass(frozen=True, slots=True, eq=False)
class Pictured:
    """One X-ray as the network takes it, with its lungs where they were found reliably."""

    image: Picture  # (S, S) or (S, S, 3)
    lungs: LungField | None
    truth: int
    patient: int


@dataclass(frozen=True, slots=True)
class Probe:
    """Separation by the network's features of what is no disease, within one class."""

    label: int
    asked: str  # "source", "format" or "size"
    n: int
    area: Area
    control: Area  # the same with shuffled values

    @property
    def fails(self) -> bool:
        """True where the features surely tell it, and the control does not."""
        return self.area.interval[0] > _PROBE_FAILS > self.control.value


@dataclass(frozen=True, slots=True)
class Removal:
    """Right answers with something painted over."""

    kept: Literal["all", "without_lungs", "lungs_only", "without_as_much_elsewhere"]
    fill: Fill | None
    right: Share
    same_answer: Share  # as to the whole X-ray
    areas: tuple[Area | None, ...]  # of each class against the rest; None: one side is missing


@dataclass(frozen=True, slots=True)
class Swap:
    """Answers to the lungs of one X-ray in the frame of another."""

    is_control: bool  # both of one class
    followed_frame: Share
    followed_lungs: Share


@dataclass(frozen=True, slots=True)
class Retrained:
    """The same recipe at 64 pixels, trained and tested on X-rays without their lungs."""

    n_train: int  # X-rays
    n_without_lungs: int  # X-rays whose lungs were not found reliably: left out
    right: Share
    areas: tuple[Area | None, ...]  # of each class against the rest; None: one side is missing
    chance: float  # share of the most frequent class among the tested

    @property
    def told(self) -> tuple[int, ...]:
        """Classes that it surely tells from the rest."""
        return _surely_told([self.areas])


@dataclass(frozen=True, slots=True)
class LungTests:
    """Results, and how many X-rays had no reliable lungs."""

    n_films: int
    n_without_lungs: int
    removals: tuple[Removal, ...]
    swaps: tuple[Swap, ...]
    probes: tuple[Probe, ...]
    chance: float  # share of the most frequent class
    retrained: Retrained | None = None  # None: not asked for

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the tests that speak against the model."""
        return tuple(
            name
            for name, fails in (
                ("probe", any(probe.fails for probe in self.probes)),
                ("without_lungs", bool(self.told_without_lungs)),
                ("swap", self._follows_frame()),
                ("retrained", self.retrained is not None and bool(self.retrained.told)),
            )
            if fails
        )

    @property
    def told_without_lungs(self) -> tuple[int, ...]:
        """Classes that are surely told from the rest without the lungs, whatever fills them."""
        return _surely_told([one.areas for one in self.removals if one.kept == "without_lungs"])

    def _follows_frame(self) -> bool:
        return any(
            swap.followed_frame.interval[0] > swap.followed_lungs.value
            for swap in self.swaps
            if not swap.is_control
        )

    @property
    def summary(self) -> Message:
        """A sentence that rests on all tests."""
        n_tests = sum(map(bool, (self.probes, self.removals, self.swaps, self.retrained)))
        if not n_tests:
            return Message("Too few X-rays with reliable lungs to test what the answers rest on.")
        if not self.failed:
            return Message(
                "None of {n} tests shows that the answers rest on what is not lung. That does not "
                "prove that they rest on the lungs.",
                n=n_tests,
            )
        return Message(
            "{k} of {n} tests show that the answers rest on what is not lung.",
            k=len(self.failed),
            n=n_tests,
        )


def _surely_told(several: Sequence[Sequence[Area | None]]) -> tuple[int, ...]:
    """Return the classes that are told from the rest in each of several answers."""
    return tuple(
        label
        for label, areas in enumerate(zip(*several, strict=True))
        if all(area is not None and area.interval[0] > _TOLD for area in areas)
    )


def lung_tests(
    films: Sequence[Pictured],
    network: Network,
    probes: Sequence[Probe],
) -> Generator[Progress, None, LungTests]:
    """Run the tests that need no further training.

    Args:
        films: Of the evaluated X-rays, at most MOST_FILMS.
        network: Answers images with probabilities.
        probes: From `probe_features`.
    """
    usable = [film for film in films if film.lungs is not None]
    removals: tuple[Removal, ...] = ()
    swaps: tuple[Swap, ...] = ()
    if len(usable) >= LEAST_FILMS:
        removals = yield from _removals(usable, network)
        swaps = yield from _swaps(usable, network)
    chance = max(np.bincount([film.truth for film in usable])) / len(usable) if usable else 0.0
    return LungTests(
        len(films), len(films) - len(usable), removals, swaps, tuple(probes), float(chance)
    )


def _mask(film: Pictured, margin: int = _MARGIN) -> NDArray[np.float64]:
    """Return the lungs with a margin, feathered, at the image's size, 0 to 1."""
    assert film.lungs is not None
    picture = Image.fromarray(film.lungs.mask.astype(np.uint8) * 255)
    if margin:
        picture = picture.filter(ImageFilter.MaxFilter(2 * margin + 1))
    picture = picture.filter(ImageFilter.GaussianBlur(_FEATHER))
    side = len(film.image)
    return np.asarray(picture.resize((side, side), Image.Resampling.BILINEAR)) / 255.0


def _blend(image: Picture, other: NDArray[Any], mask: NDArray[np.float64]) -> Picture:
    """Put `other` where the mask is 1."""
    alpha = mask[..., None] if image.ndim == 3 else mask
    return np.rint(image * (1 - alpha) + other * alpha).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Grey levels around the lungs of many X-rays; those of one would tell of its frame."""

    mean: float
    deviation: float

    @classmethod
    def of(cls, films: Sequence[Pictured]) -> "Surroundings":
        """Measure X-rays whose lungs were found."""
        outside = [film.image[_mask(film) < 0.5] for film in films]
        return cls(
            float(np.mean([levels.mean() for levels in outside])),
            float(np.mean([levels.std() for levels in outside])),
        )


def without_lung_box(image: Picture, lungs: LungField, level: float) -> Picture:
    """Return a picture (S, S) with the rectangle around both lungs, and a margin, painted over.

    A network that is trained on such pictures would learn the outline of the lungs, and the
    opacities that an outline leaves out; a rectangle has neither.
    """
    top, bottom, left, right = _box(lungs)
    scale = len(image) / MASK_SIDE
    low, high = (max(0, int((start - _MARGIN) * scale)) for start in (top, left))
    down, across = (int(np.ceil((end + _MARGIN) * scale)) for end in (bottom, right))
    painted = image.copy()
    painted[low:down, high:across] = round(level)
    return painted


def _filled(
    image: Picture, mask: NDArray[np.float64], around: Surroundings, fill: Fill, seed: int
) -> Picture:
    """Paint over what the mask covers, by the mean or the noise of other X-rays."""
    if fill == "mean":
        return _blend(image, np.full(image.shape, around.mean), mask)
    random = np.random.default_rng([_SEED, seed])
    noise = np.clip(random.normal(around.mean, around.deviation + 1, image.shape), 0, 255)
    return _blend(image, noise, mask)


def without_lungs(film: Pictured, around: Surroundings, fill: Fill = "mean") -> Picture:
    """Return an X-ray whose lungs, with a margin, are painted over."""
    return _filled(film.image, _mask(film), around, fill, 0)


def _answers(images: Sequence[Picture], network: Network) -> Generator[Progress, None, Floats]:
    """Return the probabilities of images, (N, C)."""
    found = []
    for start in range(0, len(images), _BATCH):
        batch = images[start : start + _BATCH]
        found.append(network(_stacked(batch)))
        yield Progress(_STAGE, min(start + _BATCH, len(images)), len(images))
    return np.concatenate(found)


def _stacked(images: Sequence[Picture]) -> Picture:
    """Stack grey and coloured images alike."""
    if all(image.ndim == 2 for image in images):
        return np.stack(images)
    return np.stack([np.stack([one] * 3, axis=2) if one.ndim == 2 else one for one in images])


def _removals(
    films: Sequence[Pictured], network: Network
) -> Generator[Progress, None, tuple[Removal, ...]]:
    truth = np.array([film.truth for film in films])
    patients = np.array([film.patient for film in films])
    whole = yield from _answers([film.image for film in films], network)

    def row(kept: Any, fill: Fill | None, answers: Floats) -> Removal:
        predicted = answers.argmax(axis=1)
        return Removal(
            kept,
            fill,
            clustered_share(predicted == truth, patients),
            clustered_share(predicted == whole.argmax(axis=1), patients),
            tuple(
                class_area(column, truth == label, patients)
                for label, column in enumerate(answers.T)
            ),
        )

    masks = [_mask(film) for film in films]
    # As much elsewhere: the mask of the lungs, moved half a picture down and sideways.
    away = [np.roll(mask, (len(mask) // 2, len(mask) // 4), (0, 1)) for mask in masks]
    around = Surroundings.of(films)
    rows = [row("all", None, whole)]
    fills: tuple[Fill, Fill] = ("mean", "noise")
    for kept, chosen in (
        ("without_lungs", masks),
        ("lungs_only", [1 - mask for mask in masks]),
        ("without_as_much_elsewhere", away),
    ):
        for fill in fills:
            images = [
                _filled(film.image, mask, around, fill, number)
                for number, (film, mask) in enumerate(zip(films, chosen, strict=True))
            ]
            answers = yield from _answers(images, network)
            rows.append(row(kept, fill, answers))
    return tuple(rows)


def class_area(scores: Floats, positive: NDArray[np.bool_], patients: Ints) -> Area | None:
    """Return the area of a class against the rest; None where one side is missing."""
    if positive.all() or not positive.any():
        return None
    return area_under_curve(scores, positive, patients)


def _swaps(
    films: Sequence[Pictured], network: Network
) -> Generator[Progress, None, tuple[Swap, ...]]:
    truth = np.array([film.truth for film in films])
    patients = np.array([film.patient for film in films])
    whole = (yield from _answers([film.image for film in films], network)).argmax(axis=1)
    random = np.random.default_rng(_SEED)
    found = []
    for is_control in (False, True):
        pairs = [
            (lung, frame)
            for lung, frame in random.permutation(
                [(a, b) for a in range(len(films)) for b in range(len(films))]
            ).tolist()
            if patients[lung] != patients[frame]
            and films[lung].image.ndim == films[frame].image.ndim
            and bool(truth[lung] == truth[frame]) is is_control
            # An answer can only follow one of two that differ; the control asks if it stays.
            and (is_control or whole[lung] != whole[frame])
        ][:N_PAIRS]
        if len(pairs) < LEAST_FILMS:
            continue
        images = [swapped(films[lung], films[frame]) for lung, frame in pairs]
        answers = (yield from _answers(images, network)).argmax(axis=1)
        lungs, frames = np.array(pairs).T
        found.append(
            Swap(
                is_control,
                clustered_share(answers == whole[frames], patients[frames]),
                clustered_share(answers == whole[lungs], patients[lungs]),
            )
        )
    return tuple(found)


def swapped(lung: Pictured, frame: Pictured) -> Picture:
    """Return the lungs of one X-ray in the frame of another, brought to the place of its own."""
    assert lung.lungs is not None
    assert frame.lungs is not None
    (top, bottom, left, right), (up, down, start, end) = _box(lung.lungs), _box(frame.lungs)
    side = len(frame.image)
    scale = len(lung.image) / side
    across, along = (right - left) / (end - start), (bottom - top) / (down - up)
    # From the frame's pixels to the lung's.
    moved = Image.fromarray(lung.image).transform(
        (side, side),
        Image.Transform.AFFINE,
        (
            across * scale,
            0,
            (left - start * across) * scale * side / MASK_SIDE,
            0,
            along * scale,
            (top - up * along) * scale * side / MASK_SIDE,
        ),
        Image.Resampling.BILINEAR,
    )
    return _blend(frame.image, np.asarray(moved), _mask(frame, margin=2))


def _box(lungs: LungField) -> tuple[int, int, int, int]:
    """Return top, bottom, left and right of the lungs on 128 x 128 pixels."""
    rows = np.flatnonzero(lungs.mask.any(axis=1))
    columns = np.flatnonzero(lungs.mask.any(axis=0))
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def probe_features(
    features: Floats,
    properties: Mapping[str, Sequence[str | None]],
    labels: Ints,
    patients: Ints,
) -> list[Probe]:
    """Ask whether the network's features tell a property within one class.

    A linear probe (Alain and Bengio, ICLR 2017 workshop), out of fold by patients, of the most
    frequent value against the others.

    Args:
        features: Of X-rays, (N, F).
        properties: What may be told of them: "source", "format", "size" -> value of each X-ray.
        labels: Classes, (N,).
        patients: (N,).
    """
    found = []
    for asked, values in properties.items():
        column = np.array(["" if value is None else value for value in values], dtype=object)
        for label in np.unique(labels).tolist():
            members = (labels == label) & (column != "")
            if not members.any():
                continue
            kinds, counts = np.unique(column[members].astype(str), return_counts=True)
            is_most = column[members] == kinds[counts.argmax()]
            sides = (patients[members][is_most], patients[members][~is_most])
            if min(len(np.unique(side)) for side in sides) < LEAST_PATIENTS:
                continue
            area = _probed(features[members], is_most, patients[members])
            shuffled = np.random.default_rng([_SEED, label]).permutation(is_most)
            control = _probed(features[members], shuffled, patients[members])
            if area is not None and control is not None:
                found.append(Probe(label, asked, int(members.sum()), area, control))
    return found


def _probed(features: Floats, positive: NDArray[np.bool_], patients: Ints) -> Area | None:
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    n_parts = min(20, len(features) // 4, features.shape[1])
    probe = make_pipeline(
        StandardScaler(), PCA(n_parts, random_state=0), LogisticRegression(C=0.1, max_iter=500)
    )
    try:
        scores = cross_val_predict(
            probe,
            features,
            positive,
            groups=patients,
            cv=GroupKFold(_N_FOLDS),
            method="decision_function",
        )
        return area_under_curve(np.asarray(scores, np.float64), positive, patients)
    except ValueError:  # a fold without one of the sides
        return None
