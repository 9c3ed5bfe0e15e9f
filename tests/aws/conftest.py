"""Give the tests of aws/ the S3 server."""

from __future__ import annotations

from tests.plugins_s3 import s3_bucket as s3_bucket, s3_server as s3_server
