"""Start: the four steps with their state, three ways in, and what was used last."""
