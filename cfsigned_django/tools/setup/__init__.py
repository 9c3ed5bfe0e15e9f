"""Set up CloudFront and S3 for this site, from its settings."""

from __future__ import annotations
