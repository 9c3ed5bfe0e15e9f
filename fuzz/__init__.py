"""Coverage-guided fuzzing: each module but dice.py is a target, which fails if something is wrong.

``python -m fuzz`` says how to run one.
"""
