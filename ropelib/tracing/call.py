"""One call of one traced function: what each of its statements changed."""

import dis
from types import FrameType
from typing import Any

from ropelib.tracing.names import Change, Names
from ropelib.tracing.snapshots import show
from ropelib.tracing.statements import Source, Statement
from ropelib.tracing.steps import Kept, Place, Step

DEFINITIONS = ("FunctionDef", "AsyncFunctionDef", "ClassDef")
# What the next line says about a loop or a branch: it is in the block, or it is not.
OUTCOMES = {
    "If": ("true", "false"),
    "While": ("true", "false, the loop ends"),
    "For": ("", "no more items"),
    "AsyncFor": ("", "no more items"),
    "match_case": ("matches", "does not match"),
}


class Call:
    """Its names after the last statement, and the statement under way. A statement is over when the next one is about
    to run, so what has changed by then is booked on the one before."""

    def __init__(
        self,
        frame: FrameType,
        source: Source,
        span: tuple[int, int],
        kept: Kept,
        number: int,
        depth: int,
        caller: Place | None,
    ) -> None:
        self._code, self._source, self._kept, self._number, self._depth = frame.f_code, source, kept, number, depth
        # A generator can go on from another line.
        self.caller = caller
        self._names = Names(frame, source, span)
        self._step: Step | None = None
        self._is_raising = False
        self._arguments = self._names.arguments()
        # A cell may begin with a definition, which is not its own.
        header = None if self._code.co_name == "<module>" else source.statement(self._code.co_firstlineno)
        self._called = self._begin(header) if header and header.kind in DEFINITIONS else None
        if self._called:
            kept.take(self._called)

    @property
    def place(self) -> Place | None:
        """The statement under way."""
        return self._step.place if self._step else None

    def reach(self, frame: FrameType) -> None:
        """A line is about to run: of another statement, or one more of the statement under way."""
        statement = self._source.statement(frame.f_lineno)
        if statement is None or (self._step and statement is self._step.statement):
            return
        self._settle(frame, frame.f_lineno)
        self._is_raising = False
        if statement.kind not in DEFINITIONS:
            self._step = self._begin(statement)
        else:
            # A definition is shown where it is called: binding its name is no step. Its body may be on its own line.
            self._step = self._called if self._called and self._called.statement is statement else None

    def fail(self, frame: FrameType, kind: type[BaseException], error: BaseException | None) -> None:
        # An iterator that is exhausted is reported as an exception too, though none is raised here.
        if issubclass(kind, StopIteration) and _opcode(frame) in ("FOR_ITER", "SEND", "END_SEND"):
            return
        self._is_raising = True
        if self._step is None or kind is GeneratorExit:
            return
        note = f"raises {kind.__name__}: {error}".removesuffix(": ").removesuffix(": None")
        if note[:200] not in self._step.notes:
            self._step.notes.append(note[:200])

    def leave(self, frame: FrameType, value: Any) -> bool:
        """The function hands over to its caller → whether it will go on."""
        opcode = _opcode(frame)
        if self._step and opcode in ("YIELD_VALUE", "RESUME") and not self._is_raising:
            # What the yield assigns is known when the generator goes on.
            self._step.changes += [*self._names.changes(frame, ()), Change("", "yielded", show(value))]
            self._kept.take(self._step)
            return True
        self._settle(frame, None)
        if self._step and opcode.startswith("RETURN") and (value is not None or self._step.statement.kind == "Return"):
            self._step.changes.append(Change("", "returned", show(value)))
        return False

    def _begin(self, statement: Statement) -> Step:
        """A new step; the first one of a call tells what the function was called with."""
        code = self._code
        title = "" if code.co_name == "<module>" else code.co_name
        step = Step(code.co_filename, statement, self._number, title, self._depth, self.caller)
        step.changes, self._arguments = self._arguments, []
        return step

    def _settle(self, frame: FrameType, next_line: int | None) -> None:
        """Book what has changed since the last line on the statement that has just run."""
        if self._step is None:
            self._names.changes(frame, ())
            return
        statement, block = self._step.statement, self._step.statement.body
        enters = bool(block) and next_line is not None and block[0] <= next_line <= block[1]
        if block and block[0] > statement.stop and not self._is_raising:
            self._step.notes += filter(None, [OUTCOMES.get(statement.kind, ("", ""))[not enters]])
        leaves_a_block = statement.kind in ("For", "AsyncFor", "With", "AsyncWith") and not enters
        changes = self._names.changes(frame, () if leaves_a_block or self._is_raising else statement.assigned)
        self._step.changes += [
            change
            for change in changes
            # Python deletes the name of a caught exception unasked, after the last line of its block.
            if change.state != "deleted" or statement.kind == "Delete" or change.name.endswith(".grad")
        ]
        self._kept.take(self._step)


def _opcode(frame: FrameType) -> str:
    return dis.opname[frame.f_code.co_code[frame.f_lasti]] if frame.f_lasti >= 0 else ""
