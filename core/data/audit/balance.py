"""Findings about the sizes of the classes."""

from collections.abc import Iterator

from core.data.audit.findings import Finding
from core.data.loading import LoadedDataset
from core.data.splits import Splits, without_films
from core.errors import DatasetError, Message

NOTED_RATIO = 1.5  # largest class to smallest
WARNED_RATIO = 3.0


def balance_findings(loaded: LoadedDataset, parts: Splits | DatasetError) -> Iterator[Finding]:
    """Say when a class is much rarer than another, or too small to be tested.

    Args:
        loaded: Films.
        parts: The split by patient, or why there is none.
    """
    yield from _untested(loaded, parts)
    counts = loaded.dataset.counts
    rarest, commonest = min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)
    ratio = counts[commonest] / counts[rarest]
    if ratio >= NOTED_RATIO:
        yield Finding(
            "imbalance",
            "warning" if ratio >= WARNED_RATIO else "note",
            Message(
                "{commonest} has {ratio} times as many films as {rarest} ({most} to {least}). "
                "The recommended settings weigh the classes evenly; read sensitivity rather than "
                "accuracy.",
                commonest=commonest,
                ratio=f"{ratio:.1f}",
                rarest=rarest,
                most=counts[commonest],
                least=counts[rarest],
            ),
            (),
            ratio,
        )


def _untested(loaded: LoadedDataset, parts: Splits | DatasetError) -> Iterator[Finding]:
    """Classes of which no film reaches the test of the split by patient."""
    if isinstance(parts, DatasetError):
        yield Finding("imbalance", "error", parts.message, ())
        return
    names = without_films(loaded.dataset, parts, "test")
    if names:
        yield Finding(
            "imbalance",
            "warning",
            Message(
                "Classes of which the test has no film: {n}, such as {example}. They have too few "
                "patients, or all their films are copies of one; the accuracy leaves them out.",
                n=len(names),
                example=names[0],
            ),
            (),
            float(len(names)),
        )
