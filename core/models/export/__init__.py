"""A model in the forms that other programs read.

`core.models.export.exporting` loads Paddle, so nothing is imported from it here.
"""
