"""Prediction on new films: probabilities, novelty, heat maps and the verdict."""
