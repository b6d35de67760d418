"""The same job on the command line; imports no Qt."""
