"""Everything that talks to AWS; the only place that imports boto3. No Django.

``client`` makes and calls boto3 clients, ``errors`` explains what they raise. ``key_groups`` is
for a rotation; ``account``, ``documents``, ``provisioning`` and ``export`` are for a setup;
``s3_origin`` and ``edge_rules`` are for the local edge. The doctor reads an ``account``.
"""

from __future__ import annotations
