"""Know S3's hosts, and its home region.

S3 User Guide, "Methods for accessing a general purpose bucket", "Website endpoints", "Access point
aliases" and "Multi-Region Access Point".
"""

from __future__ import annotations

import re
from typing import Final

#: The host of a bucket, or S3's own: regional or global, with a dot or, in old ones, a hyphen;
#: dual-stack, FIPS, accelerated; website.
BUCKET_HOST: Final = re.compile(
    r"(?:(?P<bucket>.+)\.)?s3(?P<website>-website)?(?:-fips|-accelerate|-external-1)?"
    r"(?:\.dualstack)?(?:[.-][a-z]{2}(?:-[a-z]+)+-[0-9]+)?\.amazonaws\.com(?:\.cn)?",
    re.ASCII,
)
#: The host of an access point: by its name, its alias (which looks like a bucket), or of several
#: regions.
ACCESS_POINT_HOST: Final = re.compile(
    r".+(?:\.s3-accesspoint(?:-fips)?\.[a-z0-9.-]+|-s3alias\.s3[a-z0-9.-]*|\.accesspoint\.s3-global)"
    r"\.amazonaws\.com(?:\.cn)?",
    re.ASCII,
)


def is_s3(host: str) -> bool:
    """Return whether S3 answers at a host, and so not CloudFront."""
    host = host.lower()
    return any(each.fullmatch(host) for each in (BUCKET_HOST, ACCESS_POINT_HOST))
