"""The one model of CloudFront and S3: the local edge plays it, and the doctor asks it.

What AWS does with a request is written here once, from AWS's pages: which behavior serves a path,
what a policy allows. Pure: no network, no Django, no boto3.
"""

from __future__ import annotations
