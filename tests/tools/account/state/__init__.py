"""Tests of what brings an AWS account to the desired state."""

from __future__ import annotations
