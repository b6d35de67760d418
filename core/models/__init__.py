"""Networks and the one file format they travel in."""
