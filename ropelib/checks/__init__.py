"""Checks for the exercises: what is wrong with an answer, by name. `from ropelib.checks import ch01`."""
