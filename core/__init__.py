"""The work itself: data, networks, training, evaluation, prediction. Knows no window."""
