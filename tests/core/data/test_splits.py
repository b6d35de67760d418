import csv
import dataclasses
import hashlib
import json
import random
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config import TrainingConfig
from core.data.patients import Grouping, group_by_patient
from core.data.records import Dataset, GivenPart, Record
from core.data.splits import (
    PARTS,
    leaking_groups,
    random_key,
    reference_split,
    save_split_table,
    split,
    split_groups,
    split_into_folds,
    split_rows,
)
from core.errors import DatasetError
from tests.core.data.named_films import (
    STRATIFIED,
    check_is_a_division,
    counts,
    dataset,
    digest_of,
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
        parts = names(data, reference_split(data))
        assert parts["kept"] == ["A/b.png", "B/3.png"]
        assert parts["test"] == ["A/10.png", "B/1.png"]
        assert parts["train"] == ["A/9.png", "B/2.png"]

    def test_the_order_of_the_records_does_not_matter(self) -> None:
        data = singles(A=23, B=11)
        shuffled = shuffle(data, 1)
        assert names(data, reference_split(data)) == names(shuffled, reference_split(shuffled))

    def test_a_class_of_two_has_nothing_to_train_on(self) -> None:
        with pytest.raises(
            DatasetError, match=r"class B has too few images to train on. Add films"
        ):
            divide(singles(A=20, B=2), self.CONFIG)

    def test_patients_cross_and_are_told(self) -> None:
        data = patients(A=[3] * 10, B=[1] * 20)
        grouping = group_by_patient(data.records)
        # Of A the films 0, 10 and 20 are the test, and the last one of all is kept.
        assert leaking_groups(grouping, reference_split(data)) == ("A000", "A003", "A006", "A009")


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
            pytest.param(
                singles(A=2, B=3, C=40), 7, "4f399c9ebb2ceb85", id="tiny classes"
            ),  # but A's one test image, which was kept
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
        # A single test image is tested, not kept.
        tested, kept = counts(data, splits.test), counts(data, splits.kept)
        assert all(tested[name] for name in data.classes)
        assert set(kept.values()) <= {0, 1}

    @given(st.lists(st.integers(2, 12), min_size=2, max_size=5), st.integers(0, 1000))
    def test_tiny_datasets_are_divided_too(self, sizes: list[int], seed: int) -> None:
        data = singles(**{f"C{n}": size for n, size in enumerate(sizes)})
        splits = divide(data, seed=seed)
        check_is_a_division(data, splits)
        assert all(counts(data, splits.test)[name] for name in data.classes)

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
        assert leaking_groups(grouping, splits) == ()


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

    def test_another_seed_draws_other_folds(self) -> None:
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
        folds = split_into_folds(data, group_by_patient(data.records), 0, 3)
        empty = next(n for n, fold in enumerate(folds) if "B" not in counts(data, fold))
        tested = (empty + 1) % 3 + 1  # its neighbour validates, and the empty one trains
        with pytest.raises(DatasetError, match="class B has too few images"):
            divide(data, config.changed(fold=tested))


SHARES = {"test": 0.1, "validation": 0.1}


def of_groups(films: dict[str, list[int]]) -> tuple[Dataset, Grouping]:
    """Numbers of the groups that the films of each class belong to."""
    data = dataset({name: [f"{n}.png" for n in range(len(of))] for name, of in films.items()})
    groups = tuple(f"g{number}" for name in sorted(films) for number in films[name])
    return data, Grouping(groups, groups, "before_underscore", len(groups))


GROUPS = st.lists(st.integers(0, 15), min_size=2, max_size=25)
DATA = st.fixed_dictionaries({"A": GROUPS, "B": GROUPS, "C": GROUPS}).map(of_groups)


def parts_of(grouping: Grouping, parts: list[list[int]]) -> list[set[str]]:
    return [{grouping.groups[index] for index in part} for part in parts]


def test_a_random_key_depends_on_seed_and_text_alone() -> None:
    assert random_key(0, "p7").hex().startswith("3ab4f7bb")  # SHA-256 of "0:p7"
    assert random_key(1, "p7") != random_key(0, "p7") != random_key(0, "p8")


@given(DATA, st.integers(0, 99))
def test_a_group_of_several_classes_stays_together(
    made: tuple[Dataset, Grouping], seed: int
) -> None:
    data, grouping = made
    parts = split_groups(data, grouping, seed, SHARES, range(len(data.records)))
    assert sorted(chain.from_iterable(parts.values())) == list(range(len(data.records)))
    test, validation, train = parts_of(
        grouping, [parts[p] for p in ("test", "validation", "train")]
    )
    assert not (test & validation | test & train | validation & train)


@given(DATA, st.integers(0, 99))
def test_training_has_every_class(made: tuple[Dataset, Grouping], seed: int) -> None:
    data, grouping = made
    parts = split_groups(
        data, grouping, seed, {"test": 0.4, "validation": 0.4}, range(len(data.records))
    )
    assert set(counts(data, parts["train"])) == set(data.classes)


def test_only_the_films_that_are_named_are_split() -> None:
    data = singles(A=40, B=40)
    parts = split_groups(
        data, group_by_patient(data.records), 0, {"validation": 0.25}, range(20, 60)
    )
    assert sorted(chain.from_iterable(parts.values())) == list(range(20, 60))
    assert counts(data, parts["validation"]) == {"A": 5, "B": 5}


def test_the_test_has_one_film_more_to_keep() -> None:
    data = singles(A=40, B=20)
    parts = split_groups(data, group_by_patient(data.records), 0, SHARES, range(60))
    assert counts(data, parts["test"]) == {"A": 5, "B": 3}
    assert counts(data, parts["validation"]) == {"A": 4, "B": 2}


def test_a_part_that_every_group_is_too_large_for_takes_the_smallest() -> None:
    data = patients(A=[30, 20, 40, 25], B=[1] * 200)
    grouping = group_by_patient(data.records, pattern="before_underscore")
    parts = split_groups(data, grouping, 0, SHARES, range(len(data.records)))
    assert counts(data, parts["test"])["A"] == 20
    assert counts(data, parts["validation"])["A"] == 25


@given(DATA, st.integers(0, 99), st.integers(3, 6))
def test_no_group_is_in_two_folds(made: tuple[Dataset, Grouping], seed: int, n_folds: int) -> None:
    data, grouping = made
    folds = split_into_folds(data, grouping, seed, n_folds)
    assert sorted(chain.from_iterable(folds)) == list(range(len(data.records)))
    assert sum(map(len, parts_of(grouping, folds))) == grouping.n_groups


@given(st.lists(st.integers(3, 60), min_size=2, max_size=4), st.integers(3, 10))
def test_folds_of_single_films_differ_by_one_film_a_class(sizes: list[int], n_folds: int) -> None:
    data = singles(**{f"C{n}": size for n, size in enumerate(sizes)})
    folds = split_into_folds(data, group_by_patient(data.records), 0, n_folds)
    for name in data.classes:
        of_class = [counts(data, fold).get(name, 0) for fold in folds]
        assert max(of_class) - min(of_class) <= 1


def given_parts(
    parts: Sequence[tuple[str, GivenPart | None, int]], name: str = "A"
) -> list[Record]:
    """Films of one class: prefix of the patients, part, count; two films a patient."""
    return [
        Record(
            f"{part or 'loose'}/{name}/{prefix}{n // 2:03d}_{n % 2}.png",
            Path(),
            digest_of(f"{name}{prefix}{part}{n}"),
            ord(name) - ord("A"),
            given=part,
        )
        for prefix, part, size in parts
        for n in range(size)
    ]


def given_dataset(*parts: tuple[str, GivenPart | None, int]) -> Dataset:
    records = given_parts(parts) + given_parts(
        [(f"b{prefix}", part, n) for prefix, part, n in parts], "B"
    )
    records.sort(key=lambda record: (record.label, record.name))
    return Dataset((Path("films.zip"),), ("A", "B"), tuple(records), ())


class TestGiven:
    CONFIG = TrainingConfig(split="given")

    def test_the_parts_are_kept_as_they_are(self) -> None:
        data = given_dataset(("x", "train", 20), ("y", "validation", 6), ("z", "test", 8))
        splits = divide(data, self.CONFIG)
        for part in PARTS:
            for index in splits.part(part):
                assert data.records[index].given == ("test" if part == "kept" else part)
        assert len(splits.kept) == 2
        check_is_a_division(data, splits)

    def test_a_missing_validation_is_drawn_from_training_by_patient(self) -> None:
        data = given_dataset(("x", "train", 40), ("z", "test", 8))
        splits = divide(data, self.CONFIG)
        assert counts(data, splits.validation) == {"A": 4, "B": 4}
        assert {data.records[index].given for index in splits.validation} == {"train"}
        check_is_a_division(data, splits)

    def test_a_missing_test_is_drawn_from_training_too(self) -> None:
        data = given_dataset(("x", "train", 40), ("y", "validation", 8))
        splits = divide(data, self.CONFIG)
        assert counts(data, splits.validation) == {"A": 8, "B": 8}
        assert {data.records[index].given for index in splits.test + splits.kept} == {"train"}
        check_is_a_division(data, splits)

    def test_a_share_of_nothing_draws_nothing(self) -> None:
        data = given_dataset(("x", "train", 40), ("z", "test", 8))
        splits = divide(data, self.CONFIG.changed(validation_share=0.0))
        assert splits.validation == ()

    def test_films_without_a_part_are_trained_on(self) -> None:
        data = given_dataset(("x", None, 20), ("y", "validation", 4), ("z", "test", 4))
        splits = divide(data, self.CONFIG)
        assert {data.records[index].given for index in splits.train} == {None}

    def test_a_dataset_that_is_not_divided_is_refused(self) -> None:
        with pytest.raises(DatasetError, match=r"films.zip is not divided already: .* another"):
            divide(singles(A=20, B=20), self.CONFIG)

    def test_a_class_without_training_films_is_refused(self) -> None:
        data = given_dataset(("x", "train", 20), ("z", "test", 8))
        records = [
            dataclasses.replace(record, given="test") if record.label else record
            for record in data.records
        ]
        with pytest.raises(DatasetError, match="class B has no images in the training folder"):
            divide(dataclasses.replace(data, records=tuple(records)), self.CONFIG)

    def test_patients_the_dataset_has_on_both_sides_are_told(self) -> None:
        data = given_dataset(("x", "train", 20), ("y", "validation", 4), ("x", "test", 4))
        splits = divide(data, self.CONFIG)
        grouping = group_by_patient(data.records)
        assert leaking_groups(grouping, splits) == ("bx000", "bx001", "x000", "x001")


def test_every_film_is_in_the_table_with_its_part() -> None:
    data = patients(A=[2] * 20, B=[1] * 30)
    grouping = group_by_patient(data.records)
    splits = split(data, grouping, TrainingConfig())
    rows = list(split_rows(data, grouping, splits))
    assert [row[0] for row in rows] == [record.name for record in data.records]
    for part in PARTS:
        assert {row[0] for row in rows if row[3] == part} == {
            data.records[index].name for index in splits.part(part)
        }


def test_patients_are_numbered_and_not_named() -> None:
    data = patients(A=[2] * 20, B=[1] * 30)
    in_file = {record.digest: f"secret{n // 2}" for n, record in enumerate(data.records)}
    grouping = group_by_patient(data.records, in_file)
    assert grouping.pattern == "dicom"
    rows = list(split_rows(data, grouping, split(data, grouping, TrainingConfig())))
    assert [row[2] for row in rows[:5]] == ["1", "1", "2", "2", "3"]
    assert "secret" not in str(rows)


def test_a_spreadsheet_finds_no_formula(tmp_path: Path) -> None:
    data = dataset({"=A": [f"{n}.png" for n in range(5)], "@B": [f"{n}.png" for n in range(5)]})
    grouping = group_by_patient(data.records)
    path = tmp_path / "split.csv"
    save_split_table(path, data, grouping, split(data, grouping, TrainingConfig()))
    with path.open(encoding="utf-8-sig", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["file", "class", "patient", "part"]
    assert rows[0][:3] == ["'=A/0.png", "'=A", "1"]
    assert len(rows) == 10
