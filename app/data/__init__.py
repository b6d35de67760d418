"""The Data page: films, findings, split and augmentation of the open dataset."""
