import dataclasses
import json

import numpy as np
import pytest

from core.errors import Message
from core.phantom import CLASSES
from core.prediction.novelty import (
    LEAST_VALIDATION_FILMS,
    NoveltyReference,
    Scale,
    combined,
    fit_novelty,
)
from tests.core.prediction.made_films import digest, film_set


def kinds_of(novelties):
    return [novelty.kind for novelty in novelties]


def test_new_films_of_the_same_kind_are_familiar(reference, new):
    novelties = reference.judge(new.features, new.films)

    assert np.mean([novelty.is_familiar for novelty in novelties]) > 0.75  # of 24
    for novelty in novelties:
        assert novelty.is_familiar == (novelty.score <= novelty.threshold)
        assert novelty.is_familiar == (novelty.kind == "familiar")


def test_films_one_by_one_are_judged_as_all_together(reference, new):
    together = reference.judge(new.features, new.films)
    alone = [
        reference.judge(new.features[row : row + 1], new.films[row : row + 1])[0]
        for row in range(len(new))
    ]

    assert kinds_of(alone) == kinds_of(together)
    assert [one.score for one in alone] == pytest.approx([one.score for one in together], rel=1e-4)


def test_no_films_are_judged_at_once(reference):
    assert reference.judge(np.empty((0, 48), np.float32), []) == []


@pytest.mark.parametrize("level", [0, 90, 255])
def test_a_blank_picture_is_never_familiar(reference, train, level):
    blank = np.full((64, 64), level, np.uint8)

    (novelty,) = reference.judge(train.features[:1], [blank])

    assert not novelty.is_familiar
    assert novelty.kind == "blank"


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda film: np.rot90(film), "turned"),
        (lambda film: np.rot90(film, 2), "turned"),
        (lambda film: np.rot90(film, 3), "turned"),
        (lambda film: 255 - film, "negative"),
    ],
)
def test_turned_films_and_negatives_are_called_so(reference, new, change, kind):
    films = [change(film) for film in new.films]

    novelties = reference.judge(new.features, films)

    assert kinds_of(novelties).count(kind) > 0.8 * len(films)


def test_strange_films_are_told_by_what_is_strange_in_them(reference, train):
    film, known = train.films[0], train.features[:1]
    noise = np.random.default_rng(0).integers(0, 256, (64, 64)).astype(np.uint8)
    tinted = np.stack([film, film // 2, film // 3], axis=2)
    strange = 3 * np.random.default_rng(0).random(known.shape, np.float32)

    (of_noise,) = reference.judge(known, [noise])
    (of_tinted,) = reference.judge(known, [tinted])
    (of_strange,) = reference.judge(strange, [film])

    assert of_noise.kind == "not_a_chest_film"  # even where the network knows it
    assert not of_tinted.is_familiar
    assert "coloured" in str(of_tinted.reason)
    assert (of_strange.kind, of_strange.is_familiar) == ("unlike_training", False)


def test_every_kind_has_a_sentence_of_its_own(reference, new, train):
    random = np.random.default_rng(0)
    films = [
        new.films[0],
        np.rot90(new.films[0]),
        np.rot90(new.films[0], 2),
        255 - new.films[0],
        255 - np.rot90(new.films[0]),
        random.integers(0, 256, (64, 64)).astype(np.uint8),
        np.zeros((64, 64), np.uint8),
    ]

    reasons = [
        novelty.reason for novelty in reference.judge(np.repeat(new.features[:1], 7, 0), films)
    ]

    assert all(isinstance(reason, Message) for reason in reasons)
    assert len({str(reason) for reason in reasons}) == len(films)


def test_a_training_film_is_its_own_nearest(reference, train):
    nearest = reference.nearest(train.features[17])

    assert len(nearest) == 5
    assert nearest[0].digest == train.digests[17]
    assert nearest[0].label == train.labels[17]
    assert nearest[0].distance == pytest.approx(0, abs=1e-3)
    distances = [neighbour.distance for neighbour in nearest]
    assert distances == sorted(distances)
    assert len(reference.nearest(train.features[0], n=500)) == 90


def test_neighbours_of_a_film_are_mostly_of_its_class(reference, new):
    same = [
        neighbour.label == label
        for feature, label in zip(new.features, new.labels, strict=True)
        for neighbour in reference.nearest(feature)
    ]

    assert np.mean(same) > 0.7


def test_features_that_are_no_numbers_are_strange_and_have_no_neighbours(reference, new):
    for value in (np.nan, np.inf, 1e38):
        features = np.full((1, 48), value, np.float32)

        (novelty,) = reference.judge(features, new.films[:1])

        assert not novelty.is_familiar
        assert np.isfinite(novelty.score)
    assert reference.nearest(np.full(48, np.nan, np.float32)) == ()


def test_most_validation_films_are_familiar(reference):
    assert reference.n_validation == 30
    assert reference.familiar_share >= 0.95


def test_what_no_model_can_judge_by_leaves_no_reference(train, validation):
    broken = train.features.copy()
    broken[3, 3] = np.nan
    # Absurd features would give a model that does not open again.
    absurd, also = (
        dataclasses.replace(part, features=part.features * np.float32(1e20))
        for part in (train, validation)
    )
    for known, chosen_by in (
        (train, film_set(1000, LEAST_VALIDATION_FILMS - 1)),
        (film_set(0, 5), validation),
        (dataclasses.replace(train, features=broken), validation),
        (absurd, also),
    ):
        assert fit_novelty(known, chosen_by, CLASSES, keep_thumbnails=False) is None


def test_a_network_that_sees_nothing_can_be_fitted(train, validation):
    blind, also = (
        dataclasses.replace(part, features=np.zeros_like(part.features))
        for part in (train, validation)
    )

    reference = fit_novelty(blind, also, CLASSES, keep_thumbnails=False)

    assert reference is not None
    assert reference.familiar_share >= 0.95


def test_thumbnails_are_kept_only_where_allowed(train, validation, reference):
    without = fit_novelty(train, validation, CLASSES, keep_thumbnails=False)

    assert without is not None
    assert without.nearest(train.features[0])[0].thumbnail is None
    kept = reference.nearest(train.features[0])[0].thumbnail
    assert kept.shape == (64, 64)
    assert kept.dtype == np.uint8
    assert np.array_equal(kept, train.films[0])  # the films of these tests are as small


def test_the_same_films_give_the_same_reference(train, validation, reference):
    again = fit_novelty(train, validation, CLASSES, keep_thumbnails=True)

    assert again is not None
    ours, theirs = reference.to_parts(), again.to_parts()
    assert ours[0] == theirs[0]
    assert all(np.array_equal(ours[1][name], theirs[1][name]) for name in ours[1])


def distances(n, seed):
    random = np.random.default_rng(seed)
    shared = random.lognormal(0, 0.5, n)
    return (
        500 * shared * random.lognormal(0, 0.3, n),
        40 * shared * random.lognormal(0, 0.6, n),
        np.zeros(n),
    )


@pytest.mark.parametrize("n", [20, 66, 400])
def test_95_percent_of_the_validation_films_are_familiar(n):
    scale = Scale.fit(*distances(n, 0))

    n_strange = int((combined(scale.scores(*distances(n, 0))) > 1).sum())

    assert n_strange == n - int((n + 1) * 0.95)
    assert n_strange <= 0.05 * n


@pytest.mark.parametrize("n", [20, 60])
def test_of_new_films_5_percent_are_strange_on_average(n):
    rates = []
    for seed in range(150):
        scale = Scale.fit(*distances(n, seed))
        rates.append(np.mean(combined(scale.scores(*distances(500, 1000 + seed))) > 1))

    assert np.mean(rates) == pytest.approx(0.05, abs=0.015)


def test_what_is_far_in_one_respect_is_strange():
    near = distances(60, 0)
    scale = Scale.fit(*near)
    far = [np.full(1, np.median(some)) for some in near]

    for which, value in enumerate((1e5, 1e4, 0.5)):
        parts = [some.copy() for some in far]
        parts[which][0] = value
        assert combined(scale.scores(*parts))[0] > 1


def test_films_like_all_validation_films_are_not_strange():
    features, images, _ = distances(60, 0)
    scale = Scale.fit(features, images, np.full(60, 0.9))  # colours of the training films
    assert combined(scale.scores(features[:1], images[:1], np.ones(1)))[0] < 1
    scale = Scale.fit(np.full(30, 7.0), np.full(30, 3.0), np.zeros(30))
    assert combined(scale.scores(np.full(1, 7.0), np.full(1, 3.0), np.zeros(1)))[0] <= 1


def test_distances_that_are_no_numbers_are_as_strange_as_can_be():
    scale = Scale.fit(*distances(60, 0))
    no_number = np.array([np.nan, np.inf])

    scores = combined(scale.scores(no_number, no_number, np.zeros(2)))

    assert np.isfinite(scores).all()
    assert scores.min() > 10


def parts_of(reference):
    values, arrays = reference.to_parts()
    return json.loads(json.dumps(values)), {name: array.copy() for name, array in arrays.items()}


@pytest.fixture
def parts(reference):
    return parts_of(reference)


def reopened(parts, train, name="", **changes):
    """Read a changed reference; `name` tells in a traceback which change was let in."""
    asked = {"n_features": 48, "classes": CLASSES, "train_digests": train.digests} | changes
    return NoveltyReference.from_parts(parts[0], parts[1], **asked)


def test_a_reference_survives_the_file(parts, reference, train, new):
    again = reopened(parts, train)

    assert again.judge(new.features, new.films) == reference.judge(new.features, new.films)
    for ours, theirs in zip(
        reference.nearest(new.features[0]), again.nearest(new.features[0]), strict=True
    ):
        assert (ours.label, ours.digest, ours.distance) == (
            theirs.label,
            theirs.digest,
            theirs.distance,
        )
        assert np.array_equal(ours.thumbnail, theirs.thumbnail)
    assert (again.n_validation, again.familiar_share) == (30, reference.familiar_share)
    del parts[1]["novelty.thumbnails"]
    assert reopened(parts, train).nearest(train.features[0])[0].thumbnail is None


def test_the_order_of_the_cards_digests_does_not_matter(parts, reference, train):
    card = (digest(77_777), *reversed(train.digests))

    assert reopened(parts, train, train_digests=card).digests == reference.digests


def test_tensors_are_small_and_of_the_types_that_a_model_file_takes(parts):
    arrays = parts[1]

    assert all(name.startswith("novelty.") for name in arrays)
    assert {str(array.dtype) for array in arrays.values()} <= {"float32", "uint8", "int32"}
    assert sum(array.nbytes for array in arrays.values()) < 1 << 20


def _set(path, value):
    def change(values, arrays):
        *parents, last = path
        for parent in parents:
            values = values[parent]
        values[last] = value

    return change


def _array(name, make):
    def change(values, arrays):
        arrays[f"novelty.{name}"] = make(arrays[f"novelty.{name}"])

    return change


def _poked(value):
    def make(array):
        array.reshape(-1)[-1] = value
        return array

    return make


def _remove(which, name):
    def change(values, arrays):
        del (values, arrays)[which][name]

    return change


FLOATS = (
    "features.mean",
    "features.axes",
    "features.variances",
    "image.mean",
    "image.eigen_films",
    "image.scale",
    "image.likeness.mean",
    "image.likeness.axes",
    "image.likeness.variances",
    "places",
)
ALL = (*FLOATS, "digests", "labels", "thumbnails")
HOSTILE = {
    **{
        f"{name} {value}": _array(name, _poked(value))
        for name in FLOATS
        for value in (np.nan, np.inf, -np.inf, 3e38)
    },
    **{f"{name} longer": _array(name, lambda a: np.concatenate([a, a])) for name in ALL},
    **{f"{name} flat": _array(name, lambda a: a.reshape(-1)[:7]) for name in ALL},
    **{f"{name} deeper": _array(name, lambda a: a[None]) for name in ALL},
    **{f"{name} a scalar": _array(name, lambda a: np.zeros((), a.dtype)) for name in ALL},
    **{f"{name} empty": _array(name, lambda a: a[:0]) for name in ALL},
    **{f"{name} of another type": _array(name, lambda a: a.astype(np.float64)) for name in ALL},
    **{f"{name} a list": _array(name, lambda a: a.tolist()) for name in ALL},
    **{f"{name} missing": _remove(1, f"novelty.{name}") for name in ALL if name != "thumbnails"},
    "a tensor too many": lambda values, arrays: arrays.update({"novelty.more": np.zeros(2)}),
    "a tensor of another name": lambda values, arrays: arrays.update({"fc.weight": np.zeros(2)}),
    "a name that begins not so": lambda values, arrays: arrays.update(
        {"places": arrays.pop("novelty.places")}
    ),
    "variance nought": _array("features.variances", _poked(0)),
    "variance negative": _array("image.likeness.variances", _poked(-1)),
    "scale nought": _array("image.scale", _poked(0)),
    "label too large": _array("labels", _poked(3)),
    "label negative": _array("labels", _poked(-1)),
    "label huge": _array("labels", _poked(2**31 - 1)),
    "film unknown": _array("digests", _poked(99)),
    **{
        f"{key} missing": _remove(0, key)
        for key in ("version", "n_validation", "familiar_share", "scale")
    },
    "an entry too many": _set(["more"], 1),
    "a number of the scale too many": _set(["scale", "more"], 1.0),
    "version of the future": _set(["version"], 2),
    "version true": _set(["version"], True),
    "version a fraction": _set(["version"], 1.0),
    "version a text": _set(["version"], "1"),
    **{
        f"n_validation {value!r}": _set(["n_validation"], value)
        for value in (True, 0, -1, 2.0, 10**30, None, "30", [30], float("nan"))
    },
    **{
        f"familiar_share {value!r}": _set(["familiar_share"], value)
        for value in (True, -0.1, 1.1, 10**400, None, "1", {}, float("nan"), float("inf"))
    },
    **{
        f"{key} {value!r}": _set(["scale", key], value)
        for key in ("feature_middle", "image_spread", "colour_limit")
        for value in (False, 1e9, -1e9, 10**400, None, "1", [], float("nan"), float("inf"))
    },
    "spread nought": _set(["scale", "feature_spread"], 0),
    "spread negative": _set(["scale", "image_spread"], -1.0),
    "scale a list": _set(["scale"], [1, 1, 1, 1, 1]),
    "scale null": _set(["scale"], None),
}


def test_whatever_is_odd_is_refused(reference, train):
    for name, change in HOSTILE.items():
        parts = parts_of(reference)
        change(*parts)
        with pytest.raises(ValueError, match="novelty"):
            reopened(parts, train, name=name)
    _, arrays = parts_of(reference)
    for values in (None, [], "text", 1, {}, {1: 2}):
        with pytest.raises(ValueError, match="novelty"):
            reopened((values, arrays), train)


def test_it_must_fit_the_network_and_the_card(parts, train):
    for changes in ({"n_features": 47}, {"n_features": 2048}, {"classes": CLASSES[:2]}):
        with pytest.raises(ValueError, match=r"novelty|sources"):
            reopened(parts, train, **changes)
    for digests in ((), train.digests[1:]):
        with pytest.raises(ValueError, match="novelty"):
            reopened(parts, train, train_digests=digests)


def test_whatever_is_let_in_judges_with_finite_numbers(parts, train, new):
    random = np.random.default_rng(0)
    values, arrays = parts
    n_let_in = 0
    for _ in range(200):
        changed = {name: array.copy() for name, array in arrays.items()}
        name = str(random.choice(list(changed)))
        content = changed[name].view(np.uint8).reshape(-1)
        where = random.integers(len(content), size=4)
        content[where] = random.integers(0, 256, 4)
        try:
            reference = reopened((values, changed), train)
        except ValueError:
            continue
        n_let_in += 1
        for novelty in reference.judge(new.features[:2], [new.films[0], 255 - new.films[1]]):
            assert np.isfinite(novelty.score)
        assert all(np.isfinite(near.distance) for near in reference.nearest(new.features[0]))

    assert n_let_in > 20
