"""The settings of the demo, as a site has them that overwrites files and lets CloudFront forget."""

from __future__ import annotations

import os

from demo_project.settings import *  # noqa: F403

AWS_S3_FILE_OVERWRITE = True
AWS_CLOUDFRONT_INVALIDATE_ON = os.environ["INVALIDATE_ON"].split()
