"""What keeps the course in order: its notebooks, its checks, the learner's copies. Learners import none of it."""
