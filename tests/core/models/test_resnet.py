import math
import threading
from typing import Any

import numpy as np
import pytest
from paddle.vision import models as paddle_models

from core.config import ARCHITECTURES, Preprocessing
from core.errors import ModelFileError
from core.models.onnx import network_input
from core.models.resnet import build_resnet, place_of, to_input
from core.models.weights import PLANS, expected_shapes, first_impossible, load_arrays, to_arrays
from core.runtime.devices import use_device
from core.runtime.paddle import F, paddle, seed_everything
from core.runtime.threads import BUILDING
from tests.core.training.narrow import make_narrow


@pytest.fixture
def network():
    paddle.seed(0)
    return build_resnet("resnet18", 3)


def images(n=2, side=64, seed=0):
    pixels = np.random.default_rng(seed).normal(size=(n, 3, side, side))
    return paddle.to_tensor(pixels.astype(np.float32))


def randomise_norms(network, seed=0):
    """Give each norm statistics of its own, so that a mixed-up or unused one shows."""
    rng = np.random.default_rng(seed)
    for name, tensor in network.state_dict().items():
        if len(tensor.shape) != 1 or name == "fc.bias":
            continue
        if name.endswith(("bias", "_mean")):
            values = rng.normal(0.0, 0.1, tensor.shape)
        elif name.endswith(("bn2.weight", "bn3.weight")):
            # Small, or 50 blocks in a row let the logits grow to thousands, where a
            # float32 step alone is larger than the tolerance.
            values = rng.uniform(0.1, 0.2, tensor.shape)
        else:
            values = rng.uniform(0.5, 1.5, tensor.shape)
        tensor.set_value(values.astype(np.float32))


# The deeper ones are built of the blocks of these two, and take the longest.
SOME_ARCHITECTURES = [
    pytest.param(name, marks=pytest.mark.slow) if name not in ("resnet18", "resnet50") else name
    for name in ARCHITECTURES
]


@pytest.mark.parametrize("architecture", SOME_ARCHITECTURES)
def test_weights_of_paddle_vision_give_the_same_logits(architecture):
    theirs = getattr(paddle_models, architecture)(num_classes=3)
    randomise_norms(theirs)
    ours = build_resnet(architecture, 3)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    # Paddle's own copying, so that a fault in ours cannot cancel itself out.
    ours.set_state_dict(theirs.state_dict())
    ours.eval()
    theirs.eval()
    with paddle.no_grad():
        expected = theirs(images()).numpy()
        found = ours(images()).numpy()
    assert 0.1 < np.ptp(expected) < 100
    assert np.abs(found - expected).max() < 1e-5


@pytest.mark.filterwarnings("ignore:When training, we now always track:UserWarning")
def test_a_training_pass_moves_the_statistics_as_paddle_vision_does(network):
    theirs = paddle_models.resnet18(num_classes=3)
    theirs.set_state_dict(network.state_dict())
    with paddle.no_grad():
        np.testing.assert_allclose(network(images(4)).numpy(), theirs(images(4)).numpy(), atol=1e-5)
    moved = to_arrays(network)
    assert np.abs(moved["layer4.1.bn2.running_mean"]).max() > 0.001
    for name, array in to_arrays(theirs).items():
        np.testing.assert_allclose(moved[name], array, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("architecture", SOME_ARCHITECTURES)
def test_expected_shapes_are_those_of_the_built_network(architecture):
    built = {name: array.shape for name, array in to_arrays(build_resnet(architecture, 4)).items()}
    assert expected_shapes(architecture, 4) == built


def test_parameters_are_as_many_as_in_the_literature(network):
    # torchvision's ResNet-18 has 11,689,512, of which 513,000 in a last layer of 1000 classes.
    arrays = to_arrays(network)
    n_parameters = sum(array.size for name, array in arrays.items() if "running" not in name)
    assert n_parameters == 11_689_512 - 513_000 + 3 * 513


def test_any_image_of_at_least_32_pixels_fits(network):
    network.eval()
    with paddle.no_grad():
        for side in (32, 33, 95, 160):
            assert tuple(network(images(side=side)).shape) == (2, 3)


def test_features_are_the_map_the_logits_are_averaged_from(network):
    network.eval()
    with paddle.no_grad():
        features = network.features(images(side=96))
        logits = network(images(side=96))
    assert tuple(features.shape) == (2, 512, 3, 3)
    pooled = features.numpy().mean(axis=(2, 3))
    arrays = to_arrays(network)
    by_hand = pooled @ arrays["fc.weight"].T + arrays["fc.bias"]
    np.testing.assert_allclose(logits.numpy(), by_hand, atol=1e-5)


def test_convolutions_start_with_the_spread_of_he_and_norms_as_identity(network):
    for name, array in to_arrays(network).items():
        if array.ndim == 4:
            wanted = math.sqrt(2.0 / (array.shape[0] * array.shape[2] * array.shape[3]))
            assert array.std() == pytest.approx(wanted, rel=0.05), name
        elif name.endswith(("weight", "running_var")) and array.ndim == 1:
            assert (array == 1).all(), name
        elif array.ndim == 1 and name != "fc.bias":
            assert (array == 0).all(), name


def test_the_same_seed_builds_the_same_network(network):
    paddle.seed(0)
    again = to_arrays(build_resnet("resnet18", 3))
    paddle.seed(1)
    other = to_arrays(build_resnet("resnet18", 3))
    first = to_arrays(network)
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["conv1.weight"], other["conv1.weight"])


def test_every_parameter_learns_from_one_step(network):
    optimiser = paddle.optimizer.SGD(0.1, parameters=network.parameters())
    F.cross_entropy(network(images(4)), paddle.to_tensor([0, 1, 2, 0])).backward()
    before = to_arrays(network)
    optimiser.step()
    after = to_arrays(network)
    parameters = [name for name in before if "running" not in name]
    assert [name for name in parameters if np.array_equal(before[name], after[name])] == []


def test_arrays_have_the_layout_of_torchvision_and_load_bit_equal(network):
    randomise_norms(network)
    arrays = to_arrays(network)
    np.testing.assert_array_equal(arrays["fc.weight"], network.fc.weight.numpy().T)
    np.testing.assert_array_equal(arrays["bn1.running_mean"], network.bn1._mean.numpy())
    np.testing.assert_array_equal(arrays["bn1.running_var"], network.bn1._variance.numpy())
    assert arrays["layer2.0.downsample.0.weight"].shape == (128, 64, 1, 1)
    assert all(array.dtype == np.float32 for array in arrays.values())
    assert all(array.flags.c_contiguous for array in arrays.values())
    other = build_resnet("resnet18", 3)
    load_arrays(other, arrays)
    loaded = to_arrays(other)
    assert loaded.keys() == arrays.keys()
    assert all(loaded[name].tobytes() == arrays[name].tobytes() for name in arrays)


def without(arrays, name):
    return {key: array for key, array in arrays.items() if key != name}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda a: without(a, "bn1.running_var"), "lack the tensor bn1.running_var"),
        (lambda a: {**a, "fc2.bias": a["fc.bias"]}, "have a tensor fc2.bias"),
        (lambda a: {**a, "fc.weight": a["fc.weight"].T}, "fc.weight is float32 (512, 3)"),
        (lambda a: {**a, "fc.bias": np.zeros(4, np.float32)}, "fc.bias is float32 (4,)"),
        (lambda a: {**a, "fc.bias": np.zeros(3)}, "fc.bias is float64"),
        (lambda a: {**a, "conv1.weight": a["conv1.weight"][:, :1]}, "conv1.weight is float32"),
    ],
    ids=["missing", "unknown", "transposed", "other classes", "float64", "one channel"],
)
def test_weights_of_another_network_are_refused_and_nothing_is_set(network, change, sentence):
    before = to_arrays(network)
    foreign = change({name: array + 1 for name, array in before.items()})
    with pytest.raises(ModelFileError, match="other network") as refusal:
        load_arrays(network, foreign)
    assert sentence in str(refusal.value)
    after = to_arrays(network)
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_weights_of_every_other_architecture_are_refused(network):
    for architecture in set(PLANS) - {"resnet18"}:
        shapes = expected_shapes(architecture, 3)
        arrays = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
        with pytest.raises(ModelFileError):
            load_arrays(network, arrays)


def test_the_first_array_with_impossible_values_is_named():
    arrays = {name: np.zeros(3, np.float32) for name in "abc"}
    assert first_impossible(arrays) is None
    arrays["c"][0] = np.nan
    for value in (np.nan, np.inf, -np.inf):
        arrays["b"][1] = value
        assert first_impossible(arrays) == "b"


UNIT = Preprocessing(image_size=32)


def pictures(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)


def test_the_reference_input_is_the_grey_level_over_255_in_three_channels() -> None:
    images = pictures((2, 4, 5))
    values = to_input(images, UNIT).numpy()
    assert values.dtype == np.float32
    assert values.shape == (2, 3, 4, 5)
    for channel in range(3):
        np.testing.assert_allclose(values[:, channel], images / 255, atol=1e-6)


def test_mean_and_deviation_shift_and_scale() -> None:
    images = np.array([[[0, 51, 255]]], np.uint8)
    values = to_input(images, Preprocessing(image_size=32, mean=0.5, std=0.25)).numpy()
    np.testing.assert_allclose(values[0, 0, 0], [-2.0, -1.2, 2.0], atol=1e-5)


def test_colour_channels_keep_their_order_and_grey_ones_count_as_a_grey_film() -> None:
    images = pictures((2, 4, 5, 3))
    values = to_input(images, UNIT).numpy()
    np.testing.assert_allclose(values, images.transpose(0, 3, 1, 2) / 255, atol=1e-6)
    grey = to_input(images[..., 0], UNIT).numpy()
    assert np.array_equal(grey, to_input(images[..., :1].repeat(3, axis=3), UNIT).numpy())


def test_a_view_with_holes_is_read_as_it_looks_and_stays_with_or_without_paddle() -> None:
    preprocessing = Preprocessing(image_size=32, mean=0.48, std=0.23)
    for shape in [(2, 8, 8), (2, 8, 8, 3)]:
        images = pictures(shape)[:, ::2, ::-1]
        before = images.copy()
        got = network_input(images, preprocessing)
        assert got.flags.c_contiguous
        theirs = to_input(images, preprocessing).numpy()
        np.testing.assert_allclose(got, theirs, atol=1e-6)
        np.testing.assert_array_equal(theirs, to_input(before, preprocessing).numpy())
        assert np.array_equal(images, before)


def test_a_batch_goes_where_the_network_is_whatever_device_is_current(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = paddle.nn.Linear(2, 2)
    places = []
    real = paddle.to_tensor

    def noting(values: np.ndarray, place: object = None) -> object:
        places.append(place)
        return real(values, place=place)

    monkeypatch.setattr(paddle, "to_tensor", noting)
    values = to_input(pictures((1, 4, 4)), UNIT, place_of(network))
    [place] = places
    assert str(place) == str(network.weight.place) == str(values.place) == "Place(cpu)"


def test_first_weights_do_not_depend_on_a_network_that_is_built_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_narrow(monkeypatch.setattr)  # built fast

    def seeded() -> dict[str, Any]:
        use_device("cpu")
        with BUILDING:
            seed_everything(5)
            return to_arrays(build_resnet("resnet18", 3))

    alone, done = seeded(), threading.Event()

    def others() -> None:
        while not done.is_set():
            use_device("cpu")
            build_resnet("resnet18", 3)

    other = threading.Thread(target=others)
    other.start()
    try:
        together = seeded()
    finally:
        done.set()
        other.join()
    for name, array in alone.items():
        np.testing.assert_array_equal(together[name], array)
