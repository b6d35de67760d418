"""Model files that lie about what they know: plain refusals, and the model in use stays."""

import contextlib
import hashlib
import json
import pickle
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.config import Preprocessing
from core.errors import ModelFileError
from core.images.fingerprint import LENGTH
from core.images.reading import READER_VERSION
from core.models.dataset_findings import DatasetFindings
from core.models.model_file import save_model
from core.models.weights import expected_shapes
from core.phantom import CLASSES
from core.prediction.calibration import fit_calibration
from core.prediction.classifier import Classifier
from core.prediction.novelty import FilmSet, fit_novelty
from tests.core.models.model_bytes import (
    arrays_for,
    card,
    mutated,
    opened_up,
    sealed,
    with_text,
)

N_TRAIN, N_VALIDATION, SIZE = 40, 24, 32
pytestmark = pytest.mark.usefixtures("narrow_network")
Change = Callable[[dict[str, Any]], object]


def film_set(n: int, n_features: int, seed: int) -> FilmSet:
    random = np.random.default_rng(seed)
    films = random.integers(0, 256, (n, SIZE, SIZE)).astype(np.uint8)
    return FilmSet(
        features=random.uniform(0, 2, (n, n_features)).astype(np.float32),
        films=list(films),
        labels=np.arange(n) % 3,
        digests=tuple(hashlib.sha256(f"{seed} {k}".encode()).hexdigest() for k in range(n)),
        prints=random.normal(0, 1, (n, LENGTH)).astype(np.float32),
    )


@pytest.fixture(scope="module")
def honest(narrow_network: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file with all that one can know of itself."""
    shapes = expected_shapes("resnet18", 3)
    n_features = shapes["fc.weight"][1]
    train = film_set(N_TRAIN, n_features, 1)
    validation = film_set(N_VALIDATION, n_features, 2)
    memory = fit_novelty(train, validation, CLASSES, keep_thumbnails=True)
    assert memory is not None
    values, extras = memory.to_parts()
    random = np.random.default_rng(0)
    calibration = fit_calibration(random.normal(size=(60, 3)), np.arange(60) % 3)
    assert calibration is not None
    path = tmp_path_factory.mktemp("models") / "honest.safetensors"
    own = card(
        preprocessing=Preprocessing(image_size=SIZE),
        reader_version=READER_VERSION,
        split={"train": train.digests, "validation": (), "test": (), "kept": ()},
        calibration=calibration.to_json(),
        novelty=values,
        findings=DatasetFindings(counts=dict.fromkeys(card().classes, 50)),
    )
    save_model(path, own, arrays_for(shapes), extras)
    return path


def card_with(change: Change) -> Callable[[Path], bytes]:
    def altered(path: Path) -> bytes:
        header, body, values = opened_up(path)
        change(values)
        return sealed(header, body, values)

    return altered


def calibration_with(**changes: object) -> Callable[[Path], bytes]:
    return card_with(lambda values: values["calibration"].update(changes))


def novelty_with(**changes: object) -> Callable[[Path], bytes]:
    return card_with(lambda values: values["novelty"].update(changes))


def scale_with(**changes: object) -> Callable[[Path], bytes]:
    return card_with(lambda values: values["novelty"]["scale"].update(changes))


def tensor_filled(name: str, value: float) -> Callable[[Path], bytes]:
    """One tensor holds but this number; checksum and header fit."""

    def altered(path: Path) -> bytes:
        header, body, values = opened_up(path)
        entry = header[f"novelty.{name}"]
        start, end = entry["data_offsets"]
        dtype = {"F32": "<f4", "I32": "<i4", "U8": "u1"}[entry["dtype"]]
        filled = np.full((end - start) // np.dtype(dtype).itemsize, value, dtype)
        return sealed(header, body[:start] + filled.tobytes() + body[end:], values)

    return altered


def without_tensor(name: str) -> Callable[[Path], bytes]:
    """A tensor is gone from list, header and body alike."""

    def altered(path: Path) -> bytes:
        header, body, values = opened_up(path)
        start, end = header.pop(f"novelty.{name}")["data_offsets"]
        del values["extras"][f"novelty.{name}"]
        for entry in header.values():
            if "data_offsets" in entry and entry["data_offsets"][0] >= end:
                entry["data_offsets"] = [at - (end - start) for at in entry["data_offsets"]]
        return sealed(header, body[:start] + body[end:], values)

    return altered


def reshaped(name: str, shape: list[int]) -> Callable[[Path], bytes]:
    """List and header agree on another shape of as many values."""

    def altered(path: Path) -> bytes:
        header, body, values = opened_up(path)
        header[f"novelty.{name}"]["shape"] = shape
        values["extras"][f"novelty.{name}"]["shape"] = shape
        return sealed(header, body, values)

    return altered


def renamed(old: str, new: str) -> Callable[[Path], bytes]:
    """The last tensor of the file is called otherwise, everywhere."""

    def altered(path: Path) -> bytes:
        header, body, values = opened_up(path)
        header[f"novelty.{new}"] = header.pop(f"novelty.{old}")
        values["extras"][f"novelty.{new}"] = values["extras"].pop(f"novelty.{old}")
        return sealed(header, body, values)

    return altered


def acquisition_with(**changes: object) -> Callable[[Path], bytes]:
    return card_with(lambda values: values["novelty"]["acquisition"].update(changes))


def findings_with(**changes: object) -> Callable[[Path], bytes]:
    return card_with(lambda values: values["findings"].update(changes))


HUGE = 10**18
HOSTILE: dict[str, Callable[[Path], bytes]] = {
    # the calibration
    "calibration a list": card_with(lambda v: v.update(calibration=[1])),
    "calibration a text": card_with(lambda v: v.update(calibration="1.0")),
    "calibration empty": card_with(lambda v: v.update(calibration={})),
    "calibration with more": calibration_with(run="os.system"),
    "temperature zero": calibration_with(temperature=0),
    "temperature negative": calibration_with(temperature=-1.0),
    "temperature tiny": calibration_with(temperature=1e-300),
    "temperature huge": calibration_with(temperature=1e300),
    "temperature true": calibration_with(temperature=True),
    "temperature a text": calibration_with(temperature="1"),
    "temperature null": calibration_with(temperature=None),
    "temperature a list": calibration_with(temperature=[1.0]),
    "threshold above one": calibration_with(set_threshold=1.01),
    "threshold negative": calibration_with(set_threshold=-0.5),
    "count negative": calibration_with(n=-1),
    "count a fraction": calibration_with(n=60.5),
    "count huge": calibration_with(n=HUGE),
    "error above one": calibration_with(ece_after=1.5),
    "coverage above one": calibration_with(test_coverage=7),
    "loss huge": calibration_with(loss_before=1e30),
    # the novelty's numbers
    "novelty a list": card_with(lambda v: v.update(novelty=[])),
    "novelty empty": card_with(lambda v: v.update(novelty={})),
    "novelty with more": novelty_with(__reduce__="os.system"),
    "novelty of another version": novelty_with(version=99),
    "version true": novelty_with(version=True),
    "version a text": novelty_with(version="1"),
    "no novelty, but tensors": card_with(lambda v: v.update(novelty=None)),
    "validation films negative": novelty_with(n_validation=-5),
    "validation films huge": novelty_with(n_validation=HUGE),
    "validation films a fraction": novelty_with(n_validation=20.5),
    "share above one": novelty_with(familiar_share=1.5),
    "share a text": novelty_with(familiar_share="0.95"),
    "scale a list": novelty_with(scale=[1, 2]),
    "scale empty": novelty_with(scale={}),
    "scale with more": scale_with(more=1.0),
    "spread zero": scale_with(feature_spread=0.0),
    "spread negative": scale_with(image_spread=-1.0),
    "spread a text": scale_with(feature_spread="x"),
    "middle huge": scale_with(feature_middle=1e300),
    "middle null": scale_with(image_middle=None),
    # the novelty's tensors
    **{
        f"{name} huge": tensor_filled(name, 1e30)
        for name in (
            "features.mean", "features.axes", "features.variances", "image.mean",
            "image.eigen_films", "image.scale", "image.likeness.mean",
            "image.likeness.axes", "image.likeness.variances", "places",
        )
    },
    "variances negative": tensor_filled("features.variances", -1.0),
    "variances zero": tensor_filled("image.likeness.variances", 0.0),
    "scale of pictures zero": tensor_filled("image.scale", 0.0),
    "labels out of range": tensor_filled("labels", 3),
    "labels negative": tensor_filled("labels", -1),
    "digests of no training film": tensor_filled("digests", 7),
    "axes missing": without_tensor("features.axes"),
    "digests missing": without_tensor("digests"),
    "labels missing": without_tensor("labels"),
    "places missing": without_tensor("places"),
    "thumbnails of another size": reshaped("thumbnails", [N_TRAIN, 128, 32]),
    "labels in a square": reshaped("labels", [N_TRAIN // 2, 2]),
    "digests in a row": reshaped("digests", [N_TRAIN * 32]),
    "thumbnails called otherwise": renamed("thumbnails", "zebra"),
    # the sources
    "sources without numbers": novelty_with(acquisition={}),
    "sources of another version": acquisition_with(version=2),
    "sources with more": acquisition_with(more=1),
    "limit of the sources negative": acquisition_with(limit=-1.0),
    "limit of the sources huge": acquisition_with(limit=1e300),
    "limit of the sources a text": acquisition_with(limit="9"),
    "sources fitted to nothing": acquisition_with(n_validation=0),
    "no sources, but tensors": novelty_with(acquisition=None),
    "copies everywhere": novelty_with(copy_limit=1e9),
    "copies a text": novelty_with(copy_limit="0"),
    **{
        f"{name} of the sources huge": tensor_filled(f"acquisition.{name}", 1e30)
        for name in ("mean", "spread", "sources.means", "sources.roots", "prints")
    },
    "spread of the sources zero": tensor_filled("acquisition.spread", 0.0),
    "spread of the sources negative": tensor_filled("acquisition.spread", -1.0),
    "a source that is not there": tensor_filled("acquisition.sources", 6),
    "a source below the first": tensor_filled("acquisition.sources", -1),
    "counts of the sources negative": tensor_filled("acquisition.sources.counts", -3),
    "counts of other films": tensor_filled("acquisition.sources.counts", 7),
    "fingerprints missing": without_tensor("acquisition.prints"),
    "roots missing": without_tensor("acquisition.sources.roots"),
    "fingerprints in a row": reshaped("acquisition.prints", [N_TRAIN * LENGTH]),
    # what was found in the dataset
    "findings a list": card_with(lambda v: v.update(findings=[])),
    "findings empty": findings_with(counts={}),
    "findings of other classes": findings_with(counts={"X": 1, "Y": 2}),
    "findings with more": findings_with(sentence="All is well."),
    "a source of a class that is not there": findings_with(single_source=["X"]),
    "a class told from itself": findings_with(
        told_apart=[{"one": CLASSES[0], "other": CLASSES[0], "auroc": 0.9}]
    ),
    "an area above one": findings_with(
        told_apart=[{"one": CLASSES[0], "other": CLASSES[1], "auroc": 1.5}]
    ),
    "a property nobody knows": findings_with(properties=[{"key": "{0.__class__}", "auroc": 0.9}]),
    "more leaks than films": findings_with(n_test=1, n_leaking=2),
    "counts negative": findings_with(n_left_out=-1),
    "patients a text": findings_with(has_patients="yes"),
    # what class weights did
    "a correction without weights": card_with(lambda v: v.update(prior_correction=[0.1, 0.2, 0.3])),
    "a correction of two classes": card_with(lambda v: v.update(prior_correction=[0.1, 0.2])),
    "a huge correction": card_with(lambda v: v.update(prior_correction=[1e30, 0.0, 0.0])),
    # how the calibration came about
    "a temperature that was not kept": calibration_with(status="unknown", temperature=2.0),
    "a status nobody knows": calibration_with(status="perfect"),
    "more covered than tested": calibration_with(n_test=1, coverage=[{"n": 1, "n_covered": 2}]),
    "films of another test": calibration_with(n_test=9, coverage=[{"n": 1, "n_covered": 0}]),
    "coverage a number": calibration_with(coverage=3),
    # what the training films are
    "training films gone": card_with(lambda v: v["split"].update(train=[])),
    "other training films": card_with(lambda v: v["split"].update(train=["0" * 64] * N_TRAIN)),
    "classes grown": card_with(lambda v: v.update(classes=[*v["classes"], "D"])),
    "a billion classes": card_with(lambda v: v.update(classes=10**9)),
    "image size huge": card_with(lambda v: v["preprocessing"].update(image_size=HUGE)),
    "another reader": card_with(lambda v: v.update(reader_version=READER_VERSION + 1)),
}  # fmt: skip


def test_the_honest_file_opens_and_answers(honest: Path) -> None:
    classifier = Classifier.open(honest)
    assert classifier.calibration is not None
    assert classifier.novelty_reference is not None
    [opinion] = classifier.opinions([np.zeros((SIZE, SIZE), np.uint8)])
    assert opinion.novelty is not None
    assert len(opinion.neighbours) == 5


@pytest.mark.parametrize("name", HOSTILE)
def test_a_lie_is_refused_in_a_plain_sentence(honest: Path, tmp_path: Path, name: str) -> None:
    victim = tmp_path / "victim.safetensors"
    victim.write_bytes(HOSTILE[name](honest))
    with pytest.raises(ModelFileError) as refusal:
        Classifier.open(victim)
    assert "victim.safetensors" in str(refusal.value)
    assert len(str(refusal.value)) < 500
    assert "\n" not in str(refusal.value)


class Touch:
    """Unpickling one would make a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> object:
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("place", ["calibration", "novelty", "extras", "operating_points"])
def test_a_pickle_in_the_card_is_never_run(honest: Path, tmp_path: Path, place: str) -> None:
    trace = tmp_path / "trace"
    code = pickle.dumps(Touch(trace), protocol=2).decode("latin-1")
    victim = tmp_path / "victim.safetensors"
    victim.write_bytes(card_with(lambda values: values.update({place: code}))(honest))
    with pytest.raises(ModelFileError):
        Classifier.open(victim)
    assert not trace.exists()


def test_a_pickle_for_a_tensor_is_never_run(honest: Path, tmp_path: Path) -> None:
    trace, victim = tmp_path / "trace", tmp_path / "victim.safetensors"
    header, body, values = opened_up(honest)
    code = pickle.dumps(Touch(trace))
    victim.write_bytes(sealed(header, code + body[len(code) :], values))
    with pytest.raises(ModelFileError):
        Classifier.open(victim)
    assert not trace.exists()


def test_weights_that_give_no_numbers_are_refused(honest: Path, tmp_path: Path) -> None:
    header, body, values = opened_up(honest)
    start, end = header["fc.weight"]["data_offsets"]
    absurd = np.full((end - start) // 4, 3e38, "<f4").tobytes()
    victim = tmp_path / "victim.safetensors"
    victim.write_bytes(sealed(header, body[:start] + absurd + body[end:], values))
    with pytest.raises(ModelFileError, match=r"victim\.safetensors is of no use"):
        Classifier.open(victim)


def test_opening_takes_less_memory_than_three_times_the_file(honest: Path) -> None:
    Classifier.open(honest)  # what is made once for the process
    tracemalloc.start()
    try:
        Classifier.open(honest)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3 * honest.stat().st_size


def _with_checksum(text: bytes, body: bytes) -> str:
    decoded = text.decode("utf-8", "replace")
    try:
        old = str(json.loads(text)["tensors_sha256"])
    except (ValueError, TypeError, KeyError):  # a change broke it
        return decoded
    return decoded.replace(old, hashlib.sha256(body).hexdigest()) if old else decoded


@pytest.mark.parametrize("n", [100, pytest.param(20_000, marks=pytest.mark.nightly)])
def test_of_many_random_changes_each_is_refused_or_answers(
    honest: Path, tmp_path: Path, n: int
) -> None:
    """Each is refused in words, or opens to a model that answers."""
    content, victim = honest.read_bytes(), tmp_path / "victim.safetensors"
    header, body, values = opened_up(honest)
    card_text = json.dumps(values).encode()
    random = np.random.default_rng(n)
    n_refused = 0
    for turn in range(n):
        if turn % 3:  # two in three reach the inner checks: their checksum fits
            text, inner = card_text, body
            if turn % 3 == 1:
                at = int(random.integers(len(body) // 2, len(body) - 8))
                inner = body[:at] + random.bytes(4) + body[at + 4 :]
            else:
                text = mutated(card_text, random)
            victim.write_bytes(with_text(header, inner, _with_checksum(text, inner)))
        else:
            victim.write_bytes(mutated(content, random))
        try:
            classifier = Classifier.open(victim)
        except ModelFileError:
            n_refused += 1
            continue
        with contextlib.suppress(ModelFileError):
            [opinion] = classifier.opinions([np.zeros((SIZE, SIZE), np.uint8)])
            assert np.isfinite(opinion.probabilities).all()
    assert n // 4 < n_refused
