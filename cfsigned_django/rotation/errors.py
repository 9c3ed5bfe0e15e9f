"""The reasons why a step of a rotation cannot be taken, in words for the person who tried it.

RotationError      says whether it can pass by itself
    Claimed        another process is doing the step
    Blocked        a guard of lifecycle.py forbids the transition
    Unfinished     the revocation is incomplete
"""

from __future__ import annotations

from collections.abc import Collection

from django.utils.translation import gettext as _

from cfsigned_django.aws.errors import AwsError
from cfsigned_django.rotation.lifecycle import Blocker, Cause, KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.probe import ProbeResult


class RotationError(Exception):
    """A transition cannot be made; the message says what to do.

    ``is_temporary``: the same step may succeed later without any change.
    """

    def __init__(self, text: str, *, is_temporary: bool = False) -> None:
        super().__init__(text)
        self.is_temporary = is_temporary


class Claimed(RotationError):
    """Another process is doing, or has just done, the same step."""

    def __init__(self) -> None:
        text = _("Another process is doing this step. Look again in a minute.")
        super().__init__(text, is_temporary=True)


class Blocked(RotationError):
    """A guard of lifecycle.py forbids the transition, or it waits for a storage."""

    def __init__(self, key_pair: KeyPair, to: KeyStatus, blockers: list[Blocker]) -> None:
        is_temporary = all(each.cause is not Cause.NO_SUCH_MOVE for each in blockers)
        if is_temporary:
            text = _(
                "%(key)s cannot become %(to)s yet. The page in the admin, and manage.py "
                "cfsigned_rotate --dry-run, say what it is waiting for."
            )
        else:
            text = _("%(key)s is %(status)s and cannot become %(to)s. Do the step that is due now.")
        names = {"status": key_pair.status.upper(), "to": to.upper()}
        super().__init__(text % {"key": key_pair, **names}, is_temporary=is_temporary)
        self.key_pair: KeyPair = key_pair
        self.blockers: list[Blocker] = blockers


class Unfinished(RotationError):
    """A revocation is incomplete; ``cause`` is the error that stopped it."""

    def __init__(self, text: str, cause: Exception) -> None:
        is_temporary = isinstance(cause, AwsError | RotationError) and cause.is_temporary
        super().__init__(f"{text} {cause}", is_temporary=is_temporary)
        self.text: str = text
        self.cause: Exception = cause


def was_restored(key_pairs: Collection[KeyPair]) -> str:
    """Return that keys were missing from their key group and were added again."""
    if all(each.status == KeyStatus.TRUSTED for each in key_pairs):
        text = _(
            "Someone removed %(key)s from the key group. This has been undone, and its wait starts "
            "over. If Terraform or another program did it, let that ignore the keys of the group."
        )
    else:
        text = _(
            "Someone removed %(key)s from the key group, so links were refused. This has been "
            "undone. If Terraform or another program did it, let that ignore the keys of the "
            "group. If the key leaked, revoke it."
        )
    return text % {"key": ", ".join(map(str, key_pairs))}


def probe_error(key_pair: KeyPair, result: ProbeResult) -> RotationError:
    """Return the error of a probe that was answered in a way that waiting will not change."""
    if result is ProbeResult.UNRESTRICTED:
        text = _(
            "%(key)s cannot be probed: CloudFront answers a request without a signature like a "
            "signed one. Either signed URLs are not checked there: set Restrict viewer access, "
            "with the key group, in the cache behavior. Or a custom error page for 403 hides "
            "the answer: give it the status 403 or 404, upload a file named .cfsigned-probe to "
            "the folder of the storage, and try again in a minute."
        )
    elif result is ProbeResult.REFUSED:
        text = _(
            "A request signed with %(key)s was refused with 403, but neither by S3 nor because "
            "of its key. Does a WAF rule or a CloudFront function block unknown query "
            "parameters? Let it pass Expires, Policy, Signature, Key-Pair-Id and, which URLs "
            "signed with an ECDSA key have, Hash-Algorithm. Or does an origin other than S3 "
            "refuse the name .cfsigned-probe? It must answer 404."
        )
    else:
        text = _(
            "CloudFront refuses what %(key)s signs. Compare the public key that CloudFront has "
            "under this ID with this one: if it is another, correct the ID in the admin, or "
            "revoke this key and start a new rotation. And check the clock of this machine."
        )
    return RotationError(text % {"key": key_pair})
