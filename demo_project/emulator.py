"""Run ministack, the AWS emulator, so that it loses nothing if it is killed.

Ministack alone saves its state only when it is stopped in good order. A demo that is killed
during a rotation must find its keys again. This module therefore saves CloudFront's keys, IAM's
users, the policies of buckets and the stacks before it answers a change of them. Objects in S3 are
always on disk.

Run as `python -m demo_project.emulator`, with ministack's own variables.
"""

from __future__ import annotations

from typing import Any, Final

from ministack import app as ministack
from ministack.core.persistence import save_all
from ministack.services import cloudformation, cloudfront, iam, s3

_KEPT: Final = {
    "cloudformation": cloudformation.get_state,
    "cloudfront": cloudfront.get_state,
    "iam": iam.get_state,
    "s3": s3.get_state,
}
_CLOUDFRONT: Final = "/2020-05-31/"


def saving(application: Any) -> Any:
    """Return the ASGI application; it saves its state before it answers a change."""

    async def run(scope: Any, receive: Any, send: Any) -> None:
        async def save_and_send(message: Any) -> None:
            if message["type"] == "http.response.start":
                save_all(_KEPT)
            await send(message)

        await application(scope, receive, save_and_send if _is_kept(scope) else send)

    return run


def _is_kept(scope: Any) -> bool:
    """Return whether a request changes what the emulator saves, other than objects."""
    if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
        return False
    path: str = scope["path"]
    # IAM and CloudFormation get a form at the root, and a bucket is one part of a path.
    return path.startswith(_CLOUDFRONT) or "/" not in path.strip("/")


if __name__ == "__main__":
    ministack.app = saving(ministack.app)
    ministack.main()
