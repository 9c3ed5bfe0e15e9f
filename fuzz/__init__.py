"""Coverage-guided fuzzing: a module that has seeds in corpus/ fails if something is wrong.

``python -m fuzz`` says how to run one.
"""
