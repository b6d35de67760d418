"""Calibration, novelty and test in the model file that training leaves."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter

from core.config import TrainingConfig
from core.data.batches import class_weights
from core.data.dataset import LoadedDataset, load_dataset
from core.data.splits import split
from core.evaluation.evaluate import ModelEvaluation, evaluate_model
from core.events import TrainingDone
from core.models.dataset_findings import DatasetFindings
from core.models.model_file import open_model, read_card
from core.prediction.calibration import COVERAGE, calibration_of
from core.prediction.classifier import Classifier
from core.prediction.novelty import FilmSet, fit_novelty
from core.prediction.reading import FilmResult, read_films
from core.prediction.verdict import ModelLimits
from core.runtime.devices import Device
from core.training import final_fit
from core.training.loop import TrainingData, train
from core.training.run_folder import RunFolder
from core.training.run_models import CardWriter, RunModels
from core.workspace import Workspace
from tests.core.conftest import CLASSES, draw
from tests.made_runs import description

PER_CLASS = 45
pytestmark = pytest.mark.usefixtures("narrow_network")


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> TrainingData:
    """Films enough for a validation part that calibrates."""
    folder = tmp_path_factory.mktemp("many")
    for label, name in enumerate(CLASSES):
        (folder / "films" / name).mkdir(parents=True)
        for number in range(PER_CLASS):
            film = Image.fromarray(draw(label, 100 + number))
            film.save(folder / "films" / name / f"{label}{number:03d}_0.png")
    *_, loaded = load_dataset([folder / "films"], Workspace(folder / "home"), 32)
    assert isinstance(loaded, LoadedDataset)
    shares = TrainingConfig(validation_share=0.4, test_share=0.2)
    return TrainingData(
        loaded.dataset, loaded.cache, split(loaded.dataset, loaded.grouping, shares)
    )


def trained(
    config: TrainingConfig, data: TrainingData, device: Device, folder: Path
) -> tuple[RunFolder, TrainingDone]:
    run = RunFolder.create(folder, description())
    *_, done = train(config, data, run, device)
    assert isinstance(done, TrainingDone)
    return run, done


@pytest.fixture(scope="module")
def run(
    narrow_network: None,
    config: TrainingConfig,
    many: TrainingData,
    cpu: Device,
    tmp_path_factory: pytest.TempPathFactory,
) -> RunFolder:
    config = config.changed(is_keeping_thumbnails=True)
    return trained(config, many, cpu, tmp_path_factory.mktemp("runs") / "run")[0]


@pytest.fixture
def train_again(
    config: TrainingConfig, many: TrainingData, cpu: Device, tmp_path: Path
) -> Callable[[], tuple[RunFolder, TrainingDone]]:
    return lambda: trained(config.changed(epochs=1), many, cpu, tmp_path / "run")


def test_the_best_model_is_calibrated_on_validation_films_and_tried_on_test_films(
    run: RunFolder, many: TrainingData
) -> None:
    classifier = Classifier.open(run.best)
    calibration, splits = classifier.calibration, many.splits
    assert calibration is not None
    assert (calibration.n, calibration.n_test) == (len(splits.validation), len(splits.test))
    assert calibration.test_coverage is not None
    assert calibration.test_coverage > COVERAGE - 0.15
    # It is that of the weights in the file.
    records = [many.dataset.records[index] for index in many.splits.validation]
    films = [many.cache.image(record.digest) for record in records]
    probabilities = np.array([one.probabilities for one in classifier.opinions(films)])
    truth = np.array([record.label for record in records])
    loss = -np.log(probabilities[np.arange(len(truth)), truth].astype(np.float64)).mean()
    assert loss == pytest.approx(calibration.loss_after, abs=1e-4)


def test_a_film_of_the_dataset_is_familiar_and_has_neighbours_that_were_trained_on(
    run: RunFolder, many: TrainingData
) -> None:
    classifier = Classifier.open(run.best)
    paths = [many.dataset.records[index].path for index in many.splits.test]
    films = [film for film in read_films(classifier, paths) if isinstance(film, FilmResult)]
    familiar = [film.opinion.novelty is not None and film.opinion.novelty.is_familiar
                for film in films]  # fmt: skip
    assert np.mean(familiar) > 0.7
    trained_on = {many.dataset.records[index].digest for index in many.splits.train}
    for film in films:
        assert len(film.opinion.neighbours) == 5
        assert {one.digest for one in film.opinion.neighbours} <= trained_on
        for one in film.opinion.neighbours:
            assert one.thumbnail is not None
            assert one.thumbnail.shape == (64, 64)


def test_a_picture_of_another_kind_is_not_familiar(run: RunFolder, tmp_path: Path) -> None:
    Image.fromarray(np.full((60, 60), 255, np.uint8)).save(tmp_path / "white.png")
    [film] = read_films(Classifier.open(run.best), [tmp_path / "white.png"])
    assert isinstance(film, FilmResult)
    assert film.opinion.novelty is not None
    assert not film.opinion.novelty.is_familiar


def test_pictures_are_kept_and_films_looked_at_only_where_allowed_and_evenly(
    train_again: Callable[[], tuple[RunFolder, TrainingDone]], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[np.ndarray] = []

    def noting(train: FilmSet, *rest: Any, **options: Any) -> object:
        seen.append(train.labels)
        return fit_novelty(train, *rest, **options)

    monkeypatch.setattr(final_fit, "MAX_FILMS", 24)
    monkeypatch.setattr(final_fit, "fit_novelty", noting)
    run, _ = train_again()
    opened = open_model(run.best)
    assert "novelty.features.mean" in opened.extras
    assert not any(array.dtype == np.uint8 and array.ndim == 3 for array in opened.extras.values())
    [labels] = seen
    assert np.bincount(labels).tolist() == [8, 8, 8]


def test_the_last_model_claims_nothing(run: RunFolder) -> None:
    opened = open_model(run.last)
    assert (opened.card.calibration, opened.card.novelty, opened.extras) == (None, None, {})
    classifier = Classifier.open(run.last)
    assert (classifier.calibration, classifier.novelty_reference) == (None, None)
    [opinion] = classifier.opinions([np.zeros((32, 32), np.uint8)])
    assert (opinion.is_calibrated, opinion.novelty, opinion.neighbours) == (False, None, ())


@pytest.mark.parametrize("balance", ["none", "weights", "sampling"])
def test_what_class_weights_did_is_taken_out_of_the_best_model_once(
    balance: str, config: TrainingConfig, many: TrainingData, cpu: Device, tmp_path: Path
) -> None:
    rare = [index for index in many.splits.train if many.dataset.records[index].label == 0]
    uneven = tuple(index for index in many.splits.train if index not in rare[4:])
    data = replace(many, splits=replace(many.splits, train=uneven))
    settings = config.changed(epochs=1, class_balance=balance)
    run, _ = trained(settings, data, cpu, tmp_path / "run")
    best, last = open_model(run.best), open_model(run.last)
    labels = np.array([many.dataset.records[index].label for index in uneven])
    weights = class_weights(labels, 3)
    expected = np.log(weights) if balance != "none" else np.zeros(3)
    assert weights[0] > 2
    taken_out = last.weights["fc.bias"] - best.weights["fc.bias"]
    np.testing.assert_allclose(taken_out, expected, atol=1e-5)
    assert best.card.prior_correction == pytest.approx(expected if balance != "none" else ())
    assert last.card.prior_correction == ()
    models = RunModels(run, CardWriter(settings, data.dataset, data.splits), None)
    again, correction = models.best_weights(np.log(weights) if balance != "none" else None)
    np.testing.assert_array_equal(again["fc.bias"], best.weights["fc.bias"])
    assert correction == best.card.prior_correction


def test_an_older_model_that_weighted_its_classes_is_not_called_calibrated(
    run: RunFolder, tmp_path: Path
) -> None:
    opened = open_model(run.best)
    calibration = calibration_of(opened.card)
    assert ModelLimits.of(opened.card, calibration).is_calibrated
    weighted = opened.card.training.changed(class_balance="weights")
    assert not ModelLimits.of(opened.card.changed(training=weighted), calibration).is_calibrated


def test_findings_of_the_dataset_go_into_the_card(
    config: TrainingConfig, many: TrainingData, cpu: Device, tmp_path: Path
) -> None:
    findings = DatasetFindings(counts=many.dataset.counts, single_source=(CLASSES[0],))
    data = replace(many, findings=findings)
    run, _ = trained(config.changed(epochs=1), data, cpu, tmp_path / "run")
    classifier = Classifier.open(run.best)
    assert classifier.card.findings == findings
    assert any(CLASSES[0] in str(warning) for warning in classifier.limits.warnings)


def test_a_training_film_saved_anew_is_known_and_another_film_is_not(
    run: RunFolder, many: TrainingData, tmp_path: Path
) -> None:
    classifier = Classifier.open(run.best)
    learned, new = (
        [many.dataset.records[index] for index in part[:12]]
        for part in (many.splits.train, many.splits.test)
    )
    paths = []
    for number, record in enumerate(learned):
        film = Image.open(record.path)
        paths.append(tmp_path / f"{number}.bmp")
        film.save(paths[-1])
    read = list(read_films(classifier, [*paths, *(record.path for record in new)]))
    seen = [film.seen for film in read if isinstance(film, FilmResult)]
    assert seen[:12] == ["copy"] * 12
    assert seen[12:].count("copy") <= 1


def test_films_from_another_machine_make_an_external_test_that_is_kept_beside_the_model(
    run: RunFolder, many: TrainingData, tmp_path: Path
) -> None:
    model = tmp_path / "model" / "best.safetensors"
    model.parent.mkdir()
    model.write_bytes(run.best.read_bytes())
    for record in many.dataset.records[::3]:
        film = Image.open(record.path).resize((300, 220)).filter(ImageFilter.UnsharpMask(3, 300))
        name = CLASSES[record.label].replace("_", " ").lower()  # spelled otherwise
        path = tmp_path / "elsewhere" / name / record.path.name
        path.parent.mkdir(parents=True, exist_ok=True)
        film.save(path)
    workspace = Workspace(tmp_path / "home")
    *_, loaded = load_dataset([tmp_path / "elsewhere"], workspace, 32)
    assert isinstance(loaded, LoadedDataset)
    *_, evaluated = evaluate_model(model, loaded, "test", workspace, "cpu")
    assert isinstance(evaluated, ModelEvaluation)
    assert evaluated.external is not None
    assert evaluated.external.n == evaluated.result.n == len(loaded.dataset.records)
    assert evaluated.external.accuracy == pytest.approx(evaluated.result.accuracy)
    assert str(evaluated.external.words()) in map(str, evaluated.warnings)
    classifier = Classifier.open(model)
    assert classifier.limits.external.tests == (evaluated.external,)
    paths = [record.path for record in loaded.dataset.records]
    films = [film for film in read_films(classifier, paths) if isinstance(film, FilmResult)]
    assert np.mean([bool(film.opinion.tests_like_it) for film in films]) > 0.8
    levels = {film.verdict.level for film in films if "source" in film.verdict.rules}
    assert levels == {"not_reliable"}


def test_too_few_validation_films_leave_the_model_uncalibrated(
    config: TrainingConfig, data: TrainingData, cpu: Device, tmp_path: Path
) -> None:
    run, _ = trained(config.changed(epochs=1), data, cpu, tmp_path / "run")
    card = read_card(run.best)
    assert (card.calibration, card.novelty) == (None, None)


def test_training_ends_well_even_where_its_films_cannot_be_remembered(
    train_again: Callable[[], tuple[RunFolder, TrainingDone]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def failing(*_: object, **__: object) -> None:
        raise np.linalg.LinAlgError("singular")

    monkeypatch.setattr(final_fit, "fit_novelty", failing)
    run, done = train_again()
    assert done.test_accuracy is not None
    card = read_card(run.best)
    assert card.novelty is None
    assert card.calibration is not None
    assert "cannot be remembered" in caplog.text
