from collections.abc import Generator
from typing import Any

import numpy as np
import pytest

from core.config import TrainingConfig
from core.data.dataset import LoadedDataset
from core.data.records import Record
from core.data.splits import Splits
from core.errors import DatasetError
from core.evaluation.figures import Answered
from core.evaluation.lung_tests import Retrained
from core.events import Progress
from core.prediction.lungs import LungField
from core.training import lung_control as module
from core.training.lung_control import SIZE_PX, retrain_without_lungs
from core.workspace import Workspace

MASK = np.zeros((128, 128), np.bool_)
MASK[40:88, 20:108] = True


def test_the_network_never_sees_what_is_inside_the_rectangle_around_the_lungs(
    loaded: LoadedDataset,
    config: TrainingConfig,
    shared_workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lost = loaded.dataset.records[0].digest
    seen: list[np.ndarray] = []

    def lungs_of(record: Record) -> LungField | None:
        return None if record.digest == lost else LungField(MASK, True, 1.2)

    def train_and_test(
        recipe: TrainingConfig, masked: LoadedDataset, splits: Splits, *_rest: Any
    ) -> Generator[Progress, None, tuple[Answered, tuple[str, ...]]]:
        assert recipe.preprocessing.image_size == SIZE_PX
        used = [masked.dataset.records[i] for i in (*splits.train, *splits.test)]
        assert lost not in {record.digest for record in used}
        seen.extend(masked.cache.image(record.digest) for record in used)
        yield from ()
        tested = [masked.dataset.records[i].label for i in splits.test]
        truth = np.array(tested)
        return Answered(np.eye(3)[truth], truth, truth, np.arange(len(truth))), ()

    monkeypatch.setattr(module, "LEAST_FILMS", 2)
    monkeypatch.setattr(module, "_lungs_of", lungs_of)
    monkeypatch.setattr(module, "train_and_test", train_and_test)
    *_, found = retrain_without_lungs(config, loaded, "cpu", shared_workspace)
    assert isinstance(found, Retrained)
    assert found.n_without_lungs <= 1
    inside = np.stack(seen)[:, 16:48, 6:58]  # with the margin
    assert len(np.unique(inside)) == 1  # one grey for all of them, which tells nothing
    assert len(np.unique(np.stack(seen)[:, :8])) > 10  # the frame stays
    assert found.right.value == 1.0


def test_too_few_x_rays_are_refused_before_minutes_are_spent(
    loaded: LoadedDataset, config: TrainingConfig, shared_workspace: Workspace
) -> None:
    with pytest.raises(DatasetError, match="Too few X-rays"):
        next(iter(retrain_without_lungs(config, loaded, "cpu", shared_workspace)))
