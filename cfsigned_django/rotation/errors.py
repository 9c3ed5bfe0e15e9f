"""Name what keeps a step of a rotation from being taken, in words for the person who asked for it.

RotationError
    Blocked        a guard of lifecycle.py
    Claimed        another process
    Restored       the key was not in its group
    Unanswered     a probe without an answer
    ProbeFailed    a probe whose answer no waiting changes
    NotTheKey      the id of another public key
    Unfinished     a revocation, with how far it came
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from cfsigned_django.aws.errors import AwsError
from cfsigned_django.rotation.lifecycle import Blocker, Cause, KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.probe import ProbeResult


class RotationError(Exception):
    """Report a move that cannot be made; the message says what to do."""


class Claimed(RotationError):
    """Report that another process does, or has just done, the same step."""

    def __init__(self) -> None:
        super().__init__(_("Another process is at the same step. Look again in a minute."))


class Blocked(RotationError):
    """Report that a guard of lifecycle.py does not let a key pair move."""

    def __init__(self, key_pair: KeyPair, to: KeyStatus, blockers: list[Blocker]) -> None:
        if any(each.cause is Cause.NO_SUCH_MOVE for each in blockers):
            text = _("%(key)s is %(status)s and cannot become %(to)s.")
        else:
            text = _("%(key)s may not become %(to)s yet.")
        names = {"status": key_pair.status.upper(), "to": to.upper()}
        super().__init__(text % {"key": key_pair, **names})
        self.key_pair, self.to, self.blockers = key_pair, to, blockers


class Unanswered(RotationError):
    """Report that the last probe before a key would sign was not answered."""

    def __init__(self, key_pair: KeyPair) -> None:
        text = _(
            "%(key)s could sign, but CloudFront did not answer the last probe. Look again in a "
            "minute."
        )
        super().__init__(text % {"key": key_pair})


class ProbeFailed(RotationError):
    """Report a probe whose answer no waiting will change."""

    def __init__(self, key_pair: KeyPair, result: ProbeResult) -> None:
        if result is ProbeResult.UNRESTRICTED:
            text = _(
                "%(key)s cannot be probed: a request without a signature is answered like a signed "
                "one, so links are not checked there. Set Restrict viewer access, with the key "
                "group, in the cache behavior; an error page for 403 hides the answer as well."
            )
        elif result is ProbeResult.REFUSED:
            text = _(
                "A request that %(key)s signed was answered with 403, and neither by S3 nor for "
                "its key. Does a WAF rule or a CloudFront function stop query parameters that it "
                "does not know? Each link of an ECDSA key has one more, Hash-Algorithm. Or does "
                "an origin that is not S3 refuse the name .cfsigned-probe? Let it answer 404."
            )
        else:
            text = _(
                "CloudFront refuses what %(key)s signs. Compare: the public key that it has under "
                "this id must be this one, and the clock of this machine must be right."
            )
        super().__init__(text % {"key": key_pair})


class Restored(RotationError):
    """Report that someone had taken a TRUSTED key out of its group, and that it waits anew."""

    def __init__(self, key_pair: KeyPair) -> None:
        text = _(
            "Someone had taken %(key)s out of the key group. It is in it again, and its waiting "
            "time begins anew."
        )
        super().__init__(text % {"key": key_pair})


class NotTheKey(RotationError):
    """Report that CloudFront has another public key under the id that a person gave."""

    def __init__(self, key_pair_id: str) -> None:
        text = _(
            "CloudFront has another public key under %(id)s. Compare: the public key there must be "
            "the one that is shown here."
        )
        super().__init__(text % {"id": key_pair_id})


class Unfinished(RotationError):
    """Report how far a revocation came, and the error that kept it from its end."""

    def __init__(self, text: str, cause: Exception) -> None:
        super().__init__(f"{text} {cause}")
        self.text, self.cause = text, cause


def will_pass(error: Exception) -> bool:
    """Return whether the same step may succeed later although nothing is changed until then."""
    if isinstance(error, Unfinished):
        return will_pass(error.cause)
    if isinstance(error, AwsError):
        return error.is_temporary
    if isinstance(error, Blocked):
        return all(each.cause is not Cause.NO_SUCH_MOVE for each in error.blockers)
    return isinstance(error, Claimed | Restored | Unanswered)
