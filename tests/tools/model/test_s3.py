"""Tell hosts of S3 from others, however a bucket is addressed."""

from __future__ import annotations

from cfsigned_django.tools.model.s3 import is_s3

#: What the S3 User Guide lists, and hosts that only look alike.
HOSTS: dict[str, bool] = {
    "media.s3.eu-west-1.amazonaws.com": True,
    "MEDIA.S3.amazonaws.com": True,
    "media.example.com.s3.amazonaws.com": True,
    "s3.amazonaws.com": True,
    "media.s3-eu-west-1.amazonaws.com": True,
    "media.s3.dualstack.eu-west-1.amazonaws.com": True,
    "media.s3-fips.us-east-1.amazonaws.com": True,
    "media.s3-accelerate.amazonaws.com": True,
    "media.s3-accelerate.dualstack.amazonaws.com": True,
    "media.s3-website-eu-west-1.amazonaws.com": True,
    "media.s3-website.eu-west-1.amazonaws.com": True,
    "media.s3.cn-north-1.amazonaws.com.cn": True,
    "media-111122223333.s3-accesspoint.eu-west-1.amazonaws.com": True,
    "media-abc123-s3alias.s3.eu-west-1.amazonaws.com": True,
    "mfzwi23gnjvgw.accesspoint.s3-global.amazonaws.com": True,
    "d111111abcdef8.cloudfront.net": False,
    "media.example.com": False,
    "media.s3.amazonaws.com.example.com": False,
    "mys3.amazonaws.com": False,
    "sqs.eu-west-1.amazonaws.com": False,
    "": False,
}


def test_hosts() -> None:
    """Know each form of S3's hosts, and nothing else."""
    assert {host: is_s3(host) for host in HOSTS} == HOSTS
