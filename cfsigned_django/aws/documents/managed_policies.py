"""Know CloudFront's managed policies by their ids, which are the same in every account.

Developer Guide: "Use managed cache policies", "Use managed origin request
policies", "Use managed response headers policies".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

CACHE_POLICIES: Final[Mapping[str, str]] = {
    "CachingOptimized": "658327ea-f89d-4fab-a63d-7e88639e58f6",
    "CachingOptimizedForUncompressedObjects": "b2884449-e4de-46a7-ac36-70bc7f1ddd6d",
    "CachingDisabled": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
}
ORIGIN_REQUEST_POLICIES: Final[Mapping[str, str]] = {
    "CORS-S3Origin": "88a5eaf4-2fd4-4709-b370-b4c650ea3fcf",
    "CORS-CustomOrigin": "59781a5b-3903-41f3-afcb-af62929ccde1",
    "AllViewer": "216adef6-5c7f-47e4-b989-5492eafa07d3",
    "AllViewerExceptHostHeader": "b689b0a8-53d0-40ab-baf2-68738e2966ac",
    "AllViewerAndCloudFrontHeaders-2022-06": "33f36d7e-f396-46d9-90e0-52428a34d9dc",
}
RESPONSE_HEADERS_POLICIES: Final[Mapping[str, str]] = {
    "SimpleCORS": "60669652-455b-4ae9-85a4-c4c02393f86c",
    "CORS-With-Preflight": "5cc3b908-e619-4b99-88e5-2cf7f45965bd",
    "CORS-and-SecurityHeaders": "e61eb60c-9c35-4d20-a928-2b84e02af89c",
    "CORS-with-preflight-and-SecurityHeaders": "eaab4381-ed33-4a86-88ca-d9558dc6cd63",
    "SecurityHeaders": "67f7725c-6f97-4210-82d7-5512b31e9d03",
}
#: The other way round, for people: id -> name.
NAMES: Final[Mapping[str, str]] = {
    policy_id: name
    for table in (CACHE_POLICIES, ORIGIN_REQUEST_POLICIES, RESPONSE_HEADERS_POLICIES)
    for name, policy_id in table.items()
}


def name_of(policy_id: str) -> str:
    """Return the name of a managed policy, else the id itself."""
    return NAMES.get(policy_id, policy_id)
