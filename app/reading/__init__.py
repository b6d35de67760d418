"""The Read page: drop films, see answers, heat maps and verdicts."""
