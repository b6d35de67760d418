"""The Train page: settings, live curves, pause and resume."""
