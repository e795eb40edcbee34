"""What lies inside the sandbox: nothing here knows an answer, and everything here may be overrun by a submission.

It is copied in alone, as a package of its own, so it imports NumPy, the standard library and itself only.
"""
