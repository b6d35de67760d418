"""Class activation maps: how much each place of a film adds to the score of each class."""

import numpy as np
from numpy.typing import NDArray

from core.prediction.outputs import Outputs


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
