"""Deal whole groups of images to parts, class by class in proportion."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from core.data.grouping import Grouping
from core.data.records import Dataset

Dealt = dict[str, list[int]]  # part -> indices into Dataset.records


def draw(seed: int, text: str) -> bytes:
    """A pseudo-random key that depends on nothing but the seed and the text."""
    return hashlib.sha256(f"{seed}:{text}".encode()).digest()


def deal(
    dataset: Dataset,
    grouping: Grouping,
    seed: int,
    shares: Mapping[str, float],
    indices: Iterable[int],
) -> Dealt:
    """Fill the parts named in `shares`; the rest is training.

    Groups are visited in an order drawn from the seed and their names; each goes to the
    first part that still has room for all its images, and to training where none has.

    Args:
        dataset: Films.
        grouping: Of these films.
        seed: Not negative.
        shares: Part -> fraction of each class; a part with a share above 0 gets an image of
            each class where training can spare one.
        indices: The images to deal.
    """
    members = _members(grouping, indices)
    order = sorted(members, key=lambda group: draw(seed, group))
    sizes = Counter(dataset.records[index].label for group in order for index in members[group])
    # One test image more than its share: the kept one is taken from the test part afterwards.
    room = {
        part: {
            label: (part == "test") + max(1, round(share * n)) if share else 0
            for label, n in sizes.items()
        }
        for part, share in shares.items()
    }
    room["train"] = dict(sizes)
    part_of: dict[str, str] = {}
    for group in order:
        needs = Counter(dataset.records[index].label for index in members[group])
        for part, left in room.items():
            if all(left[label] >= n for label, n in needs.items()):
                part_of[group] = part
                for label, n in needs.items():
                    left[label] -= n
                break
    wanted = [part for part, share in shares.items() if share]
    _mend(dataset, members, part_of, order, wanted)
    dealt: Dealt = {part: [] for part in room}
    for group in order:
        dealt[part_of[group]] += members[group]
    return dealt


def deal_folds(dataset: Dataset, grouping: Grouping, seed: int, n_folds: int) -> list[list[int]]:
    """Deal the groups into folds of about equal counts of each class.

    Large groups go first, each to the fold that has the smallest share of its classes.
    """
    members = _members(grouping, range(len(dataset.records)))
    sizes = Counter(record.label for record in dataset.records)
    folds: list[list[int]] = [[] for _ in range(n_folds)]
    loads: list[Counter[int]] = [Counter() for _ in range(n_folds)]
    for group in sorted(members, key=lambda group: (-len(members[group]), draw(seed, group))):
        needs = Counter(dataset.records[index].label for index in members[group])

        def load(fold: int, needs: Mapping[int, int] = needs) -> tuple[float, int, int]:
            share = sum(loads[fold][label] / sizes[label] for label in needs)
            return share, len(folds[fold]), fold

        chosen = min(range(n_folds), key=load)
        folds[chosen] += members[group]
        loads[chosen] += needs
    return folds


def _mend(
    dataset: Dataset,
    members: Mapping[str, list[int]],
    part_of: dict[str, str],
    order: Sequence[str],
    wanted: Sequence[str],
) -> None:
    """Give training and the wanted parts a group of each class that they go without.

    Training takes the last drawn of the others. The parts were left empty where every group
    has more images than their share: they take the smallest that training can spare.
    """
    labels_of = {
        group: {dataset.records[index].label for index in members[group]} for group in order
    }
    groups_of: dict[int, list[str]] = {}
    for group in order:
        for label in labels_of[group]:
            groups_of.setdefault(label, []).append(group)

    def with_class(part: str, label: int) -> list[str]:
        return [group for group in groups_of[label] if part_of[group] == part]

    labels = sorted(groups_of)
    for label in labels:
        if not with_class("train", label):
            part_of[groups_of[label][-1]] = "train"
    n_train = {label: len(with_class("train", label)) for label in labels}
    for part in wanted:
        for label in labels:
            if with_class(part, label):
                continue
            spare = [
                group
                for group in with_class("train", label)
                if all(n_train[other] > 1 for other in labels_of[group])
            ]
            if spare:
                taken = min(spare, key=lambda group: len(members[group]))
                part_of[taken] = part
                for other in labels_of[taken]:
                    n_train[other] -= 1


def _members(grouping: Grouping, indices: Iterable[int]) -> dict[str, list[int]]:
    """The images of each group."""
    members: dict[str, list[int]] = {}
    for index in indices:
        members.setdefault(grouping.groups[index], []).append(index)
    return members
