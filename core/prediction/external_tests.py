"""External tests: a model measured on X-rays from other sources than it learned from.

Each is a line of `tests.jsonl` beside the model file. It tells how the tested X-rays were acquired,
so that a good result speaks for X-rays like them, and a bad one against.
"""

import datetime
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from core import files
from core.data.acquisition import Standard
from core.errors import ConfigError, Message, RunFolderError
from core.images.fingerprint import LENGTH
from core.images.fingerprint import VERSION as PRINT_VERSION
from core.schema import StrictModel
from core.statistics import Interval, wilson_interval

log = logging.getLogger(__name__)

TESTS_FILE: Final = "tests.jsonl"
MOST_BYTES: Final = 64 << 20
MOST_TESTS: Final = 1000  # the newest count
LEAST_FILMS: Final = 50  # of a test that can support
LEAST_OF_CLASS: Final = 10
# A test supports where accuracy is surely not this much below the model's own test.
_MOST_LOSS: Final = 0.1
_LEAST_ACCURACY: Final = 0.7  # where the model has no test of its own
_LEAST_SENSITIVITY: Final = 0.5
_FAMILIAR_SHARE: Final = 0.95  # of the tested films
_LARGEST: Final = 1e6

Outcome = Literal["supports", "contradicts", "says_little"]
_Text = Annotated[str, Field(max_length=300)]
_Count = Annotated[int, Field(ge=0, lt=2**31)]
_Number = Annotated[float, Field(ge=-_LARGEST, le=_LARGEST)]
_Numbers = Annotated[tuple[_Number, ...], Field(min_length=LENGTH, max_length=LENGTH, strict=False)]
_Root = Annotated[tuple[_Numbers, ...], Field(min_length=LENGTH, max_length=LENGTH, strict=False)]


class ClassResult(StrictModel):
    """Answers to the tested X-rays of one class."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    n: _Count
    n_right: _Count


class Region(StrictModel):
    """Acquisition of the tested X-rays: a normal distribution of fingerprints."""

    version: Annotated[int, Field(ge=PRINT_VERSION, le=PRINT_VERSION)] = PRINT_VERSION
    mean: _Numbers  # in units of the model's standard
    root: _Root  # of the precision
    limit: Annotated[float, Field(ge=0, le=_LARGEST)]

    @classmethod
    def fit(cls, prints: NDArray[np.floating], standard: Standard) -> Self:
        """Fit to fingerprints (N, 35), N at least 2."""
        from sklearn.covariance import LedoitWolf  # scikit-learn would hold up the window's start

        places = standard(prints)
        covariance = LedoitWolf().fit(places).covariance_ + 1e-3 * np.eye(LENGTH)
        root = np.linalg.cholesky(np.linalg.inv(covariance))
        mean = places.mean(axis=0)
        lengths = np.linalg.norm((places - mean) @ root, axis=1)
        limit = float(np.quantile(lengths, _FAMILIAR_SHARE, method="weibull"))
        return cls(mean=tuple(mean.tolist()), root=tuple(map(tuple, root.tolist())), limit=limit)

    def holds(self, place: NDArray[np.floating]) -> bool:
        """Tell whether a fingerprint (35,), in units of the standard, may come from there."""
        away = (place - np.array(self.mean)) @ np.array(self.root)
        return bool(np.linalg.norm(away) <= self.limit)


class ExternalTest(StrictModel):
    """One line of the file.

    Raises:
        ConfigError: A value is not what it must be.
    """

    model_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]  # of the model's tensors
    created: _Text  # ISO 8601
    dataset: _Text
    fingerprint: _Text  # of the dataset
    sources: Annotated[tuple[_Text, ...], Field(max_length=100, strict=False)]
    classes: Annotated[tuple[ClassResult, ...], Field(min_length=1, max_length=1000, strict=False)]
    own_accuracy: Annotated[float, Field(ge=0, le=1)] | None = None  # of the model's own test
    region: Region

    @model_validator(mode="after")
    def _check_counts(self) -> Self:
        if self.n == 0 or any(one.n_right > one.n for one in self.classes):
            raise ConfigError(
                Message("{name} of {kind} is not valid.", name="classes", kind=type(self).__name__)
            )
        return self

    @property
    def n(self) -> int:
        """X-rays that were tested."""
        return sum(one.n for one in self.classes)

    @property
    def n_right(self) -> int:
        """Those of them that were answered correctly."""
        return sum(one.n_right for one in self.classes)

    @property
    def accuracy(self) -> float:
        """The share of right answers."""
        return self.n_right / self.n

    @property
    def interval(self) -> Interval:
        """The 95 % interval of the accuracy."""
        return wilson_interval(self.n_right, self.n)

    @property
    def outcome(self) -> Outcome:
        """Tell whether it speaks for the model on X-rays like these."""
        low, high = self.interval
        needed = _LEAST_ACCURACY
        if self.own_accuracy is not None:
            needed = self.own_accuracy - _MOST_LOSS
        if high < needed:
            return "contradicts"
        large = [one for one in self.classes if one.n >= LEAST_OF_CLASS]
        is_even = all(one.n_right >= _LEAST_SENSITIVITY * one.n for one in large)
        is_enough = self.n >= LEAST_FILMS and len(large) >= 2 and low >= needed
        return "supports" if is_enough and is_even else "says_little"

    def words(self) -> Message:
        """Say what came out."""
        low, high = self.interval
        return Message(
            "Tested on {n} X-rays from elsewhere ({dataset}): accuracy {accuracy} (interval {low} "
            "to {high}, 95%).",
            n=self.n,
            dataset=self.dataset,
            accuracy=f"{self.accuracy:.2f}",
            low=f"{low:.2f}",
            high=f"{high:.2f}",
        )


class ExternalTests:
    """The external tests of one model.

    Args:
        tests: The oldest first.
        is_damaged: Some of the file could not be read.
    """

    def __init__(self, tests: Sequence[ExternalTest] = (), *, is_damaged: bool = False) -> None:
        self.tests, self.is_damaged = tuple(tests), is_damaged

    @classmethod
    def beside(cls, model: Path, model_sha256: str) -> Self:
        """Read the tests of a model; lines that cannot be read support nothing, and that is said.

        Args:
            model: Its file.
            model_sha256: Of its tensors; lines about other models are passed over.
        """
        path = model.with_name(TESTS_FILE)
        try:
            if not path.is_file():
                return cls()
            if path.stat().st_size > MOST_BYTES:
                raise ValueError("too large")
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError):
            log.exception("the external tests cannot be read")
            return cls(is_damaged=True)
        tests, is_damaged = [], False
        for line in lines[-MOST_TESTS:]:
            try:
                test = ExternalTest.from_json(json.loads(line))
            except (ConfigError, ValueError, RecursionError):
                is_damaged = True
                continue
            if test.model_sha256 == model_sha256:
                tests.append(test)
        return cls(tests, is_damaged=is_damaged)

    def like(self, place: NDArray[np.floating]) -> tuple[ExternalTest, ...]:
        """Return the tests whose X-rays were acquired like this fingerprint, (35,).

        Args:
            place: In units of the model's standard.
        """
        return tuple(test for test in self.tests if test.region.holds(place))

    def warnings(self) -> tuple[Message, ...]:
        """Say how the model did elsewhere, or that nobody tried."""
        words = [test.words() for test in self.tests]
        if self.is_damaged:
            words.append(
                Message("Some of the external tests beside the model file cannot be read.")
            )
        elif not words:
            words.append(
                Message(
                    "Never tested on X-rays from elsewhere: how well it reads them is not known."
                )
            )
        return tuple(words)


def keep_test(model: Path, test: ExternalTest) -> None:
    """Add a test to the file beside the model; the same dataset's earlier result is replaced.

    Raises:
        RunFolderError: The file cannot be written.
    """
    path = model.with_name(TESTS_FILE)
    try:
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        kept = [line for line in lines if not _is_of(line, test)]
        content = "".join(f"{line}\n" for line in [*kept, json.dumps(test.to_json())])
        files.write_bytes(path, content.encode())
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise RunFolderError(
            Message(
                "The result of the external test cannot be kept in {file} ({reason}). Check that "
                "you may write to the model's folder.",
                file=str(path),
                reason=reason,
            )
        ) from error


def _is_of(line: str, test: ExternalTest) -> bool:
    """Tell whether a line is about the same model and dataset."""
    try:
        values = json.loads(line)
        return (values["model_sha256"], values["fingerprint"]) == (
            test.model_sha256,
            test.fingerprint,
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return False


def now() -> str:
    """Return the time for `ExternalTest.created`."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
