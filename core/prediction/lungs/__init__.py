"""Where the lungs are on a frontal chest film, found without a network."""

from core.prediction.lungs.field import LungField, find_lungs

__all__ = ["LungField", "find_lungs"]
