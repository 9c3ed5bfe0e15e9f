"""Simulate CloudFront in memory: its API, its edges, and the network in between.

Time is an argument and chance comes from a ``random.Random``, so that a run
can be repeated exactly.
"""

from __future__ import annotations
