"""Tests of the reading and judging of an account."""
