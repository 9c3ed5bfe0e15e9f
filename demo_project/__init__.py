"""A runnable site that shows private media end to end, with no AWS account."""

from __future__ import annotations
