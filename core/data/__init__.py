"""From a zip of films to batches: every step is one function that can be run alone."""
