"""The parts of a trace: statements, snapshots of values, the names of a call, the tracer, and its packed form."""
