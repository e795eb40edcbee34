"""Hostile and broken submissions, by kind; test_attacks.py hands them all in to one run of the grader."""
