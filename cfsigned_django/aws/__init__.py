"""Call AWS, for the Django part; with some of the tools, the only place of boto3. No Django.

``client`` makes and calls boto3 clients, ``errors`` explains what they raise, and ``unknown`` keeps
what boto3 drops of an answer. ``key_groups`` is for a rotation, ``s3_object`` for what a browser
sends to S3.
"""

from __future__ import annotations
