import numpy as np

from core.config import TrainingConfig
from core.evaluation.metrics import evaluation
from core.images.reading import READER_VERSION
from core.training.loop import TrainingData
from core.training.run_models import CardWriter


def test_a_card_tells_its_makers_and_numbers_by_class_names(
    config: TrainingConfig, data: TrainingData
) -> None:
    result = evaluation(np.eye(3, dtype=np.float32) * 9, np.arange(3))
    card = CardWriter(config, data.dataset, data.splits)(2, 5, result, None)
    assert card.metrics == {"validation": result.to_json(data.dataset.classes), "test": None}
    assert [c["name"] for c in card.metrics["validation"]["classes"]] == list(data.dataset.classes)
    assert card.history == {"best_epoch": 2, "epochs": 5}
    assert (card.reader_version, card.versions["numpy"]) == (READER_VERSION, np.__version__)
    assert card.dataset == {"name": "films", "fingerprint": data.dataset.fingerprint}
    assert card.display_names["COVID"] == {"en": "COVID-19", "zh_CN": "新冠肺炎"}
