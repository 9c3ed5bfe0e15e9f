"""Simulate a site that rotates its keys: CloudFront in memory, the network, processes, clocks.

``schedules.py`` draws what happens, ``site.py`` lets it happen in a ``world.py``, and ``oracle.py``
judges. ``mutations.py`` has the guards that are taken out, to
see that something notices. Time is an argument and chance comes from a
``random.Random``, so that a run can be repeated exactly.

What no schedule shows, or hardly any, is for the tests in tests/rotation and of the
keyring:

- a restored key counts as verified only after the calls that put it back;
- a lookup is as old as its question, not as its answer;
- a probe that was sent before a key was put back does not count;
- settings that were raised for one run are remembered for RETIRING keys too;
- the ACTIVE key is looked for in the group before another one is revoked;
- a successor under a wrong id is replaced;
- the group is locked before it is read: a transaction is never interrupted here;
- a public key has the reference of its row, by which AWS refuses a repetition;
- a key does not sign after a last probe without an answer;
- a claim is given back after a moment, since a new key may not be listed yet.
"""

from __future__ import annotations
