from pathlib import Path

import numpy as np
import pytest

from core.config import ARCHITECTURES
from core.errors import ModelFileError
from core.models.initial_weights import fit
from core.models.weights import expected_shapes

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


def test_arrays_are_those_that_matched(tensors):
    weights = fitted(tensors())

    assert tuple(weights.arrays) == weights.matched


def test_the_same_number_of_classes_keeps_the_last_layer(tensors):
    weights = fitted(tensors(n_classes=3))

    assert "fc.weight" in weights.arrays
    assert weights.missing == weights.mismatched == ()


def test_a_last_layer_of_other_classes_can_be_left_out(tensors):
    weights = fitted(tensors(n_classes=3), is_last_layer_wanted=False)

    assert weights.missing == weights.unused == ("fc.weight", "fc.bias")


def test_half_a_last_layer_is_left_out(tensors):
    offered = tensors(n_classes=3)
    del offered["fc.bias"]

    assert fitted(offered).missing == ("fc.weight", "fc.bias")


@pytest.mark.parametrize("prefix", ["module.", "model.", "backbone.", "module.model.backbone."])
def test_prefixes_of_wrappers_are_taken_away(tensors, prefix):
    weights = fitted({prefix + name: array for name, array in tensors().items()})

    assert weights.missing == ("fc.weight", "fc.bias")


def test_counters_of_pytorch_are_passed_over(tensors):
    counter = {"bn1.num_batches_tracked": None}

    assert fitted({**tensors(), **counter}).unused == ()


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


@pytest.mark.parametrize(
    ("name", "value"),
    [("conv1.weight", np.nan), ("layer1.0.bn1.bias", np.inf), ("bn1.running_var", -1.0)],
)
def test_impossible_values_are_refused_by_their_tensor(tensors, name, value):
    offered = tensors()
    offered[name] = np.full(offered[name].shape, value, np.float32)

    with pytest.raises(ModelFileError, match=name):
        fitted(offered)


def test_impossible_values_that_are_not_used_do_no_harm(tensors):
    broken = {"head.bias": np.full(3, np.nan, np.float32)}

    assert fitted({**tensors(), **broken}).unused == ("head.bias",)
