import errno
import json
import pickle
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path
from string import ascii_lowercase

import numpy as np
import pytest
import safetensors
import safetensors.numpy

from core import files
from core.errors import ConfigError, ModelFileError
from core.models import model_file
from core.models.model_card import DISCLAIMER, MAX_EXTRA_BYTES, ModelCard
from core.models.model_file import open_model, read_card, save_model
from core.models.weights import expected_shapes
from tests.core.models.model_bytes import (
    CLASSES,
    arrays_for,
    card,
    card_text,
    mutated,
    opened_up,
    repeated_name,
    sealed,
    swapped_offsets,
    tiny_shapes,
    with_body,
    with_card,
    with_entry,
    with_header,
    with_text,
    with_value,
    without,
)

ARRAYS = arrays_for(tiny_shapes("resnet18", 3))


def extras():
    random = np.random.default_rng(3)
    return {
        "novelty.thumbnails": random.integers(0, 256, (2, 3, 3)).astype(np.uint8),
        "novelty.features": random.normal(size=(4, 2)).astype(np.float32),
        "novelty.rows": np.array([0, 2, 1, 0], np.int32),
    }


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    """A saved model of the tiny layout; all checks but the layout's size are the real ones."""
    monkeypatch.setattr(model_file, "expected_shapes", tiny_shapes)
    path = tmp_path / "tiny.safetensors"
    save_model(path, card(novelty={"any": 1}), ARRAYS, extras())
    return path


def torch_zip(path):
    other = path.with_suffix(".zip")
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02}q\x00.")
    return other.read_bytes()


class Touch:
    """Unpickling one would make a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def lying(name, **changes):
    """The card's own list says something else of a tensor."""
    return with_card(
        lambda c: {**c, "extras": {**c["extras"], name: {**c["extras"][name], **changes}}}
    )


def agreed_shape(path):
    """Card and header agree on a shape that the file cannot have."""
    header, body, values = opened_up(path)
    header["novelty.features"]["shape"] = [4_000_000, 4]
    values["extras"]["novelty.features"]["shape"] = [4_000_000, 4]
    return sealed(header, body, values)


HOSTILE = {
    # what it is not
    "empty": (lambda p: b"", "not made by PneumoScope"),
    "seven bytes": (lambda p: p.read_bytes()[:7], "not made by PneumoScope"),
    "text": (lambda p: b"This is not a model at all." * 9, "not made by PneumoScope"),
    "png": (lambda p: b"\x89PNG\r\n\x1a\n" + bytes(100), "not made by PneumoScope"),
    "torch zip": (torch_zip, "can run code"),
    "foreign safetensors": (
        lambda p: safetensors.numpy.save({"a": np.zeros(2, np.float32)}),
        "not made by PneumoScope",
    ),
    "foreign metadata": (
        lambda p: safetensors.numpy.save({"a": np.zeros(2, np.float32)}, {"format": "pt"}),
        "not made by PneumoScope",
    ),
    "metadata a list": (with_header(lambda h: {**h, "__metadata__": []}), "not made by"),
    "card an object": (
        with_header(lambda h: {**h, "__metadata__": {"pneumoscope": {}}}),
        "not made by PneumoScope",
    ),
    # the frame
    "header length zero": (lambda p: bytes(8) + p.read_bytes()[8:], "not made by"),
    "header length one": (lambda p: b"\1" + bytes(7) + p.read_bytes()[8:], "not made by"),
    "header length huge": (lambda p: b"\xff" * 8 + p.read_bytes()[8:], "not made by"),
    "header longer than file": (
        lambda p: (90_000_000).to_bytes(8, "little") + p.read_bytes()[8:],
        "end is missing",
    ),
    "header cut": (lambda p: p.read_bytes()[:300], "end is missing"),
    "tensors cut": (lambda p: p.read_bytes()[:-1], "bytes where"),
    "tensors gone": (with_body(lambda b: b""), "bytes where"),
    "bytes behind": (lambda p: p.read_bytes() + b"\0", "bytes where"),
    "bit flipped": (with_body(lambda b: bytes([b[0] ^ 1]) + b[1:]), "checksum"),
    "last bit flipped": (with_body(lambda b: b[:-1] + bytes([b[-1] ^ 128])), "checksum"),
    # the header's JSON
    "header not JSON": (with_header(lambda h: b"{" + b"x" * 50), "description cannot be read"),
    "header not UTF-8": (with_header(lambda h: b'{"\xff\xfe": 1}'), "description cannot"),
    "name twice": (repeated_name, "description cannot be read"),
    "nested header": (
        with_header(lambda h: b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
        "description cannot be read",
    ),
    "nested a little": (
        with_header(lambda h: b'{"a":' + b"[" * 40 + b"]" * 40 + b"}"),
        "description cannot be read",
    ),
    "millions of lists": (
        with_header(lambda h: b'{"a":[' + b"[]," * 2_000_001 + b"[]]}"),
        "description cannot be read",
    ),
    # the entries
    "tensor missing": (with_header(without("fc.bias")), "fc.bias is missing"),
    "tensor unknown": (with_header(lambda h: {**h, "x": h["fc.bias"]}), "not have a tensor x"),
    "tensor name long": (
        with_header(lambda h: {**h, "x" * 50_000: h["fc.bias"]}),
        "not have a tensor xxx",
    ),
    "half precision": (with_entry("fc.bias", dtype="F16"), "fc.bias"),
    "double precision": (with_entry("fc.bias", dtype="F64"), "fc.bias"),
    "integers": (with_entry("fc.bias", dtype="I32"), "fc.bias"),
    "other shape": (with_entry("fc.weight", shape=[2, 3]), "fc.weight"),
    "negative shape": (with_entry("fc.weight", shape=[-3, -2]), "fc.weight"),
    "huge shape": (with_entry("fc.weight", shape=[2**62, 2**62]), "fc.weight"),
    "overlap": (with_entry("fc.bias", data_offsets=[0, 12]), "fc.bias"),
    "hole": (with_entry("fc.weight", data_offsets=[1000, 1024]), "fc.weight"),
    "offsets backwards": (with_entry("fc.bias", data_offsets=[28, 16]), "fc.bias"),
    "offsets negative": (with_entry("fc.bias", data_offsets=[-12, 0]), "fc.bias"),
    "offsets swapped": (with_header(swapped_offsets), "bn1.running_mean"),
    "entry extra": (with_entry("fc.bias", more=1), "fc.bias"),
    "entry a number": (with_header(lambda h: {**h, "fc.bias": 7}), "fc.bias"),
    # the values
    "NaN": (with_value("conv1.weight", float("nan")), "not possible"),
    "infinity": (with_value("fc.bias", float("-inf")), "not possible"),
    "negative variance": (with_value("bn1.running_var", -0.5), "bn1.running_var"),
    # the card
    "card not JSON": (with_card(lambda c: "{"), "description cannot be read"),
    "card a list": (with_card(lambda c: "[]"), "description cannot be read"),
    "card nested": (with_card(lambda c: "[" * 100_000), "description cannot be read"),
    "card with NaN": (card_text("0.9", "NaN"), "description cannot be read"),
    "card with infinity": (card_text("0.9", "1e999"), "description cannot be read"),
    "card with a huge number": (card_text("0.9", "9" * 5000), "description cannot be read"),
    "card with a large number": (card_text("0.9", "9" * 400), "description cannot be read"),
    "card with half a surrogate": (card_text("COVID-19", "\\ud800"), "description cannot"),
    "card with a name twice": (
        card_text('"reader_version": 1', '"reader_version": 1, "reader_version": 2'),
        "description cannot be read",
    ),
    "newer": (
        with_card(lambda c: {"format_version": 5, "surprise": True}),
        "newer PneumoScope. Update",
    ),
    "version zero": (with_card(lambda c: {**c, "format_version": 0}), "format_version"),
    "version a text": (with_card(lambda c: {**c, "format_version": "1"}), "format_version"),
    "architecture unknown": (with_card(lambda c: {**c, "architecture": "vgg"}), "architecture"),
    "architecture a list": (with_card(lambda c: {**c, "architecture": []}), "architecture"),
    "one class": (with_card(lambda c: {**c, "classes": CLASSES[:1]}), "classes"),
    "too many classes": (
        with_card(lambda c: {**c, "classes": [str(n) for n in range(1001)]}),
        "classes",
    ),
    "a class twice": (with_card(lambda c: {**c, "classes": ["a", "b", "a"]}), "classes"),
    "a class without name": (with_card(lambda c: {**c, "classes": ["a", "", "b"]}), "classes"),
    "a class too long": (with_card(lambda c: {**c, "classes": ["a", "b" * 201]}), "classes"),
    "a class a number": (with_card(lambda c: {**c, "classes": ["a", 1, "b"]}), "classes"),
    "classes a text": (with_card(lambda c: {**c, "classes": "abc"}), "classes"),
    "display name missing": (with_card(lambda c: {**c, "display_names": {}}), "display_names"),
    "entry unknown": (with_card(lambda c: {**c, "run_this": "rm"}), "run_this"),
    "entry unknown and long": (with_card(lambda c: {**c, "x" * 9999: 1}), "xxx"),
    "preprocessing gone": (with_card(without("preprocessing")), "preprocessing"),
    "image size gone": (
        with_card(lambda c: {**c, "preprocessing": {"mean": 0.5, "std": 0.5}}),
        "image_size",
    ),
    "image size huge": (card_text('"image_size": 96', '"image_size": 99999'), "Image size"),
    "training null": (with_card(lambda c: {**c, "training": None}), "TrainingConfig"),
    "split null": (with_card(lambda c: {**c, "split": None}), "split"),
    "digest malformed": (
        with_card(lambda c: {**c, "split": {**c["split"], "test": ["../x"]}}),
        "split",
    ),
    "created nonsense": (with_card(lambda c: {**c, "created": "yesterday"}), "created"),
    "created elsewhere": (
        with_card(lambda c: {**c, "created": "2026-01-02T03:04:05+08:00"}),
        "created",
    ),
    "history negative": (
        with_card(lambda c: {**c, "history": {"best_epoch": -1, "epochs": 1}}),
        "history",
    ),
    "checksum gone": (with_card(lambda c: {**c, "tensors_sha256": ""}), "checksum"),
    # the tensors beside the network's
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
    "agreed lie about the size": (agreed_shape, "is missing or not as"),
    "header lies alone": (with_entry("novelty.rows", shape=[2, 2]), "novelty.rows"),
    "offsets over the weights": (with_entry("novelty.rows", data_offsets=[0, 16]), "novelty.rows"),
    "not finite": (with_value("novelty.features", float("nan")), "novelty.features"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_in_a_plain_sentence(tiny, name):
    make, expected = HOSTILE[name]
    victim = tiny.with_name("victim.safetensors")
    victim.write_bytes(make(tiny))
    with pytest.raises(ModelFileError) as refusal:
        open_model(victim)
    sentence = str(refusal.value)
    assert expected in sentence
    assert "victim.safetensors" in sentence
    assert len(sentence) < 500


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_pickle_is_refused_and_never_run(tmp_path, protocol):
    trace = tmp_path / "trace"
    for name in ("model.pdparams", "model.pth", "model.safetensors"):
        (tmp_path / name).write_bytes(pickle.dumps(Touch(trace), protocol=protocol))
        with pytest.raises(ModelFileError, match="can run code"):
            open_model(tmp_path / name)
        assert not trace.exists()


@pytest.mark.parametrize("n", [3000, pytest.param(20_000, marks=pytest.mark.nightly)])
def test_of_thousands_of_random_changes_none_opens_to_other_tensors(tiny, n):
    content, original = tiny.read_bytes(), open_model(tiny)
    victim = tiny.with_name("victim.safetensors")
    rng = np.random.default_rng(n)
    n_refused = 0
    for _ in range(n):
        victim.write_bytes(mutated(content, rng))
        try:
            opened = open_model(victim)
        except ModelFileError:
            n_refused += 1
            continue
        assert isinstance(opened.card, ModelCard)
        for mine, theirs in ((opened.weights, original.weights), (opened.extras, original.extras)):
            assert mine.keys() == theirs.keys()
            assert all(mine[name].tobytes() == theirs[name].tobytes() for name in mine)
    # Both branches are meant to be walked: some changes hit a comment-like part of the card.
    assert n / 2 < n_refused < n


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "模型.safetensors"
    arrays = arrays_for(expected_shapes("resnet18", 3))
    return path, save_model(path, card(), arrays), arrays


def test_a_real_network_with_chinese_classes_comes_back_bit_equal(saved):
    path, written, arrays = saved
    found, opened, _ = open_model(path)
    assert found == written
    assert found.classes == CLASSES
    assert found.disclaimer == DISCLAIMER
    assert opened.keys() == arrays.keys()
    for name, array in arrays.items():
        assert opened[name].dtype == np.float32
        assert opened[name].shape == array.shape
        assert opened[name].tobytes() == array.tobytes()


def test_the_file_is_read_alike_by_the_safetensors_library(saved):
    path, _, arrays = saved
    theirs = safetensors.numpy.load(path.read_bytes())
    assert all(theirs[name].tobytes() == arrays[name].tobytes() for name in arrays)
    with safetensors.safe_open(path, framework="np") as file:
        assert json.loads(file.metadata()["pneumoscope"])["classes"] == list(CLASSES)


def test_the_card_can_be_read_alone_unless_the_weights_are_cut_short(saved, tmp_path):
    path, written, _ = saved
    assert read_card(path) == written
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(ModelFileError, match="bytes where"):
        read_card(cut)


def test_opening_takes_less_memory_than_three_times_the_file(saved):
    path = saved[0]
    tracemalloc.start()
    try:
        open_model(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert path.stat().st_size < peak < 3 * path.stat().st_size


def test_the_same_model_gives_the_same_bytes(tmp_path):
    arrays = arrays_for(expected_shapes("resnet18", 3))
    paths = [tmp_path / "one.safetensors", tmp_path / "two.safetensors"]
    save_model(paths[0], card(), arrays)
    save_model(paths[1], card(), dict(reversed(arrays.items())))
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_tensors_beside_the_networks_come_back_bit_equal(tiny, tmp_path):
    opened = open_model(tiny)
    theirs = safetensors.numpy.load(tiny.read_bytes())
    assert opened.extras.keys() == extras().keys()
    for name, array in extras().items():
        assert opened.extras[name].dtype == array.dtype
        assert opened.extras[name].tobytes() == theirs[name].tobytes() == array.tobytes()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(opened.weights[name], array)
    assert not opened.extras["novelty.features"].flags.writeable
    assert read_card(tiny).extras["novelty.rows"].model_dump(mode="json") == {
        "dtype": "I32",
        "shape": [4],
    }
    plain = tmp_path / "plain.safetensors"
    save_model(plain, read_card(tiny), ARRAYS)
    assert read_card(plain).extras == open_model(plain).extras == {}


def test_arrays_with_other_strides_are_saved_by_value(tiny, tmp_path):
    arrays = {**ARRAYS, "fc.weight": np.asfortranarray(ARRAYS["fc.weight"])}
    path = tmp_path / "strided.safetensors"
    save_model(path, card(), arrays)
    np.testing.assert_array_equal(open_model(path).weights["fc.weight"], arrays["fc.weight"])


def test_weights_and_tensors_that_are_of_no_use_are_not_written(tiny, tmp_path):
    path = tmp_path / "broken.safetensors"
    for name, value in (
        ("fc.bias", np.nan),
        ("conv1.weight", np.inf),
        ("bn1.running_var", -1.0),
        ("novelty.features", np.nan),
    ):
        given = {key: array.copy() for key, array in {**ARRAYS, **extras()}.items()}
        given[name].flat[0] = value
        beside = {key: given.pop(key) for key in extras()}
        with pytest.raises(ModelFileError, match=name):
            save_model(path, card(), given, beside)
    with pytest.raises(ModelFileError, match="number of classes"):
        save_model(path, card(), arrays_for(tiny_shapes("resnet18", 4)))
    assert not path.exists()


def test_tensors_that_no_file_may_hold_are_not_written(tiny, tmp_path):
    path = tmp_path / "wrong.safetensors"
    for wrong in (
        {"fc.weight": np.zeros(2, np.float32)},
        {"novelty.": np.zeros(2, np.float32)},
        {"novelty.../x": np.zeros(2, np.float32)},
        {"novelty.features": np.zeros(2, np.float64)},
        {"novelty.features": np.zeros(2, np.bool_)},
        {"novelty.features": np.zeros((2, 0), np.float32)},
        {"novelty.features": np.zeros((1,) * 5, np.float32)},
        {"novelty.features": np.float32(1).reshape(())},
        {"novelty.features": np.broadcast_to(np.uint8(0), (MAX_EXTRA_BYTES + 1,))},
        {f"novelty.{a}{b}": np.zeros(1, np.uint8) for a in ascii_lowercase for b in "ab"},
    ):
        with pytest.raises(ValueError, match="no model file may hold"):
            save_model(path, card(), ARRAYS, wrong)
    assert not path.exists()


def test_a_full_disk_leaves_the_old_model_and_says_so(tiny, monkeypatch):
    before = tiny.read_bytes()

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(ModelFileError, match=r"tiny\.safetensors could not be written: No space"):
        save_model(tiny, card(), {name: array / 2 for name, array in ARRAYS.items()})
    assert tiny.read_bytes() == before
    assert list(tiny.parent.iterdir()) == [tiny]


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(ModelFileError, match=r"gone\.safetensors cannot be read"):
        open_model(tmp_path / "gone.safetensors")
    with pytest.raises(ModelFileError, match="is not a file"):
        read_card(tmp_path)
    with pytest.raises(ModelFileError, match="cannot be read"):
        read_card(tmp_path / ("n" * 5000))
    with pytest.raises(ModelFileError, match="cannot be read"):
        read_card(tmp_path / "a\0b")


def test_a_file_larger_than_any_model_is_refused_unread(tiny):
    with tiny.open("r+b") as file:
        file.truncate(model_file.MAX_FILE_BYTES + 1)  # sparse: takes no room
    with pytest.raises(ModelFileError, match="larger than any model"):
        open_model(tiny)


def test_a_card_passes_through_json_text_unchanged():
    original = card(tensors_sha256="0" * 64, calibration={"temperature": 1.5})
    assert ModelCard.from_json(json.loads(json.dumps(original.to_json()))) == original


def test_a_card_lacking_an_entry_names_it():
    for name, field in ModelCard.model_fields.items():
        if field.is_required():
            values = without(name)(card().to_json())
            with pytest.raises(ConfigError, match=f"lacks the entry {name}"):
                ModelCard.from_json(values)


def test_a_model_of_the_first_version_needs_no_later_parts(tiny):
    save_model(tiny, card(format_version=1), ARRAYS)
    header, body, values = opened_up(tiny)
    for name in ("calibration", "novelty", "operating_points", "extras", "card_sha256"):
        del values[name]
    tiny.write_bytes(with_text(header, body, json.dumps(values)))
    assert open_model(tiny).card == card(format_version=1, tensors_sha256=values["tensors_sha256"])


def test_a_card_that_no_file_can_hold_is_refused_before_saving():
    with pytest.raises(ConfigError, match="classes"):
        card(classes=("a", "b\udc80"))
    for values in ({"novelty.x": {"dtype": "F32", "shape": "ab"}}, 7):
        with pytest.raises(ConfigError, match="extras"):
            card(extras=values)


def test_reading_a_card_does_not_load_paddle(saved):
    code = (
        "import sys; from pathlib import Path; from core.models.model_file import read_card;"
        "card = read_card(Path(sys.argv[1])); assert len(card.classes) == 3;"
        "assert 'paddle' not in sys.modules"
    )
    root = Path(model_file.__file__).parents[2]
    subprocess.run([sys.executable, "-c", code, str(saved[0])], check=True, cwd=root)
