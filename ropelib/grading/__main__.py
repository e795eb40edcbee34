"""python -m ropelib.grading: the command line, or a sentence where this system can have none."""

import sys

from ropelib.grading.remedies import remedy

REFUSED = 2

try:
    from ropelib.grading.command_line import main
except ModuleNotFoundError as error:
    if error.name not in ("fcntl", "resource"):
        raise
    print(f"Refused: students' code cannot be locked in on this system.\n{remedy()}", file=sys.stderr)
    sys.exit(REFUSED)

sys.exit(main())
