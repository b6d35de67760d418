"""Checks of a dataset: findings, leakage and confounders."""
