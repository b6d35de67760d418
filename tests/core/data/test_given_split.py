import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pytest

from core.config import TrainingConfig
from core.data.patients import group_by_patient
from core.data.records import Dataset, GivenPart, Record
from core.data.splits import PARTS, crossing
from core.errors import DatasetError
from tests.core.data.named_films import check_is_a_division, counts, digest_of, divide, singles


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
        with pytest.raises(DatasetError, match="class B has too few images"):
            divide(dataclasses.replace(data, records=tuple(records)), self.CONFIG)

    def test_patients_the_dataset_has_on_both_sides_are_told(self) -> None:
        data = given_dataset(("x", "train", 20), ("y", "validation", 4), ("x", "test", 4))
        splits = divide(data, self.CONFIG)
        grouping = group_by_patient(data.records)
        assert crossing(grouping, splits) == ("bx000", "bx001", "x000", "x001")
