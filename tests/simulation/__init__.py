"""Simulate a site that rotates its keys: CloudFront in memory, the network, processes, clocks.

``schedules.py`` draws what happens, ``site.py`` lets it happen, ``oracle.py``
and ``verdict.py`` judge. ``mutations.py`` has the guards that are taken out, to
see that something notices. Time is an argument and chance comes from a
``random.Random``, so that a run can be repeated exactly.
"""

from __future__ import annotations
