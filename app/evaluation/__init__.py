"""The Evaluate page: how good a model is on films that it never saw."""
