"""What is wrong with a dataset, found before an hour of training is spent on it."""
