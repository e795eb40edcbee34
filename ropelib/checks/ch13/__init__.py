"""The questions of chapter 13, a kernel at the limit."""

from ropelib.checks.ch13.q1_before_measuring import QUESTION as before_measuring
from ropelib.checks.ch13.q2_angles_asked import QUESTION as angles_asked
from ropelib.checks.ch13.q3_program_of import QUESTION as program_of
from ropelib.checks.ch13.q4_phases import QUESTION as phases
from ropelib.checks.ch13.q5_flaws import QUESTION as flaws

QUESTIONS = [before_measuring, angles_asked, program_of, phases, flaws]

__all__ = ["QUESTIONS", "angles_asked", "before_measuring", "flaws", "phases", "program_of"]
