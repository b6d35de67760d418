"""Tensors beside the network's: they come back, and no file can lie about them."""

import hashlib
import json
from string import ascii_lowercase

import numpy as np
import pytest
import safetensors.numpy

from core.errors import ConfigError, ModelFileError
from core.models import model_file
from core.models.model_card import MAX_EXTRA_BYTES, ModelCard, describe_extras
from core.models.model_file import open_model, read_card, save_model
from tests.core.models.model_bytes import (
    arrays_for,
    card,
    mutated,
    put_together,
    take_apart,
    tiny_shapes,
    with_body,
    with_card,
    with_entry,
    with_header,
    without,
)


def extras():
    random = np.random.default_rng(3)
    return {
        "novelty.thumbnails": random.integers(0, 256, (2, 3, 3)).astype(np.uint8),
        "novelty.features": random.normal(size=(4, 2)).astype(np.float32),
        "novelty.rows": np.array([0, 2, 1, 0], np.int32),
    }


@pytest.fixture
def remembering(monkeypatch, tmp_path):
    monkeypatch.setattr(model_file, "expected_shapes", tiny_shapes)
    path = tmp_path / "remembering.safetensors"
    save_model(path, card(novelty={"any": 1}), arrays_for(tiny_shapes("resnet18", 3)), extras())
    return path


def test_they_come_back_bit_equal_with_the_weights_untouched(remembering):
    opened = open_model(remembering)
    assert opened.extras.keys() == extras().keys()
    for name, array in extras().items():
        assert opened.extras[name].dtype == array.dtype
        np.testing.assert_array_equal(opened.extras[name], array)
    for name, array in arrays_for(tiny_shapes("resnet18", 3)).items():
        np.testing.assert_array_equal(opened.weights[name], array)
    assert not opened.extras["novelty.features"].flags.writeable


def test_the_safetensors_library_reads_them_alike(remembering):
    theirs = safetensors.numpy.load(remembering.read_bytes())
    for name, array in extras().items():
        np.testing.assert_array_equal(theirs[name], array)


def test_a_card_without_tensors_of_its_own_says_so(remembering, tmp_path):
    plain = tmp_path / "plain.safetensors"
    save_model(plain, read_card(remembering), arrays_for(tiny_shapes("resnet18", 3)))
    assert read_card(plain).extras == {}
    assert open_model(plain).extras == {}


def test_a_file_of_the_first_version_is_still_read(remembering, tmp_path):
    old = tmp_path / "old.safetensors"
    first = card(format_version=1)
    save_model(old, first, arrays_for(tiny_shapes("resnet18", 3)))
    header, body = take_apart(old)
    values = json.loads(header["__metadata__"]["pneumoscope"])
    del values["extras"]
    old.write_bytes(
        put_together({**header, "__metadata__": {"pneumoscope": json.dumps(values)}}, body)
    )
    assert open_model(old).card.format_version == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"fc.weight": np.zeros(2, np.float32)},
        {"novelty.": np.zeros(2, np.float32)},
        {"novelty.../x": np.zeros(2, np.float32)},
        {"novelty.features": np.zeros(2, np.float64)},
        {"novelty.features": np.zeros(2, np.bool_)},
        {"novelty.features": np.zeros((2, 0), np.float32)},
        {"novelty.features": np.zeros((1,) * 5, np.float32)},
        {"novelty.features": np.float32(1).reshape(())},
        {"novelty.features": np.broadcast_to(np.uint8(0), (MAX_EXTRA_BYTES + 1,))},
        {
            f"novelty.{letter * 2}{end}": np.zeros(1, np.uint8)
            for letter in ascii_lowercase
            for end in "ab"
        },
    ],
)
def test_what_no_file_may_hold_is_not_written(remembering, tmp_path, wrong):
    path = tmp_path / "wrong.safetensors"
    with pytest.raises(ValueError, match="no model file may hold"):
        save_model(path, card(), arrays_for(tiny_shapes("resnet18", 3)), wrong)
    assert not path.exists()


def test_values_that_are_no_numbers_are_not_written(remembering, tmp_path):
    path = tmp_path / "wrong.safetensors"
    broken = {"novelty.features": np.array([1, np.nan], np.float32)}
    with pytest.raises(ModelFileError, match=r"novelty\.features"):
        save_model(path, card(), arrays_for(tiny_shapes("resnet18", 3)), broken)


def lying(name, **changes):
    """The card's own list says something else of a tensor."""
    return with_card(
        lambda c: {**c, "extras": {**c["extras"], name: {**c["extras"][name], **changes}}}
    )


def consistent(shape):
    """Card and header agree on a shape that the file cannot have."""

    def altered(path):
        header, body = take_apart(path)
        values = json.loads(header["__metadata__"]["pneumoscope"])
        values["extras"]["novelty.features"]["shape"] = shape
        header["novelty.features"]["shape"] = shape
        header["__metadata__"] = {"pneumoscope": json.dumps(values)}
        return put_together(header, body)

    return altered


def not_finite(path):
    header, body = take_apart(path)
    start, end = header["novelty.features"]["data_offsets"]
    body = body[:start] + b"\xff" * (end - start) + body[end:]
    values = json.loads(header["__metadata__"]["pneumoscope"])
    values["tensors_sha256"] = hashlib.sha256(body).hexdigest()
    header["__metadata__"] = {"pneumoscope": json.dumps(values)}
    return put_together(header, body)


HOSTILE = {
    "listed and missing": (with_header(without("novelty.rows")), "novelty.rows is missing"),
    "there and not listed": (with_card(lambda c: {**c, "extras": {}}), "does not have a tensor"),
    "list gone": (with_card(without("extras")), "does not have a tensor"),
    "list a list": (with_card(lambda c: {**c, "extras": []}), "extras"),
    "list a text": (with_card(lambda c: {**c, "extras": "novelty"}), "extras"),
    "list null": (with_card(lambda c: {**c, "extras": None}), "extras"),
    "entry null": (with_card(lambda c: {**c, "extras": {"novelty.rows": None}}), "extras"),
    "path as a name": (
        with_card(lambda c: {**c, "extras": {"../../etc/passwd": c["extras"]["novelty.rows"]}}),
        "extras",
    ),
    "name of the network's": (
        with_card(lambda c: {**c, "extras": {"fc.weight": c["extras"]["novelty.rows"]}}),
        "extras",
    ),
    "type unknown": (lying("novelty.rows", dtype="F16"), "extras"),
    "type a list": (lying("novelty.rows", dtype=["F32"]), "extras"),
    "type another": (lying("novelty.rows", dtype="F32"), "is missing or not as"),
    "shape another": (lying("novelty.rows", shape=[2, 2]), "is missing or not as"),
    "shape empty": (lying("novelty.rows", shape=[]), "extras"),
    "shape zero": (lying("novelty.rows", shape=[0]), "extras"),
    "shape negative": (lying("novelty.rows", shape=[-4]), "extras"),
    "shape true": (lying("novelty.rows", shape=[True]), "extras"),
    "shape of fractions": (lying("novelty.rows", shape=[4.0]), "extras"),
    "shape huge": (lying("novelty.rows", shape=[2**62]), "extras"),
    "shape of huge product": (lying("novelty.rows", shape=[60_000_000] * 4), "extras"),
    "shape of many sides": (lying("novelty.rows", shape=[1] * 1000), "extras"),
    "entry with more": (lying("novelty.rows", more=1), "extras"),
    "too many": (
        with_card(lambda c: {**c, "extras": {f"novelty.a{'b' * n}": {} for n in range(99)}}),
        "extras",
    ),
    "agreed lie about the size": (consistent([4_000_000, 4]), "is missing or not as"),
    "header lies alone": (with_entry("novelty.rows", shape=[2, 2]), "novelty.rows"),
    "offsets over the weights": (with_entry("novelty.rows", data_offsets=[0, 16]), "novelty.rows"),
    "body cut": (with_body(lambda b: b[:-1]), "bytes where"),
    "last byte flipped": (with_body(lambda b: b[:-1] + bytes([b[-1] ^ 1])), "checksum"),
    "not finite, with a checksum that fits": (not_finite, "novelty.features"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_lie_is_refused_in_a_plain_sentence(remembering, name):
    make, expected = HOSTILE[name]
    victim = remembering.with_name("victim.safetensors")
    victim.write_bytes(make(remembering))
    with pytest.raises(ModelFileError) as refusal:
        open_model(victim)
    assert expected in str(refusal.value)
    assert "victim.safetensors" in str(refusal.value)
    assert len(str(refusal.value)) < 500


def check_mutations(path, n, seed):
    """Of `n` random changes each is refused, or changes no tensor."""
    content, original = path.read_bytes(), open_model(path)
    victim = path.with_name("victim.safetensors")
    random = np.random.default_rng(seed)
    n_refused = 0
    for _ in range(n):
        victim.write_bytes(mutated(content, random))
        try:
            opened = open_model(victim)
        except ModelFileError:
            n_refused += 1
            continue
        assert isinstance(opened.card, ModelCard)
        for mine, theirs in ((opened.weights, original.weights), (opened.extras, original.extras)):
            assert mine.keys() == theirs.keys()
            assert all(mine[name].tobytes() == theirs[name].tobytes() for name in mine)
    assert n / 2 < n_refused < n


def test_of_a_thousand_random_changes_none_opens_to_other_tensors(remembering):
    check_mutations(remembering, 1000, 20261128)


@pytest.mark.nightly
def test_of_twenty_thousand_random_changes_none_opens_to_other_tensors(remembering):
    check_mutations(remembering, 20_000, 5)


@pytest.mark.parametrize("values", [{"novelty.x": {"dtype": "F32", "shape": "ab"}}, 7])
def test_a_card_cannot_be_made_with_a_list_that_is_none(values):
    with pytest.raises(ConfigError, match="extras"):
        card(extras=values)


def test_the_description_names_types_as_safetensors_does():
    described = describe_extras({"novelty.rows": np.zeros((2, 1), np.int32)})
    assert described["novelty.rows"].model_dump(mode="json") == {"dtype": "I32", "shape": [2, 1]}
