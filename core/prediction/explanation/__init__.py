"""Why a network answers as it does, and whether the reasons may be believed.

Loads Paddle only once `explain` runs.
"""

from core.prediction.explanation.activation import class_activation_maps
from core.prediction.explanation.explaining import Explanation, explain
from core.prediction.explanation.heat_map import HeatMap, heat_at
from core.prediction.explanation.honesty import Honesty

__all__ = [
    "Explanation",
    "HeatMap",
    "Honesty",
    "class_activation_maps",
    "explain",
    "heat_at",
]
