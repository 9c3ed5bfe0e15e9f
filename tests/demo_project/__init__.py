"""Tests of the demo: test_running.py starts the whole of it, once."""

from __future__ import annotations
