"""Whether to believe an answer, and what else is asked of one film: values in, signals out."""
