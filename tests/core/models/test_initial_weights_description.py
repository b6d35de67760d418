from pathlib import Path

import numpy as np

from core.models.initial_weights import describe, fit


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


def test_tells_that_public_weights_expect_colours(tensors):
    assert "three colours" in sentences(tensors())[-1]


def test_says_nothing_of_colours_about_a_model_of_ours(tensors):
    assert len(sentences(tensors(n_classes=3), "pneumoscope")) == 1
