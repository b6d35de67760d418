"""PDF, CSV, JSON and picture reports of what was read."""
