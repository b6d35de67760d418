"""Weights to start from: which files hold some, and how much of them fits a network of ours."""

from core.models.initial_weights.description import describe
from core.models.initial_weights.fitting import InitialWeights, WeightsKind
from core.models.initial_weights.opening import open_initial_weights
from core.models.initial_weights.published_weights import PublishedWeights, download, published

__all__ = [
    "InitialWeights",
    "PublishedWeights",
    "WeightsKind",
    "describe",
    "download",
    "open_initial_weights",
    "published",
]
