"""A network with the layers of ResNet-18 but few channels: trained and saved in no time."""

from collections.abc import Callable
from typing import Any

from core.models import resnet, weights


def make_narrow(set_attribute: Callable[[Any, str, Any], None]) -> None:
    """Let networks that are built from now on have an eighth of the channels."""
    for module in (resnet, weights):
        set_attribute(module, "STEM_WIDTH", 8)
        set_attribute(module, "STAGE_WIDTHS", (8, 16, 32, 64))
