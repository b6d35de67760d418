import dataclasses
import hashlib
import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.grouping import group_by_patient
from core.data.records import Dataset, Record
from core.data.splits import Splits, reference, split, stratified
from core.errors import DatasetError

PARTS = ("train", "validation", "test", "kept")


def dataset(films: dict[str, list[str]]) -> Dataset:
    """File names of each class."""
    classes = tuple(sorted(films))
    records = [
        Record(
            f"{name}/{file}", Path(file), hashlib.sha256(f"{name}/{file}".encode()).hexdigest(), n
        )
        for n, name in enumerate(classes)
        for file in sorted(films[name])
    ]
    return Dataset(Path("films.zip"), classes, tuple(records), ())


def singles(**sizes: int) -> Dataset:
    """Images of as many patients."""
    return dataset({name: [f"{n:04d}.png" for n in range(size)] for name, size in sizes.items()})


def patients(**sizes: list[int]) -> Dataset:
    """Classes of patients with so many images each."""
    return dataset(
        {
            name: [f"{name}{p:03d}_{n}.png" for p, size in enumerate(of_class) for n in range(size)]
            for name, of_class in sizes.items()
        }
    )


def names(data: Dataset, splits: Splits) -> dict[str, list[str]]:
    return {part: [data.records[i].name for i in getattr(splits, part)] for part in PARTS}


def counts(data: Dataset, indices: tuple[int, ...]) -> dict[str, int]:
    return dict(Counter(data.classes[data.records[index].label] for index in indices))


def check_is_a_division(data: Dataset, splits: Splits) -> None:
    """Every image in one part, no patient in two, every class trained on."""
    everything = [index for part in PARTS for index in getattr(splits, part)]
    assert sorted(everything) == list(range(len(data.records)))
    groups = group_by_patient(data.records).groups
    sides = [
        {groups[index] for index in indices}
        for indices in (splits.train, splits.validation, splits.test + splits.kept)
    ]
    assert not (sides[0] & sides[1])
    assert not (sides[0] & sides[2])
    assert not (sides[1] & sides[2])
    assert set(counts(data, splits.train)) == set(data.classes)
    assert max(counts(data, splits.kept).values(), default=1) == 1


class TestReference:
    def test_it_is_the_recipe_to_the_letter(self) -> None:
        data = singles(COVID=32, NORMAL=12)
        expected: dict[str, list[str]] = {part: [] for part in PARTS}
        for name, size in (("COVID", 32), ("NORMAL", 12)):
            files = [f"{name}/{n:04d}.png" for n in range(size)]
            expected["kept"].append(files[-1])
            expected["test"] += [file for n, file in enumerate(files[:-1]) if n % 10 == 0]
            expected["train"] += [file for n, file in enumerate(files[:-1]) if n % 10 != 0]
        assert names(data, split(data, "reference", seed=5)) == expected
        assert [len(expected[part]) for part in PARTS] == [36, 0, 6, 2]

    def test_files_are_sorted_by_name_as_text(self) -> None:
        data = dataset({"A": ["10.png", "9.png", "b.png"], "B": ["1.png", "2.png", "3.png"]})
        parts = names(data, reference(data))
        assert parts["kept"] == ["A/b.png", "B/3.png"]
        assert parts["test"] == ["A/10.png", "B/1.png"]
        assert parts["train"] == ["A/9.png", "B/2.png"]

    def test_the_order_of_the_records_does_not_matter(self) -> None:
        data = singles(A=23, B=11)
        shuffled = shuffle(data, 1)
        assert names(data, reference(data)) == names(shuffled, reference(shuffled))

    def test_a_class_of_two_has_nothing_to_train_on(self) -> None:
        with pytest.raises(
            DatasetError, match=r"class B has too few images to train on. Add films"
        ):
            split(singles(A=20, B=2), "reference", seed=0)


def shuffle(data: Dataset, seed: int) -> Dataset:
    records = list(data.records)
    random.Random(seed).shuffle(records)
    return Dataset(data.source, data.classes, tuple(records), ())


class TestStratified:
    @pytest.mark.parametrize("seed", range(5))
    def test_shares_are_80_10_10_of_every_class(self, seed: int) -> None:
        data = patients(A=[2] * 100, B=[1, 2, 3] * 30, C=[4] * 25)
        splits = split(data, "stratified", seed)
        check_is_a_division(data, splits)
        for name, n in data.counts.items():
            assert counts(data, splits.validation)[name] == pytest.approx(0.1 * n, abs=4)
            assert counts(data, splits.test)[name] == pytest.approx(0.1 * n, abs=4)
            assert counts(data, splits.kept)[name] == 1

    def test_single_images_meet_the_shares_exactly(self) -> None:
        data = singles(A=100, B=200)
        splits = split(data, "stratified", seed=3)
        assert counts(data, splits.test) == {"A": 10, "B": 20}
        assert counts(data, splits.validation) == {"A": 10, "B": 20}
        assert counts(data, splits.train) == {"A": 79, "B": 159}

    def test_a_seed_repeats_and_another_differs(self) -> None:
        data = singles(A=60, B=60)
        one = split(data, "stratified", seed=1)
        assert one == split(data, "stratified", seed=1)
        other = split(data, "stratified", seed=2)
        assert set(one.test) != set(other.test)
        assert one.kept != other.kept

    @given(st.integers(0, 50), st.integers(0, 50))
    def test_the_order_of_the_records_does_not_matter(self, order: int, seed: int) -> None:
        data = patients(A=[1, 2, 3] * 5, B=[2] * 9)
        shuffled = shuffle(data, order)
        assert names(data, stratified(data, seed)) == names(shuffled, stratified(shuffled, seed))

    @pytest.mark.parametrize("seed", range(8))
    def test_nor_does_it_where_an_image_is_there_three_times(self, seed: int) -> None:
        data = singles(A=18, B=18)
        records = [
            dataclasses.replace(record, digest=data.records[index // 3 * 3].digest)
            for index, record in enumerate(data.records)
        ]
        data = dataclasses.replace(data, records=tuple(records))
        check_is_a_division(data, stratified(data, seed))
        for order in range(4):
            shuffled = shuffle(data, order)
            assert names(data, stratified(data, seed)) == names(
                shuffled, stratified(shuffled, seed)
            )

    @given(
        st.lists(st.lists(st.integers(1, 9), min_size=3, max_size=20), min_size=2, max_size=4),
        st.integers(0, 1000),
    )
    def test_no_patient_crosses_and_every_class_has_one_kept(
        self, sizes: list[list[int]], seed: int
    ) -> None:
        data = patients(**{f"C{n}": of_class for n, of_class in enumerate(sizes)})
        splits = split(data, "stratified", seed)
        check_is_a_division(data, splits)
        # With three patients (or images) there is one for training and one to keep.
        assert len(splits.kept) == len(data.classes)

    @given(st.lists(st.integers(2, 12), min_size=2, max_size=5), st.integers(0, 1000))
    def test_tiny_datasets_are_divided_too(self, sizes: list[int], seed: int) -> None:
        data = singles(**{f"C{n}": size for n, size in enumerate(sizes)})
        splits = split(data, "stratified", seed)
        check_is_a_division(data, splits)
        assert len(splits.kept) == len(data.classes)

    def test_patients_with_more_images_than_a_share_still_reach_the_test(self) -> None:
        data = patients(A=[20] * 6, B=[20] * 6)
        splits = split(data, "stratified", seed=0)
        check_is_a_division(data, splits)
        assert counts(data, splits.test) == {"A": 19, "B": 19}
        assert counts(data, splits.validation) == {"A": 20, "B": 20}
        assert counts(data, splits.train) == {"A": 80, "B": 80}

    def test_a_class_of_one_image_twice_is_only_trained_on(self) -> None:
        data = singles(A=40, B=2)
        copy = data.records[-1].digest
        records = [
            Record(r.name, r.path, copy if r.label == 1 else r.digest, r.label)
            for r in data.records
        ]
        data = Dataset(data.source, data.classes, tuple(records), ())
        splits = split(data, "stratified", seed=0)
        check_is_a_division(data, splits)
        assert counts(data, splits.train)["B"] == 2
        assert counts(data, splits.kept) == {"A": 1}
