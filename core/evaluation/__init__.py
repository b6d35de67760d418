"""How good a model is, with the field's own measures."""
