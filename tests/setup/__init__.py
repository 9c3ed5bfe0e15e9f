"""Tests of cfsigned_setup: the documents, the plan, and what it does to an account."""

from __future__ import annotations
