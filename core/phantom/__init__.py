"""Synthetic chest X-rays: the demo dataset and the test data."""

from core.phantom.dataset import write_dataset
from core.phantom.film import CLASSES, draw_film

__all__ = ["CLASSES", "draw_film", "write_dataset"]
