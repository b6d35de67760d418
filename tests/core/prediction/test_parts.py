import json

import numpy as np
import pytest

from core.prediction.novelty import TrainingMemory
from tests.core.prediction.made_films import digest


@pytest.fixture
def parts(memory):
    values, arrays = memory.to_parts()
    return json.loads(json.dumps(values)), {name: array.copy() for name, array in arrays.items()}


def reopened(parts, train, **changes):
    asked = {"n_features": 48, "n_classes": 3, "train_digests": train.digests} | changes
    return TrainingMemory.from_parts(parts[0], parts[1], **asked)


def test_a_memory_survives_the_file(parts, memory, train, new):
    again = reopened(parts, train)

    assert again.judge(new.features, new.films) == memory.judge(new.features, new.films)
    for ours, theirs in zip(
        memory.nearest(new.features[0]), again.nearest(new.features[0]), strict=True
    ):
        assert (ours.label, ours.digest, ours.distance) == (
            theirs.label,
            theirs.digest,
            theirs.distance,
        )
        assert np.array_equal(ours.thumbnail, theirs.thumbnail)
    assert (again.n_validation, again.familiar_share) == (30, memory.familiar_share)


def test_the_order_of_the_cards_digests_does_not_matter(parts, memory, train):
    card = (digest(77_777), *reversed(train.digests))

    assert reopened(parts, train, train_digests=card).digests == memory.digests


def test_tensors_are_small_and_of_the_types_that_a_model_file_takes(parts):
    arrays = parts[1]

    assert all(name.startswith("novelty.") for name in arrays)
    assert {str(array.dtype) for array in arrays.values()} <= {"float32", "uint8", "int32"}
    assert sum(array.nbytes for array in arrays.values()) < 1 << 20


def test_a_memory_without_thumbnails_survives_too(parts, train):
    del parts[1]["novelty.thumbnails"]

    assert reopened(parts, train).nearest(train.features[0])[0].thumbnail is None


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


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_whatever_is_odd_is_refused(parts, train, change):
    change(*parts)

    with pytest.raises(ValueError, match="novelty"):
        reopened(parts, train)


@pytest.mark.parametrize("values", [None, [], "text", 1, {}, {1: 2}])
def test_what_is_no_description_is_refused(parts, train, values):
    with pytest.raises(ValueError, match="novelty"):
        reopened((values, parts[1]), train)


def test_it_must_fit_the_network_and_the_card(parts, train):
    for changes in ({"n_features": 47}, {"n_features": 2048}, {"n_classes": 2}):
        with pytest.raises(ValueError, match="novelty"):
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
            memory = reopened((values, changed), train)
        except ValueError:
            continue
        n_let_in += 1
        for novelty in memory.judge(new.features[:2], [new.films[0], 255 - new.films[1]]):
            assert np.isfinite(novelty.score)
        assert all(np.isfinite(near.distance) for near in memory.nearest(new.features[0]))

    assert n_let_in > 20
