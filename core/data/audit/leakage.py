"""What a random split would leak from training into the test, and proof that ours does not."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from core.data.audit.findings import Finding
from core.data.grouping import Grouping
from core.data.loading import LoadedDataset
from core.data.records import Dataset
from core.data.splits import Splits, crossing
from core.errors import DatasetError, Message

NAIVE_TEST_SHARE = 0.1  # the usual 9:1
N_DRAWS = 50


@dataclass(frozen=True, slots=True)
class NaiveSplit:
    """Random 9:1 splits of single films: test films of which training has a relative."""

    n_test: int
    n_leaking: float  # mean over the draws
    example: tuple[int, ...]  # the leaking films of the first draw, indices into the records


def naive_split(grouping: Grouping) -> NaiveSplit:
    """Draw the split that ignores patients and copies, many times."""
    _, groups = np.unique(np.array(grouping.groups), return_inverse=True)  # (N,)
    n_test = max(1, round(NAIVE_TEST_SHARE * len(groups)))
    sizes = np.bincount(groups)
    random = np.random.default_rng(0)
    found: list[int] = []
    example: tuple[int, ...] = ()
    for draw in range(N_DRAWS):
        test = random.choice(len(groups), n_test, replace=False)
        in_test = np.bincount(groups[test], minlength=len(sizes))
        leaking = test[in_test[groups[test]] < sizes[groups[test]]]
        found.append(len(leaking))
        if draw == 0:
            example = tuple(int(index) for index in np.sort(leaking))
    return NaiveSplit(n_test, float(np.mean(found)), example)


def leakage_findings(loaded: LoadedDataset, parts: Splits | DatasetError) -> Iterator[Finding]:
    """Say what the usual split would leak, and what the folders' own split does.

    Args:
        loaded: Films.
        parts: The split by patient, or why there is none.
    """
    naive = naive_split(loaded.grouping)
    names = tuple(loaded.dataset.records[index].name for index in naive.example)
    value = naive.n_leaking / naive.n_test
    if isinstance(parts, Splits) and naive.n_leaking:
        ours = len(crossing(loaded.grouping, parts))
        yield Finding(
            "leakage",
            "note" if ours == 0 else "error",
            Message(
                "A random 9:1 split would put {n} of {total} test films ({share}) beside training "
                "films of the same patient or copies of them, and the test would measure memory. "
                "In the split by patient {ours} patients or copies cross.",
                n=f"{naive.n_leaking:.1f}",
                total=naive.n_test,
                share=f"{value:.0%}",
                ours=ours,
            ),
            names,
            value,
        )
    yield from _given(loaded.dataset, loaded.grouping)


def _given(dataset: Dataset, grouping: Grouping) -> Iterator[Finding]:
    """Groups that the dataset's own folders have on both sides."""
    sides: dict[str, set[str]] = {}
    for group, record in zip(grouping.groups, dataset.records, strict=True):
        sides.setdefault(group, set()).add(record.given or "train")
    leaking = {group for group, parts in sides.items() if len(parts) > 1}
    if leaking:
        files = tuple(
            record.name
            for group, record in zip(grouping.groups, dataset.records, strict=True)
            if group in leaking
        )
        yield Finding(
            "leakage",
            "error",
            Message(
                "The parts into which the folders are divided share {n} patients or copies of "
                "films, such as {example}. Results on such a test are too good: split by patient.",
                n=len(leaking),
                example=files[0],
            ),
            files,
            float(len(leaking)),
        )
