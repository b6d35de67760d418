import dataclasses
import hashlib
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config import TrainingConfig
from core.data.patients import group_by_patient
from core.data.records import Dataset
from core.data.splits import PARTS, crossing, deal_folds, reference, split
from core.errors import DatasetError
from tests.core.data.named_films import (
    STRATIFIED,
    check_is_a_division,
    counts,
    dataset,
    divide,
    names,
    patients,
    singles,
)


def shuffle(data: Dataset, seed: int) -> Dataset:
    records = list(data.records)
    random.Random(seed).shuffle(records)
    return dataclasses.replace(data, records=tuple(records))


class TestReference:
    CONFIG = TrainingConfig(split="reference")

    def test_it_is_the_recipe_to_the_letter(self) -> None:
        data = singles(COVID=32, NORMAL=12)
        expected: dict[str, list[str]] = {part: [] for part in PARTS}
        for name, size in (("COVID", 32), ("NORMAL", 12)):
            files = [f"{name}/{n:04d}.png" for n in range(size)]
            expected["kept"].append(files[-1])
            expected["test"] += [file for n, file in enumerate(files[:-1]) if n % 10 == 0]
            expected["train"] += [file for n, file in enumerate(files[:-1]) if n % 10 != 0]
        assert names(data, divide(data, self.CONFIG, seed=5)) == expected
        assert {part: len(files) for part, files in expected.items()} == {
            "train": 36,
            "validation": 0,
            "test": 6,
            "kept": 2,
        }

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
            divide(singles(A=20, B=2), self.CONFIG)

    def test_patients_cross_and_are_told(self) -> None:
        data = patients(A=[3] * 10, B=[1] * 20)
        grouping = group_by_patient(data.records)
        # Of A the films 0, 10 and 20 are the test, and the last one of all is kept.
        assert crossing(grouping, reference(data)) == ("A000", "A003", "A006", "A009")


class TestStratified:
    @pytest.mark.parametrize("seed", range(5))
    def test_shares_are_80_10_10_of_every_class(self, seed: int) -> None:
        data = patients(A=[2] * 100, B=[1, 2, 3] * 30, C=[4] * 25)
        splits = divide(data, seed=seed)
        check_is_a_division(data, splits)
        for name, n in data.counts.items():
            assert counts(data, splits.validation)[name] == pytest.approx(0.1 * n, abs=4)
            assert counts(data, splits.test)[name] == pytest.approx(0.1 * n, abs=4)
            assert counts(data, splits.kept)[name] == 1

    def test_single_films_meet_the_shares_exactly(self) -> None:
        data = singles(A=100, B=200)
        splits = divide(data, seed=3)
        assert counts(data, splits.test) == {"A": 10, "B": 20}
        assert counts(data, splits.validation) == {"A": 10, "B": 20}
        assert counts(data, splits.train) == {"A": 79, "B": 159}

    @pytest.mark.parametrize(
        ("data", "seed", "expected"),
        [
            pytest.param(singles(A=100, B=200), 3, "457becb5d44a7a29", id="single films"),
            pytest.param(
                patients(A=[2] * 100, B=[1, 2, 3] * 30, C=[4] * 25),
                0,
                "9149758f0d23a491",
                id="patients",
            ),
            pytest.param(
                patients(A=[20] * 6, B=[20] * 6), 0, "35468db00c58dac5", id="large patients"
            ),
            pytest.param(singles(A=2, B=3, C=40), 7, "bb2f3d3748d66c9b", id="tiny classes"),
        ],
    )
    def test_films_are_where_version_1_put_them(
        self, data: Dataset, seed: int, expected: str
    ) -> None:
        parts = json.dumps(names(data, divide(data, seed=seed)), sort_keys=True)
        assert hashlib.sha256(parts.encode()).hexdigest().startswith(expected)

    def test_shares_can_be_chosen(self) -> None:
        data = singles(A=100, B=200)
        config = TrainingConfig(test_share=0.25, validation_share=0.4)
        splits = divide(data, config)
        assert counts(data, splits.test) == {"A": 25, "B": 50}
        assert counts(data, splits.validation) == {"A": 40, "B": 80}

    @pytest.mark.parametrize(("test", "validation"), [(0.0, 0.1), (0.1, 0.0), (0.0, 0.0)])
    def test_a_share_of_nothing_is_an_empty_part(self, test: float, validation: float) -> None:
        data = patients(A=[2] * 20, B=[1] * 30)
        splits = divide(data, TrainingConfig(test_share=test, validation_share=validation))
        check_is_a_division(data, splits)
        assert bool(splits.test) == bool(splits.kept) == bool(test)
        assert bool(splits.validation) == bool(validation)

    def test_a_seed_repeats_and_another_differs(self) -> None:
        data = singles(A=60, B=60)
        one = divide(data, seed=1)
        assert one == divide(data, seed=1)
        other = divide(data, seed=2)
        assert set(one.test) != set(other.test)
        assert one.kept != other.kept

    @given(st.integers(0, 50), st.integers(0, 50))
    def test_the_order_of_the_records_does_not_matter(self, order: int, seed: int) -> None:
        data = patients(A=[1, 2, 3] * 5, B=[2] * 9)
        shuffled = shuffle(data, order)
        assert names(data, divide(data, seed=seed)) == names(shuffled, divide(shuffled, seed=seed))

    @pytest.mark.parametrize("seed", range(8))
    def test_nor_does_it_where_an_image_is_there_three_times(self, seed: int) -> None:
        data = singles(A=18, B=18)
        records = [
            dataclasses.replace(record, digest=data.records[index // 3 * 3].digest)
            for index, record in enumerate(data.records)
        ]
        data = dataclasses.replace(data, records=tuple(records))
        check_is_a_division(data, divide(data, seed=seed))
        for order in range(4):
            shuffled = shuffle(data, order)
            assert names(data, divide(data, seed=seed)) == names(
                shuffled, divide(shuffled, seed=seed)
            )

    @given(
        st.lists(st.lists(st.integers(1, 9), min_size=3, max_size=20), min_size=2, max_size=4),
        st.integers(0, 1000),
    )
    def test_no_patient_crosses_and_every_class_has_one_kept(
        self, sizes: list[list[int]], seed: int
    ) -> None:
        data = patients(**{f"C{n}": of_class for n, of_class in enumerate(sizes)})
        splits = divide(data, seed=seed)
        check_is_a_division(data, splits)
        # With three patients (or images) there is one for training and one to keep.
        assert len(splits.kept) == len(data.classes)

    @given(st.lists(st.integers(2, 12), min_size=2, max_size=5), st.integers(0, 1000))
    def test_tiny_datasets_are_divided_too(self, sizes: list[int], seed: int) -> None:
        data = singles(**{f"C{n}": size for n, size in enumerate(sizes)})
        splits = divide(data, seed=seed)
        check_is_a_division(data, splits)
        assert len(splits.kept) == len(data.classes)

    def test_patients_with_more_films_than_a_share_still_reach_the_test(self) -> None:
        data = patients(A=[20] * 6, B=[20] * 6)
        splits = divide(data)
        check_is_a_division(data, splits)
        assert counts(data, splits.test) == {"A": 19, "B": 19}
        assert counts(data, splits.validation) == {"A": 20, "B": 20}
        assert counts(data, splits.train) == {"A": 80, "B": 80}

    def test_a_class_of_one_film_twice_is_only_trained_on(self) -> None:
        data = singles(A=40, B=2)
        copy = data.records[-1].digest
        records = [
            dataclasses.replace(record, digest=copy) if record.label == 1 else record
            for record in data.records
        ]
        data = dataclasses.replace(data, records=tuple(records))
        splits = divide(data)
        check_is_a_division(data, splits)
        assert counts(data, splits.train)["B"] == 2
        assert counts(data, splits.kept) == {"A": 1}

    def test_near_copies_stay_on_one_side(self) -> None:
        data = singles(A=60, B=60)
        digests = [record.digest for record in data.records]
        pairs = list(zip(digests[:30], digests[60:90], strict=True))
        grouping = group_by_patient(data.records, same_image=pairs)
        splits = split(data, grouping, STRATIFIED)
        check_is_a_division(data, splits, grouping)
        assert crossing(grouping, splits) == ()


class TestFolds:
    def test_every_film_is_tested_once(self) -> None:
        data = patients(A=[1, 2, 3] * 10, B=[2] * 15)
        tested: list[int] = []
        for fold in range(1, 6):
            splits = divide(data, TrainingConfig(split="kfold", n_folds=5, fold=fold))
            check_is_a_division(data, splits)
            tested += splits.test + splits.kept
        assert sorted(tested) == list(range(len(data.records)))

    def test_the_next_fold_validates_and_the_first_follows_the_last(self) -> None:
        data = singles(A=20, B=20)
        folds = [
            divide(data, TrainingConfig(split="kfold", n_folds=4, fold=fold))
            for fold in (1, 2, 3, 4)
        ]
        for one, next_one in zip(folds, [*folds[1:], folds[0]], strict=True):
            assert set(one.validation) == set(next_one.test + next_one.kept)

    def test_folds_have_the_classes_in_proportion(self) -> None:
        data = patients(A=[1, 2, 3] * 20, B=[2] * 20, C=[1] * 13)
        for fold in range(1, 5):
            splits = divide(data, TrainingConfig(split="kfold", n_folds=4, fold=fold))
            tested = counts(data, splits.test + splits.kept)
            for name, n in data.counts.items():
                assert tested[name] == pytest.approx(n / 4, abs=2)

    def test_another_seed_deals_other_folds(self) -> None:
        data = singles(A=20, B=20)
        config = TrainingConfig(split="kfold")
        assert divide(data, config, seed=1) == divide(data, config, seed=1)
        assert set(divide(data, config, seed=1).test) != set(divide(data, config, seed=2).test)

    @given(st.integers(0, 50))
    def test_the_order_of_the_records_does_not_matter(self, order: int) -> None:
        data = patients(A=[1, 2, 3] * 5, B=[2] * 9)
        config, shuffled = TrainingConfig(split="kfold", n_folds=3), shuffle(data, order)
        assert names(data, divide(data, config)) == names(shuffled, divide(shuffled, config))

    def test_a_class_with_less_films_than_folds_may_have_none_to_train_on(self) -> None:
        data, config = singles(A=20, B=2), TrainingConfig(split="kfold", n_folds=3)
        folds = deal_folds(data, group_by_patient(data.records), 0, 3)
        empty = next(n for n, fold in enumerate(folds) if "B" not in counts(data, fold))
        tested = (empty + 1) % 3 + 1  # its neighbour validates, and the empty one trains
        with pytest.raises(DatasetError, match="class B has too few images"):
            divide(data, config.changed(fold=tested))
