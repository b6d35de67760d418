"""Findings about the sizes of the classes."""

from collections.abc import Iterator

from core.data.audit.findings import Finding
from core.data.records import Dataset
from core.errors import Message

NOTED_RATIO = 1.5  # largest class to smallest
WARNED_RATIO = 3.0


def balance_findings(dataset: Dataset) -> Iterator[Finding]:
    """Say when one class is much rarer than another, and what is done about it."""
    counts = dataset.counts
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
