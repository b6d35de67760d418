import dataclasses
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.edits import Edits, EditsFile
from core.data.records import Dataset
from core.errors import ConfigError, DatasetError
from tests.core.data.named_films import dataset, singles

DATA = dataset({name: [f"{n}.png" for n in range(4)] for name in "ABC"})


def by_class(data: Dataset) -> dict[str, list[str]]:
    films: dict[str, list[str]] = {name: [] for name in data.classes}
    for record in data.records:
        films[data.classes[record.label]].append(record.name)
    return films


class TestApplying:
    def test_no_edits_change_nothing(self) -> None:
        assert Edits().apply(DATA) is DATA

    def test_a_film_that_is_left_out_is_told(self) -> None:
        data = Edits().leave_out(["B/1.png"]).apply(DATA)
        assert by_class(data)["B"] == ["B/0.png", "B/2.png", "B/3.png"]
        assert [(one.file, str(one.reason)) for one in data.left_out] == [
            ("B/1.png", "You left it out.")
        ]

    def test_a_film_can_be_taken_back(self) -> None:
        edits = Edits().leave_out(["B/1.png", "B/2.png"]).take_back(["B/1.png"])
        assert edits == Edits().leave_out(["B/2.png"])

    def test_a_film_can_be_of_another_class(self) -> None:
        data = Edits().relabel(["A/1.png"], "C").apply(DATA)
        assert by_class(data)["C"] == ["A/1.png", "C/0.png", "C/1.png", "C/2.png", "C/3.png"]
        assert "A/1.png" not in by_class(data)["A"]

    def test_the_last_class_of_a_film_counts(self) -> None:
        edits = Edits().relabel(["A/1.png"], "C").relabel(["A/1.png"], "B")
        assert "A/1.png" in by_class(edits.apply(DATA))["B"]

    def test_records_stay_sorted_by_class_and_name(self) -> None:
        data = Edits().relabel(["C/2.png", "A/1.png"], "B").apply(DATA)
        places = [(record.label, record.name) for record in data.records]
        assert places == sorted(places)

    def test_a_class_can_join_another(self) -> None:
        data = Edits(merged={"B": "A"}).apply(DATA)
        assert data.counts == {"A": 8, "C": 4}

    def test_a_film_that_changed_its_class_joins_with_it(self) -> None:
        edits = Edits(merged={"B": "A"}).relabel(["C/0.png"], "B")
        assert "C/0.png" in by_class(edits.apply(DATA))["A"]

    def test_names_that_are_not_there_change_nothing(self) -> None:
        edits = Edits(merged={"X": "A", "A": "Y"})
        edits = edits.leave_out(["x"]).relabel(["y"], "A").relabel(["A/0.png"], "X")
        assert by_class(edits.apply(DATA)) == by_class(DATA)

    def test_a_class_that_becomes_too_small_is_left_out_with_its_last_film(self) -> None:
        data = Edits().leave_out([f"B/{n}.png" for n in range(3)]).apply(DATA)
        assert data.classes == ("A", "C")
        assert [one.file for one in data.left_out] == [f"B/{n}.png" for n in range(4)]
        assert "only film of its class" in str(data.left_out[3].reason)
        assert {record.label for record in data.records} == {0, 1}

    def test_fewer_than_two_classes_are_refused(self) -> None:
        edits = Edits().leave_out([f"{name}/{n}.png" for name in "BC" for n in range(4)])
        with pytest.raises(DatasetError, match=r"fewer than two classes .* Undo it"):
            edits.apply(DATA)

    def test_edits_are_values_and_can_be_undone(self) -> None:
        before = Edits().leave_out(["A/0.png"])
        after = before.relabel(["B/1.png"], "C").group_by("{patient}_*")
        assert before == Edits().leave_out(["A/0.png"])
        assert after != before
        assert (before.n_changes, after.n_changes) == (1, 3)
        assert by_class(before.apply(DATA))["A"] == ["A/1.png", "A/2.png", "A/3.png"]


NAMES = st.sampled_from([record.name for record in DATA.records])
CLASSES = st.sampled_from(["A", "B", "C", "gone"])
EDITS = st.builds(
    Edits,
    left_out=st.frozensets(NAMES),
    classes=st.dictionaries(NAMES, CLASSES),
    merged=st.dictionaries(CLASSES, CLASSES),
    patients=st.text(max_size=9),
)


@given(EDITS)
def test_whatever_is_edited_every_film_is_in_one_place(edits: Edits) -> None:
    try:
        data = edits.apply(DATA)
    except DatasetError:
        return
    kept = [record.name for record in data.records]
    assert sorted(kept + [one.file for one in data.left_out]) == [
        record.name for record in DATA.records
    ]
    assert min(data.counts.values()) >= 2


class TestJson:
    @given(EDITS)
    def test_edits_come_back_as_they_were(self, edits: Edits) -> None:
        assert Edits.from_json(json.loads(json.dumps(edits.to_json()))) == edits

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
            max_leaves=6,
        ),
        st.sampled_from(["version", "left_out", "classes", "merged", "patients", ""]),
    )
    def test_what_is_no_edits_is_refused(self, value: object, name: str) -> None:
        whole = {**Edits().to_json(), name: value} if name else value
        try:
            edits = Edits.from_json(whole)
        except ConfigError:
            return
        edits.apply(DATA)


class TestFile:
    def test_edits_are_kept_with_the_films(self, tmp_path: Path) -> None:
        edits = Edits().leave_out(["A/\udc80 张.png"]).relabel(["B/0.png"], "C")
        EditsFile(tmp_path, DATA).save(edits)
        assert EditsFile(tmp_path, DATA).load() == edits

    def test_other_films_have_other_edits(self, tmp_path: Path) -> None:
        EditsFile(tmp_path, DATA).save(Edits().leave_out(["A/0.png"]))
        assert EditsFile(tmp_path, singles(A=4, B=4)).load() == Edits()

    @pytest.mark.parametrize(
        "content", [b"", b"[" * 100_000, b"\xff\xfe", b"{}", b"null", b'{"version": 1}']
    )
    def test_a_damaged_file_is_no_edits(self, tmp_path: Path, content: bytes) -> None:
        file = EditsFile(tmp_path, DATA)
        file.path.write_bytes(content)
        assert file.load() == Edits()

    @given(st.binary(max_size=3), st.integers(0, 200))
    def test_a_file_with_a_few_other_bytes_never_raises(
        self, tmp_path_factory: pytest.TempPathFactory, change: bytes, place: int
    ) -> None:
        file = EditsFile(tmp_path_factory.getbasetemp(), DATA)
        edits = Edits(merged={"A": "C"}).leave_out(["A/0.png"]).relabel(["B/0.png"], "C")
        content = json.dumps(edits.to_json()).encode()
        file.path.write_bytes(content[:place] + change + content[place + len(change) :])
        assert isinstance(file.load(), Edits)

    def test_a_folder_that_is_gone_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(DatasetError, match=r"cannot be saved in .* Free some disk space"):
            EditsFile(tmp_path / "gone", DATA).save(Edits())


def test_a_film_that_was_added_to_a_folder_does_not_undo_the_edits(tmp_path: Path) -> None:
    before = singles(A=4, B=4)
    EditsFile(tmp_path, before).save(Edits().leave_out(["A/0001.png"]).relabel(["B/0002.png"], "A"))
    after = singles(A=5, B=4)
    assert EditsFile(tmp_path, after).load().left_out == {"A/0001.png"}
    assert EditsFile(tmp_path, after).load().classes == {"B/0002.png": "A"}


def test_an_edit_of_a_film_that_is_another_one_by_now_does_not_count(tmp_path: Path) -> None:
    before = singles(A=4, B=4)
    EditsFile(tmp_path, before).save(Edits().leave_out(["A/0001.png", "A/0002.png"]))
    records = [
        dataclasses.replace(record, digest="f" * 64) if record.name == "A/0001.png" else record
        for record in before.records
    ]
    after = dataclasses.replace(before, records=tuple(records))
    assert EditsFile(tmp_path, after).load().left_out == {"A/0002.png"}
