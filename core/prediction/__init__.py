"""What a model says of films it has not seen."""
