"""Test what talks to AWS, against servers that the tests start themselves."""

from __future__ import annotations
