"""Compare this code with the first edition, commit 9fc0551: the same cases played by both."""

from __future__ import annotations
