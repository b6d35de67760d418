"""The program around the core: bootstrap, window and headless commands."""
