"""Pages lay out widgets and bind them to one view-model; they decide nothing."""
