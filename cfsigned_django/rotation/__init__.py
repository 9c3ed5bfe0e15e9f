"""Rotate signing keys: the rules, the rows, the moves, and what is due next."""
