import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.config import Preprocessing, TrainingConfig
from core.data.batches import BatchSource
from core.data.dataset import LoadedDataset, load_dataset
from core.data.splits import Splits, split
from core.errors import DatasetError, DeviceError, Message, ModelFileError
from core.evaluation import evaluate as module
from core.evaluation.comparison import ModelComparison
from core.evaluation.evaluate import (
    ModelEvaluation,
    evaluate_model,
    films_of_part,
    paddle_network,
    score,
)
from core.evaluation.metrics import evaluation
from core.evaluation.model_comparison import MOST_MODELS, compare_models
from core.evaluation.study import Study, TrainingCases, study_of
from core.evaluation.training_cases import training_cases
from core.events import Progress
from core.models.model_file import save_model
from core.models.resnet import build_resnet, to_input
from core.models.weights import to_arrays
from core.prediction.classifier import Classifier
from core.prediction.reading import read_films
from core.runtime.devices import Device
from core.runtime.paddle import paddle, seed_everything
from core.training.run_models import CardWriter
from core.workspace import Workspace

pytestmark = pytest.mark.usefixtures("narrow_network")
CONFIG = TrainingConfig(preprocessing=Preprocessing(image_size=32, mean=0.4, std=0.25))


def saved(path: Path, loaded: LoadedDataset, splits: Splits) -> Path:
    """An untrained model of these films: what it answers is all the same here."""
    seed_everything(0)
    card = CardWriter(CONFIG, loaded.dataset, splits)(1, 1, None, None)
    save_model(path, card, to_arrays(build_resnet("resnet18", len(card.classes))))
    return path


@pytest.fixture(scope="module")
def splits(loaded: LoadedDataset) -> Splits:
    return split(loaded.dataset, loaded.grouping, TrainingConfig())


@pytest.fixture(scope="module")
def model(
    narrow_network: None,
    loaded: LoadedDataset,
    splits: Splits,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    return saved(tmp_path_factory.mktemp("model") / "best.safetensors", loaded, splits)


def evaluated(
    model: Path, loaded: LoadedDataset, part: str, workspace: Workspace
) -> ModelEvaluation:
    *_, last = evaluate_model(model, loaded, part, workspace, "cpu")  # type: ignore[arg-type]
    assert isinstance(last, ModelEvaluation)
    return last


def copied(loaded: LoadedDataset, folder: Path, rename: dict[str, str]) -> Path:
    """The same films under other file names, their classes called by `rename`."""
    for number, record in enumerate(loaded.dataset.records):
        name = loaded.dataset.classes[record.label]
        target = folder / rename.get(name, name) / f"x{number * 7919 % 1000:03d}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(record.path.read_bytes())
    return folder


def load(folder: Path, workspace: Workspace, size: int = 32) -> LoadedDataset:
    *_, loaded = load_dataset([folder], workspace, size)
    assert isinstance(loaded, LoadedDataset)
    return loaded


def test_all_films_are_evaluated_as_they_are_read_one_by_one(
    model: Path, loaded: LoadedDataset, shared_workspace: Workspace
) -> None:
    result = evaluated(model, loaded, "all", shared_workspace).result
    films = read_films(Classifier.open(model), [record.path for record in loaded.dataset.records])
    probabilities = np.stack([film.opinion.probabilities for film in films])  # type: ignore[union-attr]
    labels = np.array([record.label for record in loaded.dataset.records])
    expected = evaluation(np.log(probabilities.astype(float)), labels)
    assert result.n == 36
    assert np.array_equal(result.confusion, expected.confusion)
    assert result.loss == pytest.approx(expected.loss, abs=1e-4)


def test_the_test_part_is_what_training_kept_apart(
    model: Path, loaded: LoadedDataset, splits: Splits, shared_workspace: Workspace
) -> None:
    evaluation_of_test = evaluated(model, loaded, "test", shared_workspace)
    assert evaluation_of_test.result.n == len(splits.test)
    films = films_of_part(evaluation_of_test.card, loaded.dataset, "test")
    assert {film.digest for film in films} == {
        loaded.dataset.records[index].digest for index in splits.test
    }


def test_test_films_are_known_by_content_under_any_name(
    model: Path,
    loaded: LoadedDataset,
    tmp_path: Path,
    workspace: Workspace,
    shared_workspace: Workspace,
) -> None:
    renamed = load(copied(loaded, tmp_path / "again", {}), workspace)
    one = evaluated(model, loaded, "test", shared_workspace).result
    other = evaluated(model, renamed, "test", workspace).result
    assert other.n == one.n
    assert np.array_equal(other.confusion, one.confusion)
    assert other.loss == pytest.approx(one.loss, abs=1e-6)


def test_progress_counts_batches_after_the_films_were_read_at_the_models_size(
    model: Path, films_folder: Path, workspace: Workspace
) -> None:
    loaded = load(films_folder, workspace, 40)
    *steps, _ = evaluate_model(model, loaded, "all", workspace, "cpu")
    assert steps[:36] == [Progress(Message("Reading films"), n + 1, 36) for n in range(36)]
    assert steps[36:38] == [Progress(Message("Evaluating"), n + 1, 2) for n in range(2)]
    assert {str(step.stage) for step in steps[38:]} == {"Answering the validation X-rays"}


def test_classes_that_the_model_does_not_know_are_refused_by_name(
    model: Path, loaded: LoadedDataset, tmp_path: Path, workspace: Workspace
) -> None:
    strange = load(copied(loaded, tmp_path / "other", {"NORMAL": "Healthy"}), workspace)
    with pytest.raises(
        DatasetError, match=r"does not know: Healthy. The model knows: COVID, NORMAL"
    ):
        evaluated(model, strange, "all", workspace)


def test_a_dataset_of_some_of_the_classes_keeps_the_models_order(
    model: Path, loaded: LoadedDataset, tmp_path: Path, workspace: Workspace
) -> None:
    folder = copied(loaded, tmp_path / "fewer", {})
    for file in (folder / "COVID").iterdir():
        file.unlink()
    fewer = load(folder, workspace)
    assert fewer.dataset.classes == ("NORMAL", "Viral_Pneumonia")
    result = evaluated(model, fewer, "all", workspace).result
    assert result.confusion.sum(axis=1).tolist() == [0, 12, 12]


def test_a_dataset_with_none_of_the_test_films_is_refused_with_the_remedy(
    model: Path, tmp_path: Path, workspace: Workspace
) -> None:
    for name in ("COVID", "NORMAL"):
        (tmp_path / "new" / name).mkdir(parents=True)
        for number in range(2):
            film = np.full((40, 40), 10 * number + len(name), np.uint8)
            Image.fromarray(film).save(tmp_path / "new" / name / f"{number}.png")
    other = load(tmp_path / "new", workspace)
    with pytest.raises(
        DatasetError, match=r"None of the model's test films is in new, .*all films"
    ):
        evaluated(model, other, "test", workspace)
    assert evaluated(model, other, "all", workspace).result.n == 4


def test_a_model_without_test_films_says_so(
    loaded: LoadedDataset, splits: Splits, tmp_path: Path, shared_workspace: Workspace
) -> None:
    few = dataclasses.replace(splits, test=())
    model = saved(tmp_path / "few.safetensors", loaded, few)
    with pytest.raises(DatasetError, match="so few films that none was kept for a test"):
        evaluated(model, loaded, "test", shared_workspace)


def test_a_file_that_is_no_model_is_refused(
    loaded: LoadedDataset, tmp_path: Path, shared_workspace: Workspace
) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(ModelFileError, match=r"model\.safetensors"):
        evaluated(tmp_path / "model.safetensors", loaded, "all", shared_workspace)


def test_a_score_is_the_evaluation_of_all_batches_whatever_their_size(
    loaded: LoadedDataset,
) -> None:
    network = build_resnet("resnet18", 3)
    records = loaded.dataset.records
    images = np.stack([loaded.cache.image(record.digest) for record in records])
    labels = np.array([record.label for record in records])
    answer = paddle_network(network, CONFIG.preprocessing)
    expected = evaluation(answer(images).logits, labels)
    source = BatchSource(loaded.cache, records, 7)
    scoring = score(answer, source, Message("Validating"))
    steps = []
    while True:
        try:
            steps.append(next(scoring))
        except StopIteration as end:
            result = end.value
            break
    assert steps == [Progress(Message("Validating"), n + 1, 6) for n in range(6)]
    assert np.array_equal(result.confusion, expected.confusion)
    assert result.loss == pytest.approx(expected.loss, abs=1e-5)


def test_a_test_film_whose_copy_was_used_in_training_does_not_count(
    loaded: LoadedDataset, splits: Splits, model: Path
) -> None:
    card = Classifier.open(model).card
    trained = {"train": splits.train, "validation": splits.validation}
    for part, others in trained.items():
        copy = loaded.dataset.records[others[0]].digest
        parts = {**card.split, "test": (*card.split["test"], copy)}
        films = films_of_part(card.changed(split=parts), loaded.dataset, "test")
        assert copy in parts[part]
        assert sorted(film.digest for film in films) == sorted(card.split["test"])


def test_a_test_film_counts_as_often_as_the_split_lists_it(
    loaded: LoadedDataset, model: Path
) -> None:
    card = Classifier.open(model).card
    first, second, *_ = card.split["test"]
    tripled = dataclasses.replace(loaded.dataset, records=loaded.dataset.records * 3)
    card = card.changed(split={**card.split, "test": (first, first, second)})
    films = films_of_part(card, tripled, "test")
    assert sorted(film.digest for film in films) == sorted([first, first, second])


def test_a_model_whose_test_films_were_all_trained_on_says_so(
    loaded: LoadedDataset, model: Path
) -> None:
    card = Classifier.open(model).card
    card = card.changed(split={**card.split, "kept": card.split["test"]})
    with pytest.raises(DatasetError, match=r"Copies of all .*all films of another dataset"):
        films_of_part(card, loaded.dataset, "test")


class TestPaddleNetwork:
    FILMS = np.random.default_rng(0).integers(0, 256, (4, 32, 32)).astype(np.uint8)

    def test_it_answers_in_evaluation_mode_without_gradients(self) -> None:
        network = build_resnet("resnet18", 3)
        network.train()
        outputs = paddle_network(network, CONFIG.preprocessing)(self.FILMS)
        assert not network.training
        assert paddle.is_grad_enabled()
        expected = network(to_input(self.FILMS, CONFIG.preprocessing)).numpy()
        np.testing.assert_allclose(outputs.logits, expected, atol=1e-6)

    def test_a_full_memory_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        network = build_resnet("resnet18", 3)

        def full(_: object) -> None:
            raise MemoryError

        monkeypatch.setattr(network, "features", full)
        with pytest.raises(DeviceError, match="does not hold 4 films"):
            paddle_network(network, CONFIG.preprocessing)(self.FILMS)


CARDS = (Device("cpu", "CPU", 1), Device("gpu:0", "a card", 1))


@pytest.mark.parametrize(
    ("device", "n_worth", "has_build", "is_on_card"),
    [
        ("auto", 1, True, True),
        ("auto", 1000, True, False),  # for few films Paddle is not worth loading
        ("auto", 1, False, False),
        ("cpu", 1, True, False),
        ("gpu", 1000, True, True),
    ],
)
def test_many_films_go_to_a_graphics_card(
    device: str,
    n_worth: int,
    has_build: bool,
    is_on_card: bool,
    model: Path,
    loaded: LoadedDataset,
    shared_workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    used: list[str] = []
    monkeypatch.setattr(module, "_WORTH_A_CARD", n_worth)
    monkeypatch.setattr(module, "may_have_cards", lambda: has_build)
    monkeypatch.setattr(module, "list_devices", lambda: CARDS)
    monkeypatch.setattr(module, "use_device", used.append)  # Paddle stays on the processor
    *_, there = evaluate_model(model, loaded, "all", shared_workspace, device)
    assert used == (["gpu:0"] if is_on_card else [])
    here = evaluated(model, loaded, "all", shared_workspace)
    assert isinstance(there, ModelEvaluation)
    assert there.result.loss == pytest.approx(here.result.loss, abs=1e-5)


def test_a_device_that_is_not_there_is_refused(
    model: Path, loaded: LoadedDataset, shared_workspace: Workspace
) -> None:
    with pytest.raises(DeviceError, match="no device gpu:63"):
        list(evaluate_model(model, loaded, "all", shared_workspace, "gpu:63"))


def test_class_folders_may_be_spelled_otherwise_or_mapped_but_never_guessed(
    model: Path, loaded: LoadedDataset
) -> None:
    card = Classifier.open(model).card
    names = loaded.dataset.classes
    spelled = tuple(name.replace("_", " ").upper() for name in names)
    dataset = dataclasses.replace(loaded.dataset, classes=spelled)
    assert [film.label for film in films_of_part(card, dataset, "all")] == [
        record.label for record in loaded.dataset.records
    ]
    foreign = dataclasses.replace(loaded.dataset, classes=("x", *names[1:]))
    with pytest.raises(DatasetError, match="does not know: x"):
        films_of_part(card, foreign, "all")
    assert films_of_part(card, foreign, "all", {"x": names[0]})
    twins = card.changed(
        classes=("A-1", "A1", names[2]),
        display_names={name: {"en": name, "zh_CN": name} for name in ("A-1", "A1", names[2])},
        findings=None,
    )
    either = dataclasses.replace(loaded.dataset, classes=("a 1", "A1", names[2]))
    with pytest.raises(DatasetError, match="does not know: a 1"):
        films_of_part(twins, either, "all")


def studied(evaluation_of_model: ModelEvaluation) -> Study:
    *_, study = study_of(evaluation_of_model)
    assert isinstance(study, Study)
    return study


def compared(one: ModelEvaluation, others: list[Path], workspace: Workspace) -> ModelComparison:
    *_, found = compare_models(one, studied(one), others, workspace)
    assert isinstance(found, ModelComparison)
    return found


def test_models_are_compared_on_x_rays_that_none_of_them_was_trained_on(
    model: Path, loaded: LoadedDataset, splits: Splits, tmp_path: Path, shared_workspace: Workspace
) -> None:
    first, second, *rest = splits.test
    other = dataclasses.replace(splits, train=(*splits.train, first), test=(second, *rest))
    rival = saved(tmp_path / "rival.safetensors", loaded, other)
    found = compared(evaluated(model, loaded, "all", shared_workspace), [rival], shared_workspace)
    groups = loaded.grouping.groups
    unseen = (*splits.test, *splits.kept)
    kept = [index for index in unseen if groups[index] != groups[first]]
    assert [one.right.n for one in found.models] == [len(kept)] * 2
    assert found.n_left_out == len(loaded.dataset.records) - len(kept)
    [pair] = found.pairs  # the same weights, so that nothing differs
    assert (pair.test.only_first, pair.test.only_second, pair.corrected) == (0, 0, 1.0)


def test_models_that_cannot_be_compared_are_refused(
    model: Path, loaded: LoadedDataset, splits: Splits, tmp_path: Path, shared_workspace: Workspace
) -> None:
    one = evaluated(model, loaded, "test", shared_workspace)
    classes = ("COVID", "NORMAL", "Something else")
    dataset = dataclasses.replace(loaded.dataset, classes=classes)
    others = dataclasses.replace(loaded, dataset=dataset)
    strange = saved(tmp_path / "strange.safetensors", others, splits)
    with pytest.raises(DatasetError, match="knows other classes"):
        compared(one, [strange], shared_workspace)
    with pytest.raises(DatasetError, match="too many"):
        compared(one, [model] * (MOST_MODELS + 1), shared_workspace)
    swapped = dataclasses.replace(splits, train=splits.test, test=splits.train)
    knowing = saved(tmp_path / "knowing.safetensors", loaded, swapped)
    with pytest.raises(DatasetError, match="nothing is left"):
        compared(one, [knowing], shared_workspace)


def test_the_flow_names_classes_as_the_model_does_whatever_their_order(
    model: Path, loaded: LoadedDataset, tmp_path: Path, workspace: Workspace
) -> None:
    folder = copied(loaded, tmp_path / "other", {"COVID": "z other", "NORMAL": "normal"})
    mapping = {"z other": "COVID"}
    *_, found = evaluate_model(model, load(folder, workspace), "all", workspace, "cpu", mapping)
    assert isinstance(found, ModelEvaluation)
    parts = studied(found).flow.parts
    assert {one.name for one in parts} == set(found.card.classes)
    own = {part: len(digests) for part, digests in found.card.split.items()}
    counts = {part: sum(one.n for one in parts if one.part == part) for part in own}
    assert counts == own


def test_training_cases_need_the_dataset_that_the_model_was_trained_on(
    model: Path, loaded: LoadedDataset, splits: Splits, tmp_path: Path, shared_workspace: Workspace
) -> None:
    swapped = dataclasses.replace(splits, train=splits.test, test=splits.train)
    parts = [[loaded.dataset.records[index] for index in part] for part in (splits.test,)]
    own = evaluated(
        saved(tmp_path / "one.safetensors", loaded, swapped), loaded, "all", shared_workspace
    )
    *_, found = training_cases(own, shared_workspace)
    assert isinstance(found, TrainingCases)
    assert found.n == len(parts[0])
    digests = {record.digest for record in parts[0]}
    assert {one.digest for one in found.highest_loss} <= digests
    none = own.card.changed(split={**own.card.split, "train": ()})
    with pytest.raises(DatasetError, match="None of the model's training X-rays"):
        list(training_cases(dataclasses.replace(own, card=none), shared_workspace))


def test_subgroups_know_what_dicom_files_and_tables_tell(
    model: Path, loaded: LoadedDataset, shared_workspace: Workspace
) -> None:
    one = evaluated(model, loaded, "all", shared_workspace)
    headers = {
        digest: dataclasses.replace(header, sex="FM"[n % 2], age=50.0, maker="AB"[n % 2])
        for n, (digest, header) in enumerate(loaded.cache.headers.items())
    }
    cache = dataclasses.replace(loaded.cache, headers=headers)
    records = tuple(dataclasses.replace(record, age=10.0) for record in one.raw.records[:12])
    raw = dataclasses.replace(one.raw, records=(*records, *one.raw.records[12:]))
    told = dataclasses.replace(one, loaded=dataclasses.replace(loaded, cache=cache), raw=raw)
    found = {(group.name, group.value): group.n for group in studied(told).subgroups}
    assert {("sex", "F"), ("sex", "M"), ("maker", "A"), ("maker", "B")} <= found.keys()
    assert (found["age", "0-17"], found["age", "40-59"]) == (12, 24)  # a table goes before a file
