"""Tests of the demo's parts; tests/test_demo_project.py starts the whole of it."""

from __future__ import annotations
