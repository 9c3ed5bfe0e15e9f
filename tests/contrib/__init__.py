"""Test what works with one other library each."""
