"""Accuracy, mean loss, the confusion matrix and the measures of each class."""

# Not scikit-learn: these few lines run after each epoch, and importing it takes 1.6 s. The tests
# compare every number with scikit-learn's.

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import DatasetError, Message, PneumoScopeError


@dataclass(frozen=True, slots=True)
class ClassMeasures:
    """Measures of one class against all others; fractions in [0, 1].

    A measure is None where its denominator is zero: nothing was there to be measured.
    """

    n: int  # images that truly are of this class
    sensitivity: float | None  # of these, the part that was found (recall)
    specificity: float | None  # of the other images, the part not mistaken for this class
    precision: float | None  # of the images called this class, the part that is (PPV)
    f1: float | None  # harmonic mean of precision and sensitivity


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """Result of a model on a set of images."""

    n: int  # images
    accuracy: float  # fraction in [0, 1]
    loss: float  # mean cross-entropy, nats per image
    confusion: NDArray[np.int64]  # (C, C), rows true, columns predicted
    classes: tuple[ClassMeasures, ...]

    def to_json(self, names: Sequence[str] | None = None) -> dict[str, Any]:
        """Return the numbers as plain JSON types, the classes called by `names` where given."""
        classes = [asdict(measures) for measures in self.classes]
        if names is not None:
            classes = [{"name": n, **values} for n, values in zip(names, classes, strict=True)]
        return {
            "n": self.n,
            "accuracy": self.accuracy,
            "loss": self.loss,
            "confusion": self.confusion.tolist(),
            "classes": classes,
        }


def confusion_matrix(
    truth: NDArray[np.integer[Any]], predicted: NDArray[np.integer[Any]], n_classes: int
) -> NDArray[np.int64]:
    """Count the images of each true and predicted class.

    Args:
        truth: True labels, shape (N,), from 0 to n_classes - 1.
        predicted: Predicted labels, likewise.
        n_classes: C, absent classes included.

    Returns:
        Shape (C, C): row = true class, column = predicted class.

    Raises:
        ValueError: The shapes differ or a label lies outside 0 to n_classes - 1.
    """
    _check_labels(truth, n_classes)
    _check_labels(predicted, n_classes)
    if truth.shape != predicted.shape:
        raise ValueError(f"{truth.size} true labels but {predicted.size} predicted ones")
    cells = truth.astype(np.int64) * n_classes + predicted.astype(np.int64)
    counts = np.bincount(cells, minlength=n_classes**2).astype(np.int64)
    return counts.reshape(n_classes, n_classes)  # (C * C,) -> (C, C)


def accuracy(confusion: NDArray[np.int64]) -> float:
    """Return the part of all images on the diagonal, in [0, 1].

    Raises:
        DatasetError: There is no image.
    """
    n = int(confusion.sum())
    if n == 0:
        raise DatasetError(
            Message("There are no images to evaluate. Choose a dataset or part that has some.")
        )
    return float(np.trace(confusion) / n)


def mean_cross_entropy(logits: NDArray[np.floating[Any]], truth: NDArray[np.integer[Any]]) -> float:
    """Return the mean of -log softmax(logits)[truth], in nats per image, computed in float64.

    Args:
        logits: Shape (N, C). Logarithms of probabilities are logits too.
        truth: Shape (N,), from 0 to C - 1.

    Raises:
        ValueError: The shapes do not fit or a label lies outside 0 to C - 1.
    """
    if logits.ndim != 2 or len(logits) != len(truth):
        raise ValueError(f"logits of shape {logits.shape} do not fit {len(truth)} labels")
    _check_labels(truth, logits.shape[1])
    from scipy.special import log_softmax  # scipy would hold up the window's start

    logs = log_softmax(logits.astype(np.float64), axis=1)  # (N, C)
    return float(-logs[np.arange(len(truth)), truth].mean())


def per_class(confusion: NDArray[np.int64]) -> tuple[ClassMeasures, ...]:
    """Return the measures of each class, in the order of the rows of `confusion`, (C, C)."""
    n_images = int(confusion.sum())
    measures = []
    for index in range(len(confusion)):
        true_positives = int(confusion[index, index])
        positives = int(confusion[index].sum())
        called = int(confusion[:, index].sum())
        true_negatives = n_images - positives - called + true_positives
        measures.append(
            ClassMeasures(
                n=positives,
                sensitivity=_fraction(true_positives, positives),
                specificity=_fraction(true_negatives, n_images - positives),
                precision=_fraction(true_positives, called),
                f1=_fraction(2 * true_positives, positives + called),
            )
        )
    return tuple(measures)


def evaluation(logits: NDArray[np.floating[Any]], truth: NDArray[np.integer[Any]]) -> Evaluation:
    """Evaluate answers; the predicted class is the one with the largest logit.

    Args:
        logits: Shape (N, C), N at least 1.
        truth: Shape (N,), from 0 to C - 1.

    Raises:
        DatasetError: There is no image.
        PneumoScopeError: A logit is not a finite number.
        ValueError: The shapes do not fit or a label lies outside 0 to C - 1.
    """
    broken = int((~np.isfinite(logits)).any(axis=1).sum())
    if broken:
        raise PneumoScopeError(
            Message(
                "The network's answer is not a finite number for {broken} of {n} images, so it "
                "cannot be scored. Train it again with a lower learning rate.",
                broken=broken,
                n=len(logits),
            )
        )
    confusion = confusion_matrix(truth, logits.argmax(axis=1), logits.shape[1])
    return Evaluation(
        n=len(truth),
        accuracy=accuracy(confusion),
        loss=mean_cross_entropy(logits, truth),
        confusion=confusion,
        classes=per_class(confusion),
    )


def _fraction(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _check_labels(labels: NDArray[np.integer[Any]], n_classes: int) -> None:
    if labels.ndim != 1 or (labels.size and not 0 <= labels.min() <= labels.max() < n_classes):
        raise ValueError(f"labels must be one row of numbers from 0 to {n_classes - 1}")
