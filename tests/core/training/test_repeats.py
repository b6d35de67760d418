import dataclasses

import pytest
from scipy import stats

from core.config import TrainingConfig
from core.data.dataset import LoadedDataset
from core.errors import DatasetError
from core.evaluation.repeated import LearningCurve, SplitBias, SplitPair, Spread
from core.events import Progress
from core.training import repeats as module
from core.training.repeats import compare_splits, learning_curve, repeat_seeds
from core.workspace import Workspace

pytestmark = pytest.mark.usefixtures("narrow_network")


def test_models_of_other_seeds_are_told_apart_and_nothing_is_left_of_them(
    loaded: LoadedDataset, config: TrainingConfig, shared_workspace: Workspace
) -> None:
    recipe = config.changed(epochs=1)
    *steps, spread = repeat_seeds(recipe, loaded, 2, "cpu", shared_workspace)
    assert isinstance(spread, Spread)
    assert all(isinstance(step, Progress) for step in steps)
    assert [one.seed for one in spread.repeats] == [recipe.seed, recipe.seed + 1]
    assert len({frozenset(one.answers) for one in spread.repeats}) == 1  # the same test X-rays
    for one in spread.variations:
        values = [repeat.value(one.name, one.label) for repeat in spread.repeats]
        assert (one.least, one.most) == (min(values), max(values))
    votes = spread.by_luck
    assert all(sum(counts.values()) == 2 for counts in votes.values())
    assert len(votes) == sum(
        spread.repeats[0].answers[digest] != spread.repeats[1].answers[digest]
        for digest in spread.repeats[0].answers
    )
    assert list(shared_workspace.runs.iterdir()) == []


def test_a_learning_curve_grows_by_patients(
    loaded: LoadedDataset,
    config: TrainingConfig,
    shared_workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "SHARES", (0.5, 1.0))
    *_, found = learning_curve(config.changed(epochs=1), loaded, "cpu", shared_workspace)
    assert isinstance(found, LearningCurve)
    few, many = found.repeats
    assert few.n_train_patients == pytest.approx(many.n_train_patients / 2, abs=2)
    assert few.n_train_patients < few.n_train < many.n_train
    assert few.answers.keys() == many.answers.keys()


def test_stopping_leaves_nothing_and_weights_of_others_are_refused(
    loaded: LoadedDataset, config: TrainingConfig, shared_workspace: Workspace
) -> None:
    running = repeat_seeds(config, loaded, 2, "cpu", shared_workspace)
    while next(running).total == 0:  # type: ignore[union-attr]
        pass
    running.close()  # type: ignore[attr-defined]
    assert list(shared_workspace.runs.iterdir()) == []
    begun = config.changed(initial_weights="published")
    with pytest.raises(DatasetError, match="began with the weights published"):
        next(repeat_seeds(begun, loaded, 2, "cpu", shared_workspace))


def test_a_split_by_image_leaks_patients_and_one_by_patient_does_not(
    loaded: LoadedDataset,
    config: TrainingConfig,
    shared_workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "N_PAIRS", 2)
    *_, found = compare_splits(config.changed(epochs=1), loaded, "cpu", shared_workspace)
    assert isinstance(found, SplitBias)
    assert [pair.seed for pair in found.pairs] == [config.seed, config.seed + 1]
    assert all(0 < pair.n_leaking <= pair.n_test for pair in found.pairs)
    alone = tuple(record.name for record in loaded.dataset.records)
    grouping = dataclasses.replace(loaded.grouping, groups=alone)
    single = dataclasses.replace(loaded, grouping=grouping)
    with pytest.raises(DatasetError, match="are the same"):
        next(iter(compare_splits(config, single, "cpu", shared_workspace)))


def test_the_difference_of_splits_has_students_paired_interval() -> None:
    rows = [(0.8, 0.9), (0.7, 0.85), (0.75, 0.8)]
    found = SplitBias(tuple(SplitPair(n, *row, 10, 5) for n, row in enumerate(rows)))
    ours, theirs = ([row[n] for row in rows] for n in (0, 1))
    known = stats.ttest_rel(theirs, ours)
    mean, ends = found.difference
    assert mean == pytest.approx(0.1)
    assert ends == pytest.approx(tuple(known.confidence_interval()))
