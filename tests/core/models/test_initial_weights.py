import json
import os
import pickle
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from core.config import ARCHITECTURES
from core.errors import ModelFileError
from core.models import initial_weights, pdparams
from core.models.initial_weights import describe, fit, open_initial_weights
from core.models.model_file import save_model
from core.models.weights import expected_shapes
from core.tensor_file import read_loose
from tests.core.models.model_bytes import CLASSES, arrays_for, card


class Calls:
    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


def refusal(path, architecture="resnet18"):
    with pytest.raises(ModelFileError) as error:
        open_initial_weights(path, architecture, 3)
    return str(error.value)


def safetensors_file(path, entries):
    """Write name -> (type, shape, bytes) by hand."""
    header, start, body = {}, 0, b""
    for name, (kind, shape, data) in entries.items():
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [start, start + len(data)]}
        start += len(data)
        body += data
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)


@pytest.fixture(scope="module")
def public(tensors, tmp_path_factory):
    """ResNet-18 of ImageNet as others publish it; every weight is 0.5."""
    path = tmp_path_factory.mktemp("public") / "public.safetensors"
    safetensors.numpy.save_file(
        {name: np.ascontiguousarray(array) for name, array in tensors().items()},
        path,
        {"format": "pt"},
    )
    return path


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A model of ours, ResNet-18 for `CLASSES`."""
    path = tmp_path_factory.mktemp("own") / "own.safetensors"
    save_model(path, card(), arrays_for(expected_shapes("resnet18", len(CLASSES))))
    return path


class TestSafetensors:
    def test_of_others_gives_its_backbone(self, public):
        weights = open_initial_weights(public, "resnet18", 3)

        assert (weights.name, weights.kind) == ("public.safetensors", "safetensors")
        assert weights.missing == ("fc.weight", "fc.bias")
        assert (weights.arrays["conv1.weight"] == 0.5).all()

    def test_of_other_precisions_becomes_float32_and_of_integers_nothing(self, tmp_path):
        values = np.array([1.5, -2], "<f4")
        for kind, data in (
            ("F16", values.astype("<f2")),
            ("BF16", (values.view("<u4") >> 16).astype("<u2")),
            ("F32", values),
            ("F64", values.astype("<f8")),
        ):
            safetensors_file(tmp_path / "w", {"bn1.bias": (kind, [2], data.tobytes())})

            array = read_loose((tmp_path / "w").read_bytes())["bn1.bias"]

            assert array.dtype == np.float32
            np.testing.assert_array_equal(array, values)
        safetensors_file(tmp_path / "w", {"bn1.bias": ("I8", [2], b"ab")})
        assert read_loose((tmp_path / "w").read_bytes()) == {"bn1.bias": None}

    @pytest.mark.parametrize(
        "change",
        [
            lambda content: content[:-1],
            lambda content: content + b"a",
            lambda content: content[:500],
            lambda content: content.replace(b'"F32"', b'"X99"', 1),
            lambda content: content.replace(b"[64,3,7,7]", b"[64,3,7,8]"),
            lambda content: content.replace(b'"shape"', b'"shade"', 1),
            lambda content: struct.pack("<Q", 1 << 40) + content[8:],
            lambda content: struct.pack("<Q", 2) + b"{]" + content,
            lambda content: struct.pack("<Q", 60_000) + b'{"a":' * 12_000,
        ],
    )
    def test_that_was_altered_is_refused_as_damaged(self, public, tmp_path, change):
        (tmp_path / "w").write_bytes(change(public.read_bytes()))

        assert "damaged" in refusal(tmp_path / "w")

    def test_of_another_network_is_refused(self, public):
        assert "holds a ResNet-18, but this run trains a ResNet-50" in refusal(public, "resnet50")


class TestModelOfOurs:
    def test_with_the_same_classes_gives_everything_with_others_its_backbone(self, own):
        weights = open_initial_weights(own, "resnet18", 3, CLASSES)
        assert (weights.kind, weights.missing) == ("pneumoscope", ())

        for classes in (("a", "b", "c"), CLASSES[::-1], CLASSES[:2]):
            weights = open_initial_weights(own, "resnet18", len(classes), classes)
            assert weights.missing == ("fc.weight", "fc.bias")

    def test_of_another_architecture_is_refused(self, own):
        assert "holds a ResNet-18, but this run trains a ResNet-34" in refusal(own, "resnet34")

    def test_that_was_altered_is_refused(self, own, tmp_path):
        (tmp_path / "w").write_bytes(own.read_bytes()[:-4] + b"abcd")

        assert "checksum" in refusal(tmp_path / "w")


class TestPaddleFile:
    @pytest.mark.parametrize("protocol", [2, 4])
    def test_of_paddles_own_network_fits_to_the_last_bit(self, tmp_path, protocol):
        from core.runtime.paddle import paddle

        network = paddle.vision.models.resnet18(num_classes=3)
        path = tmp_path / "resnet18.pdparams"
        paddle.save(network.state_dict(), str(path), protocol=protocol)

        weights = open_initial_weights(path, "resnet18", 3)

        assert weights.kind == "paddle"
        assert (weights.missing, weights.unused) == ((), ())
        truth = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
        np.testing.assert_array_equal(weights.arrays["fc.weight"], truth["fc.weight"].T)
        for ours, theirs in [
            ("layer4.1.conv2.weight", "layer4.1.conv2.weight"),
            ("layer2.0.downsample.1.running_var", "layer2.0.downsample.1._variance"),
        ]:
            np.testing.assert_array_equal(weights.arrays[ours], truth[theirs])

    def test_that_calls_something_is_refused_and_calls_nothing(self, tmp_path):
        path, sign = tmp_path / "w.pdparams", tmp_path / "ran"
        path.write_bytes(pickle.dumps({"conv1.weight": Calls(f"touch {sign}")}, 2))

        assert f"asks for {os.system.__module__}.system to be run" in refusal(path)
        assert not sign.exists()

    def test_with_more_than_weights_or_less_is_refused_with_the_remedy(self, tmp_path, pickled):
        path = tmp_path / "w.pdparams"
        for content, words in (
            (pickled(epoch=3), "network.state_dict()"),
            (pickled()[:-20], "damaged"),
        ):
            path.write_bytes(content)
            assert words in refusal(path)

    @pytest.mark.parametrize(
        ("script", "words"),
        [
            ("import os; os.abort()", "damaged"),
            ("import threading; threading.Event().wait(60)", "damaged"),
            ("""print('{"refused": "memory", "what": ""}')""", "memory"),
        ],
        ids=["dies", "does not answer", "runs out of memory"],
    )
    def test_whose_reader_fails_is_refused(self, tmp_path, pickled, monkeypatch, script, words):
        (tmp_path / "reader.py").write_text(script)
        monkeypatch.setattr(pdparams, "_WORKER", tmp_path / "reader.py")
        monkeypatch.setattr(pdparams, "_MOST_SECONDS", 0.1 if "wait" in script else 60.0)
        (tmp_path / "w.pdparams").write_bytes(pickled())

        assert words in refusal(tmp_path / "w.pdparams")

    @pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps such a limit")
    def test_is_read_by_a_process_that_gets_little_memory(self):
        code = (
            f"import runpy; runpy.run_path({str(pdparams._WORKER)!r})['confine'](0)\n"
            "bytearray(1 << 30)"
        )

        done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True)

        assert b"MemoryError" in done.stderr

    def test_of_pytorch_is_refused_with_the_remedy(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "w.pth", "w") as zipped:
            zipped.writestr("archive/data.pkl", b"\x80\x02}.")
        for content in (
            (tmp_path / "w.pth").read_bytes(),
            b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.",
            b"\x80\x02}X\x01\x00\x00\x00actorch._utils\n_rebuild_tensor_v2\n)Rs.",
        ):
            (tmp_path / "w.pt").write_bytes(content)

            assert "save_file" in refusal(tmp_path / "w.pt")


class TestOtherFile:
    def test_is_refused_with_what_to_choose(self, tmp_path):
        assert "Choose a .safetensors file" in refusal(tmp_path)
        assert "gone.pdparams cannot be read" in refusal(tmp_path / "gone.pdparams")
        for content in (
            b"",
            b"a",
            b"PK\x03\x04 films of a dataset",
            b"\x89PNG\r\n\x1a\n" + bytes(50),
        ):
            (tmp_path / "w").write_bytes(content)
            assert "Choose a .safetensors file" in refusal(tmp_path / "w")

    def test_that_is_too_large_is_refused_unread(self, tmp_path, pickled, monkeypatch):
        monkeypatch.setattr(initial_weights, "MAX_FILE_BYTES", 100)
        (tmp_path / "w").write_bytes(pickled())

        assert "larger than any ResNet" in refusal(tmp_path / "w")


def sentences(tensors, kind="safetensors", **options):
    weights = fit(tensors, "resnet18", 3, path=Path("public.safetensors"), kind=kind, **options)
    return [str(message) for message in describe(weights)]


def test_tells_how_much_fits_and_why_the_last_layer_does_not(tensors):
    assert sentences(tensors())[:2] == [
        "100 of 102 tensors of the network start from public.safetensors.",
        "The last layer starts at random, because the file tells 1000 classes apart and this "
        "dataset has 3.",
    ]


def test_tells_that_other_names_of_classes_cost_the_last_layer(tensors):
    said = sentences(tensors(n_classes=3), "pneumoscope", is_last_layer_wanted=False)

    assert said[1:] == [
        "The last layer starts at random, because the file's classes have other names."
    ]


def test_tells_that_a_file_has_no_last_layer(tensors):
    backbone = {name: array for name, array in tensors().items() if not name.startswith("fc.")}

    assert sentences(backbone)[1] == (
        "The last layer starts at random, because the file has none that fits."
    )


def test_tells_what_is_lacking_what_is_altered_and_what_is_left_over(tensors):
    offered = tensors(n_classes=3)
    del offered["bn1.bias"]
    offered["conv1.weight"] = np.zeros((64, 1, 7, 7), np.float32)
    offered |= {f"head.{number}": None for number in range(7)}

    assert sentences(offered)[1:4] == [
        "These start at random, because the file has them in another shape: conv1.weight.",
        "These start at random, because the file lacks them: bn1.bias.",
        "The network has no place for these of the file: "
        "head.0, head.1, head.2, head.3, head.4 (+2).",
    ]


def test_tells_that_public_weights_expect_colours_but_not_models_of_ours(tensors):
    assert "three colours" in sentences(tensors())[-1]
    assert len(sentences(tensors(n_classes=3), "pneumoscope")) == 1


PATH = Path("weights.safetensors")


def fitted(tensors, architecture="resnet18", n_classes=3, **options):
    return fit(tensors, architecture, n_classes, path=PATH, kind="safetensors", **options)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_public_network_gives_its_backbone_to_other_classes(tensors, architecture):
    weights = fitted(tensors(architecture), architecture)

    assert set(weights.matched) == set(expected_shapes(architecture, 3)) - set(weights.missing)
    assert weights.missing == ("fc.weight", "fc.bias")
    assert [name for name, _, _ in weights.mismatched] == ["fc.weight", "fc.bias"]
    assert weights.unused == ()
    assert tuple(weights.arrays) == weights.matched


def test_the_same_number_of_classes_keeps_the_last_layer_if_it_is_whole_and_wanted(tensors):
    weights = fitted(tensors(n_classes=3))
    assert "fc.weight" in weights.arrays
    assert weights.missing == weights.mismatched == ()

    weights = fitted(tensors(n_classes=3), is_last_layer_wanted=False)
    assert weights.missing == weights.unused == ("fc.weight", "fc.bias")

    offered = tensors(n_classes=3)
    del offered["fc.bias"]
    assert fitted(offered).missing == ("fc.weight", "fc.bias")


def test_prefixes_of_wrappers_are_taken_away_and_counters_passed_over(tensors):
    for prefix in ("module.", "model.", "backbone.", "module.model.backbone."):
        weights = fitted({prefix + name: array for name, array in tensors().items()})
        assert weights.missing == ("fc.weight", "fc.bias")
    assert fitted({**tensors(), "bn1.num_batches_tracked": None}).unused == ()


def test_tensors_without_a_place_are_told(tensors):
    extra = {"head.weight": np.zeros((2, 2), np.float32), "steps": None}

    assert fitted({**tensors(), **extra}).unused == ("head.weight", "steps")


def test_a_tensor_of_another_shape_keeps_its_random_start(tensors):
    grey = np.zeros((64, 1, 7, 7), np.float32)

    weights = fitted({**tensors(n_classes=3), "conv1.weight": grey})

    assert weights.missing == ("conv1.weight",)
    assert weights.mismatched == (("conv1.weight", (64, 1, 7, 7), (64, 3, 7, 7)),)


def test_names_and_layout_of_paddle_are_understood(tensors):
    offered = {
        name.replace("running_mean", "_mean").replace("running_var", "_variance"): array
        for name, array in tensors(n_classes=3).items()
    }
    offered["fc.weight"] = np.arange(512 * 3, dtype=np.float32).reshape(512, 3)

    weights = fitted(offered)

    assert weights.missing == ()
    np.testing.assert_array_equal(weights.arrays["fc.weight"], offered["fc.weight"].T)


def names_of_paddleclas(architecture):
    """Torchvision's name -> PaddleClas's, whose blocks are counted through all stages."""
    names, blocks = {}, []
    for name in expected_shapes(architecture, 2):
        stem, _, ending = name.rpartition(".")
        ending = {"running_mean": "_mean", "running_var": "_variance"}.get(ending, ending)
        if stem in ("conv1", "bn1"):
            names[name] = f"stem.0.{stem[:-1]}.{ending}"
        elif stem == "fc":
            names[name] = name
        else:
            stage, index, part = stem.split(".", 2)
            block = (stage, index)
            if block not in blocks:
                blocks.append(block)
            inner = {"downsample.0": "short.conv", "downsample.1": "short.bn"}.get(
                part, f"conv{int(part[-1]) - 1}.{part[:-1]}"
            )
            names[name] = f"blocks.{blocks.index(block)}.{inner}.{ending}"
    return names


@pytest.mark.parametrize("architecture", ["resnet34", "resnet50"])
def test_names_of_paddleclas_are_understood(tensors, architecture):
    names = names_of_paddleclas(architecture)
    offered = {names[name]: array for name, array in tensors(architecture).items()}

    assert fitted(offered, architecture).missing == ("fc.weight", "fc.bias")


@pytest.mark.parametrize("is_of_paddleclas", [False, True])
@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("resnet34", "resnet18"), ("resnet18", "resnet34"), ("resnet50", "resnet18")],
)
def test_another_resnet_is_refused_by_its_name(tensors, theirs, ours, is_of_paddleclas):
    names = names_of_paddleclas(theirs)
    offered = tensors(theirs)
    if is_of_paddleclas:
        offered = {names[name]: array for name, array in offered.items()}

    with pytest.raises(ModelFileError, match=theirs.replace("resnet", "holds a ResNet-")):
        fitted(offered, ours)


def test_another_kind_of_network_is_refused_with_what_would_fit():
    offered = {"features.0.weight": np.zeros((64, 3, 11, 11), np.float32)}

    with pytest.raises(ModelFileError, match="0 of 100 tensors fit a ResNet-18"):
        fitted(offered)


def test_two_networks_in_a_file_are_refused(tensors):
    twice = {f"module.{name}": array for name, array in tensors().items()}

    with pytest.raises(ModelFileError, match="twice"):
        fitted({**tensors(), **twice})


def test_impossible_values_are_refused_by_their_tensor_where_they_are_used(tensors):
    for name, value in (
        ("conv1.weight", np.nan),
        ("layer1.0.bn1.bias", np.inf),
        ("bn1.running_var", -1.0),
    ):
        offered = tensors()
        offered[name] = np.full(offered[name].shape, value, np.float32)
        with pytest.raises(ModelFileError, match=name):
            fitted(offered)
    broken = {"head.bias": np.full(3, np.nan, np.float32)}
    assert fitted({**tensors(), **broken}).unused == ("head.bias",)
