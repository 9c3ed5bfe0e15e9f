"""The reasons why a step of a rotation cannot be taken, in words for the person who tried it.

RotationError
    Blocked        a guard of lifecycle.py forbids the transition
    Claimed        another process is doing the step
    Restored       the key was not in its group
    Unanswered     the probe got no answer
    ProbeFailed    the probe got an answer that waiting will not change
    NotTheKey      the ID belongs to another public key
    Unfinished     the revocation is incomplete
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from cfsigned_django.aws.errors import AwsError
from cfsigned_django.rotation.lifecycle import Blocker, Cause, KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.probe import ProbeResult


class RotationError(Exception):
    """A transition cannot be made; the message says what to do."""


class Claimed(RotationError):
    """Another process is doing, or has just done, the same step."""

    def __init__(self) -> None:
        super().__init__(_("Another process is doing this step. Look again in a minute."))


class Blocked(RotationError):
    """A guard of lifecycle.py forbids the transition."""

    def __init__(self, key_pair: KeyPair, to: KeyStatus, blockers: list[Blocker]) -> None:
        if any(each.cause is Cause.NO_SUCH_MOVE for each in blockers):
            text = _("%(key)s is %(status)s and cannot become %(to)s. Do the step that is due now.")
        else:
            text = _(
                "%(key)s cannot become %(to)s yet. The page in the admin, and manage.py "
                "cfsigned_rotate --dry-run, say what it is waiting for."
            )
        names = {"status": key_pair.status.upper(), "to": to.upper()}
        super().__init__(text % {"key": key_pair, **names})
        self.key_pair, self.to, self.blockers = key_pair, to, blockers


class Unanswered(RotationError):
    """The last probe before a key would sign was not answered."""

    def __init__(self, key_pair: KeyPair) -> None:
        text = _(
            "%(key)s is ready to sign, but CloudFront did not answer the last probe. Try again in "
            "a minute. If it still does not answer, check the network, DNS and proxy of this "
            "machine."
        )
        super().__init__(text % {"key": key_pair})


class ProbeFailed(RotationError):
    """A probe was answered in a way that waiting will not change."""

    def __init__(self, key_pair: KeyPair, result: ProbeResult) -> None:
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
        super().__init__(text % {"key": key_pair})


class Restored(RotationError):
    """Someone had removed a TRUSTED key from its group; its wait starts over."""

    def __init__(self, key_pair: KeyPair) -> None:
        text = _(
            "Someone removed %(key)s from the key group. This has been undone, and its wait starts "
            "over. If Terraform or another program did it, let that ignore the keys of the group."
        )
        super().__init__(text % {"key": key_pair})


class NotTheKey(RotationError):
    """CloudFront has another public key under the ID that a person entered."""

    def __init__(self, key_pair_id: str) -> None:
        text = _(
            "CloudFront has another public key under %(id)s. Create a public key there with the "
            "key that is shown here, and enter its ID."
        )
        super().__init__(text % {"id": key_pair_id})


class Unfinished(RotationError):
    """A revocation is incomplete; ``cause`` is the error that stopped it."""

    def __init__(self, text: str, cause: Exception) -> None:
        super().__init__(f"{text} {cause}")
        self.text, self.cause = text, cause


def will_pass(error: Exception) -> bool:
    """Return whether the same step may succeed later without any change."""
    if isinstance(error, Unfinished):
        return will_pass(error.cause)
    if isinstance(error, AwsError):
        return error.is_temporary
    if isinstance(error, Blocked):
        return all(each.cause is not Cause.NO_SUCH_MOVE for each in error.blockers)
    return isinstance(error, Claimed | Restored | Unanswered)
