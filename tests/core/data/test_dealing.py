from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from core.data.patients import Grouping, group_by_patient
from core.data.records import Dataset
from core.data.splits import deal, deal_folds, draw
from tests.core.data.named_films import counts, dataset, patients, singles

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


def test_a_draw_depends_on_seed_and_text_alone() -> None:
    assert draw(0, "p7").hex().startswith("3ab4f7bb")  # SHA-256 of "0:p7"
    assert draw(1, "p7") != draw(0, "p7") != draw(0, "p8")


@given(DATA, st.integers(0, 99))
def test_a_group_of_several_classes_is_dealt_as_a_whole(
    made: tuple[Dataset, Grouping], seed: int
) -> None:
    data, grouping = made
    dealt = deal(data, grouping, seed, SHARES, range(len(data.records)))
    assert sorted(chain.from_iterable(dealt.values())) == list(range(len(data.records)))
    test, validation, train = parts_of(
        grouping, [dealt[p] for p in ("test", "validation", "train")]
    )
    assert not (test & validation | test & train | validation & train)


@given(DATA, st.integers(0, 99))
def test_training_has_every_class(made: tuple[Dataset, Grouping], seed: int) -> None:
    data, grouping = made
    dealt = deal(data, grouping, seed, {"test": 0.4, "validation": 0.4}, range(len(data.records)))
    assert set(counts(data, dealt["train"])) == set(data.classes)


def test_only_the_films_that_are_named_are_dealt() -> None:
    data = singles(A=40, B=40)
    dealt = deal(data, group_by_patient(data.records), 0, {"validation": 0.25}, range(20, 60))
    assert sorted(chain.from_iterable(dealt.values())) == list(range(20, 60))
    assert counts(data, dealt["validation"]) == {"A": 5, "B": 5}


def test_the_test_has_one_film_more_to_keep() -> None:
    data = singles(A=40, B=20)
    dealt = deal(data, group_by_patient(data.records), 0, SHARES, range(60))
    assert counts(data, dealt["test"]) == {"A": 5, "B": 3}
    assert counts(data, dealt["validation"]) == {"A": 4, "B": 2}


def test_a_part_that_every_group_is_too_large_for_takes_the_smallest() -> None:
    data = patients(A=[30, 20, 40, 25], B=[1] * 200)
    dealt = deal(data, group_by_patient(data.records), 0, SHARES, range(len(data.records)))
    assert counts(data, dealt["test"])["A"] == 20
    assert counts(data, dealt["validation"])["A"] == 25


@given(DATA, st.integers(0, 99), st.integers(3, 6))
def test_no_group_is_in_two_folds(made: tuple[Dataset, Grouping], seed: int, n_folds: int) -> None:
    data, grouping = made
    folds = deal_folds(data, grouping, seed, n_folds)
    assert sorted(chain.from_iterable(folds)) == list(range(len(data.records)))
    assert sum(map(len, parts_of(grouping, folds))) == grouping.n_groups


@given(st.lists(st.integers(3, 60), min_size=2, max_size=4), st.integers(3, 10))
def test_folds_of_single_films_differ_by_one_film_a_class(sizes: list[int], n_folds: int) -> None:
    data = singles(**{f"C{n}": size for n, size in enumerate(sizes)})
    folds = deal_folds(data, group_by_patient(data.records), 0, n_folds)
    for name in data.classes:
        of_class = [counts(data, fold).get(name, 0) for fold in folds]
        assert max(of_class) - min(of_class) <= 1
