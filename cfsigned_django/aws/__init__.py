"""Everything that talks to AWS; the only place that imports boto3. No Django."""

from __future__ import annotations
