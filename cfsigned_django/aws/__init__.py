"""Everything that talks to AWS; the only place that imports boto3. No Django.

``client`` makes and calls boto3 clients, ``errors`` explains what they raise, and ``unknown`` keeps
what boto3 drops of an answer. ``key_groups`` is for a rotation; ``documents``, ``state`` and
``export`` are for a setup; ``s3_origin`` is for the local edge. ``account`` is
what there is, for the setup and the doctor, and ``account_reader`` reads it.
"""

from __future__ import annotations
