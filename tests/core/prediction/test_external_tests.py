"""External tests: what they say, when they lift or sink the verdict, and files that lie."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.data.acquisition import Standard
from core.errors import RunFolderError
from core.images.fingerprint import LENGTH
from core.prediction.external_tests import (
    TESTS_FILE,
    ClassResult,
    ExternalTest,
    ExternalTests,
    Region,
    keep_test,
)
from core.prediction.verdict import ModelLimits, Opinion, verdict_of
from tests.core.prediction.made_results import novelty, opinion

SHA = "ab" * 32
RANDOM = np.random.default_rng(0)
PRINTS = RANDOM.normal(2, 0.3, (80, LENGTH)).astype(np.float32)
STANDARD = Standard.of(RANDOM.normal(0, 1, (200, LENGTH)))
REGION = Region.fit(PRINTS, STANDARD)


def result_of(
    n_right: int, n: int = 100, *, own: float | None = 0.85, **changes: Any
) -> ExternalTest:
    """Two classes of equal size, as many right in each."""
    halves = (n // 2, n - n // 2)
    right = (n_right // 2, n_right - n_right // 2)
    values: dict[str, Any] = {
        "model_sha256": SHA,
        "created": "2026-12-01T00:00:00+00:00",
        "dataset": "elsewhere.zip",
        "fingerprint": "f" * 64,
        "sources": ("elsewhere.zip",),
        "classes": tuple(
            ClassResult(name=name, n=total, n_right=good)
            for name, total, good in zip(("NORMAL", "COVID"), halves, right, strict=True)
        ),
        "own_accuracy": own,
        "region": REGION,
    }
    return ExternalTest(**{**values, **changes})


def test_its_outcome_depends_on_the_interval_and_on_every_class() -> None:
    assert result_of(90).outcome == "supports"
    assert result_of(36, 40).outcome == "says_little"  # too few X-rays
    assert result_of(80).outcome == "says_little"  # may be 10 points worse than at home
    assert result_of(10).outcome == "contradicts"
    assert result_of(95, own=None).outcome == "supports"
    one_sided = (
        ClassResult(name="NORMAL", n=190, n_right=190),
        ClassResult(name="COVID", n=10, n_right=2),
    )
    assert result_of(0, classes=one_sided).outcome == "says_little"


def test_x_rays_like_the_tested_ones_are_known_by_their_fingerprints() -> None:
    tests = ExternalTests([result_of(90)])
    inside = RANDOM.normal(2, 0.3, (100, LENGTH))
    n_like = sum(bool(tests.like(place)) for place in STANDARD(inside))
    assert n_like > 75
    for strange in (RANDOM.normal(0, 1, LENGTH), RANDOM.normal(2, 3, LENGTH)):
        assert tests.like(STANDARD(strange[None])[0]) == ()


def level(*tests: ExternalTest) -> str:
    answer: Opinion = opinion(novelty=novelty(is_from_elsewhere=True))
    return verdict_of(replace(answer, tests_like_it=tests)).level


def test_a_supporting_test_lifts_the_source_rule_and_a_bad_one_sinks_it_for_good() -> None:
    assert level() == "not_reliable"
    assert level(result_of(90)) == "no_warnings"
    assert level(result_of(80)) == "not_reliable"
    assert level(result_of(10)) == "not_reliable"
    assert level(result_of(10), result_of(90)) == "not_reliable"
    lifted = verdict_of(
        replace(opinion(novelty=novelty(is_from_elsewhere=True)), tests_like_it=(result_of(90),))
    )
    assert any("Tested on 100 X-rays from elsewhere" in str(one) for one in lifted.reasons)


def test_they_are_kept_beside_the_model_one_line_for_each_dataset(tmp_path: Path) -> None:
    model = tmp_path / "best.safetensors"
    assert ExternalTests.beside(model, SHA).tests == ()
    keep_test(model, result_of(10))
    keep_test(model, result_of(90, fingerprint="e" * 64))
    keep_test(model, result_of(20, model_sha256="cd" * 32))
    keep_test(model, result_of(30))  # the same dataset again
    found = ExternalTests.beside(model, SHA)
    assert [test.n_right for test in found.tests] == [90, 30]
    assert not found.is_damaged
    assert found.tests[0] == result_of(90, fingerprint="e" * 64)
    words = [str(warning) for warning in ModelLimits(external=found).warnings]
    assert any("accuracy 0.30 (interval 0.22 to 0.40, 95%)" in one for one in words)


def test_without_a_test_the_model_says_so() -> None:
    assert any("Never tested on X-rays from elsewhere" in str(w) for w in ModelLimits().warnings)


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[" * 100_000,
        "[1]",
        '{"model_sha256": "x"}',
        json.dumps({**result_of(90).to_json(), "surprise": 1}),
        json.dumps({**result_of(90).to_json(), "own_accuracy": 2.0}),
        json.dumps({**result_of(90).to_json(), "classes": []}),
        json.dumps({**result_of(90).to_json(), "classes": [{"name": "A", "n": 1, "n_right": 2}]}),
        json.dumps({**result_of(90).to_json(), "classes": [{"name": "A", "n": -1, "n_right": 0}]}),
        json.dumps(
            {
                **result_of(90).to_json(),
                "region": {**REGION.to_json(), "mean": [0.0] * (LENGTH - 1)},
            }
        ),
        json.dumps({**result_of(90).to_json(), "region": {**REGION.to_json(), "limit": 1e300}}),
        json.dumps({**result_of(90).to_json(), "region": {**REGION.to_json(), "root": [[0.0]]}}),
        json.dumps({**result_of(90).to_json(), "region": {**REGION.to_json(), "version": 99}}),
    ],
)
def test_a_line_that_lies_supports_nothing_and_is_told(tmp_path: Path, line: str) -> None:
    model = tmp_path / "best.safetensors"
    keep_test(model, result_of(10))
    with (tmp_path / TESTS_FILE).open("a") as file:
        file.write(line + "\n")
    found = ExternalTests.beside(model, SHA)
    assert [test.n_right for test in found.tests] == [10]
    assert found.is_damaged
    assert any("cannot be read" in str(words) for words in found.warnings())
    keep_test(model, result_of(20))  # and the file can still be added to
    assert [test.n_right for test in ExternalTests.beside(model, SHA).tests] == [20]


def test_a_file_that_is_no_text_supports_nothing(tmp_path: Path) -> None:
    (tmp_path / TESTS_FILE).write_bytes(b"\xff\xfe\x00")
    found = ExternalTests.beside(tmp_path / "m.safetensors", SHA)
    assert (found.tests, found.is_damaged) == ((), True)


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="cannot be kept"):
        keep_test(tmp_path / "gone" / "m.safetensors", result_of(10))
