"""Explanations of an answer for one film: a heat map at once, then what speaks against it."""

import dataclasses
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from core.prediction.calibration import Outputs
from core.prediction.classifier import Classifier
from core.prediction.lungs import LungField, find_lungs
from core.prediction.saliency_checks import HeatMap, SaliencyChecks, chance_of, examine


def class_activation_maps(outputs: Outputs, fc_weight: NDArray[np.floating]) -> NDArray[np.float32]:
    """Divide the logits of one film among its places.

    Zhou et al., "Learning Deep Features for Discriminative Localization" (CVPR 2016). With one
    linear layer behind a global average they are also Grad-CAM's (Selvaraju et al., ICCV 2017)
    but for a factor of h w and the sign, which Grad-CAM cuts off.

    Args:
        outputs: Of one film.
        fc_weight: Of the last layer, shape (C, F).

    Returns:
        Shape (C, h, w). A map's mean is the class's logit without its bias.
    """
    (maps,) = outputs.maps  # (F, h, w)
    n_features, height, width = maps.shape
    flat = fc_weight.astype(np.float32) @ maps.reshape(n_features, -1)  # (C, h w)
    return flat.reshape(-1, height, width)


GRID: Final = 10  # patches in a row and in a column
_WIDTH: Final = 2  # cells: a patch covers its own and fades out over half of each neighbour
_MIRROR_BLUR: Final = 0.03  # of the side: the two halves of a chest are not alike pixel by pixel


# The cover of a place. By tests/benchmarks/map_detail.py --model the hottest place lies in the
# drawn opacity for 86 % of 235 phantoms that a ResNet-18 at 96 px answered correctly, that of the
# class activation map for none. Tried once, on 59 other phantoms: blurred grey 39 %, the median
# grey 63 %, the mirrored film 63 %, the darker of film and mirrored film 85 %, the same blurred
# (this) 90 %; blurred grey on 7 x 7 patches 39 %, on 14 x 14 53 %, 400 random masks 44 %.
Cover = Literal["mirror", "blur"]


def occluded(film: NDArray[np.uint8], cover: Cover) -> Iterator[NDArray[np.uint8]]:
    """Cover one patch of the film after the other, row by row.

    Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks" (ECCV 2014), but
    with soft patches of what the film itself could show there: hard ones in one grey are edges
    and shapes that no film has, and the network answers to those.

    Args:
        film: As the network takes it, shape (S, S) or (S, S, 3).
        cover: "mirror" takes what is brighter than the same place of the other side down to that,
            as if an opacity were gone; "blur" covers with the grey around.
    """
    side = len(film)
    if cover == "mirror":
        mirrored = Image.fromarray(np.ascontiguousarray(film[:, ::-1]))
        other = mirrored.filter(ImageFilter.GaussianBlur(side * _MIRROR_BLUR))
        change = np.minimum(np.asarray(other), film).astype(np.float32) - film
    else:
        blurred = Image.fromarray(film).filter(ImageFilter.GaussianBlur(side * _WIDTH / GRID))
        change = np.asarray(blurred).astype(np.float32) - film
    for down in _bumps(side):
        for across in _bumps(side):
            patch = down[:, None] * across
            if film.ndim == 3:
                patch = patch[:, :, None]
            yield np.rint(film + change * patch).astype(np.uint8)


@lru_cache(4)
def _bumps(side: int) -> NDArray[np.float32]:
    """Return how far each patch covers each column: 1 in its cell, falling to 0; (GRID, side)."""
    place = (np.arange(side) + 0.5) / side * GRID
    centre = np.arange(GRID)[:, None] + 0.5
    return np.clip((_WIDTH + 1) / 2 - np.abs(place - centre), 0, 1).astype(np.float32)


# Pixels of covered films that go through the network together: 16 films of 224 x 224.
_PIXELS_AT_ONCE: Final = 16 * 224 * 224
_MOST_AT_ONCE: Final = 16  # films, so that one can stop soon


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """Evidence for one class, as far as is known yet."""

    label: int  # the class that is explained
    cams: NDArray[np.float32]  # (C, h, w), evidence for each class against the mean of all, logits
    second: HeatMap | None = None  # by occlusion
    lungs: LungField | None = None
    checks: SaliencyChecks | None = None  # None: not examined yet

    @property
    def first(self) -> HeatMap:
        """The class activation map of the class that is explained: a coarse preview."""
        return HeatMap.of(self.cams[self.label])

    @property
    def best(self) -> HeatMap:
        """The map by occlusion, and until it is there the preview."""
        return self.second if self.second is not None else self.first

    @property
    def is_complete(self) -> bool:
        """True once the heat map was checked: nothing more will come."""
        return self.checks is not None


def explain(
    classifier: Classifier, film: NDArray[np.uint8], label: int | None = None
) -> Generator[Explanation, None, None]:
    """Explain an answer, at once and then thoroughly.

    The weights of all classes are taken less their mean: a part that all classes share moves
    no probability, but would heat every map.

    Args:
        classifier: The model.
        film: Shape (H, W) or (H, W, 3), any size.
        label: The class to explain; None: the one with the highest logit.

    Yields:
        First the class activation maps; the same again after each batch of covered films, for
        these are the points to cancel at; at last the complete explanation.
    """
    prepared = classifier.prepare(film)
    outputs = classifier.outputs([prepared])
    if label is None:
        label = int(outputs.logits[0].argmax())
    weights = _contrast(classifier.network.last_layer)
    early = Explanation(label, class_activation_maps(outputs, weights))
    yield early

    whole, drops = _centred(outputs.logits)[0, label], np.zeros((GRID, GRID))
    for cover in get_args(Cover):
        logits = []
        for batch in _batches(prepared, cover):
            logits.append(_centred(classifier.outputs(batch).logits)[:, label])
            yield early
        drops = whole - np.concatenate(logits).reshape(GRID, GRID)
        if drops.max() > _LEAST_DROP:  # else the class is no opacity: its evidence may be dark
            break

    twin = classifier.random_twin
    random = twin.outputs(prepared[None])
    lungs = find_lungs(film)
    yield dataclasses.replace(
        early,
        second=HeatMap.of(drops),
        lungs=lungs,
        checks=examine(
            early.cams[label],
            drops,
            class_activation_maps(random, _contrast(twin.last_layer))[label],
            chance=chance_of(weights[label], outputs.features[0], len(weights)),
            lungs=lungs,
        ),
    )


_LEAST_DROP: Final = 0.1  # of the logit


def _batches(prepared: NDArray[np.uint8], cover: Cover) -> Iterator[list[NDArray[np.uint8]]]:
    n_at_once = max(1, min(_MOST_AT_ONCE, _PIXELS_AT_ONCE // len(prepared) ** 2))
    films = occluded(prepared, cover)
    while batch := list(islice(films, n_at_once)):
        yield batch


def _contrast(last_layer: NDArray[np.float32]) -> NDArray[np.float32]:
    """Subtract from the weights (C, F) their mean over the classes."""
    contrast: NDArray[np.float32] = last_layer - last_layer.mean(axis=0)
    return contrast


def _centred(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    centred: NDArray[np.float32] = logits - logits.mean(axis=1, keepdims=True)
    return centred
