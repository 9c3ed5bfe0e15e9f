"""Test the tools for AWS."""

from __future__ import annotations
