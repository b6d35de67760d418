"""The Runs page: every training run, compared and reopened."""
