"""Widgets that take values and give signals; they know no view-model."""
