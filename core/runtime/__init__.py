"""The machine under the program: processor settings, devices, seeds, Paddle itself."""
