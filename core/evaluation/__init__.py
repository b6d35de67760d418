"""Evaluation of a model with the field's standard measures."""
