"""Grade what students hand in: notebooks that may loop, crash, lie or attack. `python -m ropelib.grading --help`."""
