"""Prove a stack: what the doctor finds in the account, and what a viewer's requests show."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

from cfsigned_django.core import conf
from cfsigned_django.core.aws.client import call
from cfsigned_django.core.aws.errors import AwsError
from cfsigned_django.core.viewer import Fetch
from cfsigned_django.signing.encoding import encode_url
from cfsigned_django.signing.signer import Signer
from cfsigned_django.storage.site_storages import PROBE_NAME, sign_probe
from cfsigned_django.tools.account.reader import read_account
from cfsigned_django.tools.account.state.site_in_aws import Wanted
from cfsigned_django.tools.catalog import Finding, Level
from cfsigned_django.tools.doctor.aws import check_aws
from cfsigned_django.tools.doctor.live import Clock, RequestedObject, direct_url, examine_live
from cfsigned_django.tools.setup.site_stack import SiteStack
from cfsigned_django.tools.stack.existing import Stack, StackResources, resources_of

#: Edges show a change some moments after CloudFront calls it deployed: seconds, and between looks.
_SETTLES: Final = 60
_PAUSE: Final = 5
#: What an edge answers that does not know the change yet.
_OLD_ANSWERS: Final = frozenset(
    {"unsigned-served", "signed-unknown-key", "signed-denied", "cors-headers-missing"}
)
#: What a later run may find in order without anybody's doing.
_MAY_PASS: Final = frozenset({"no-answer", "distribution-deploying"})
#: Finding -> the output that has the statement which only a person can add.
_BY_HAND: Final = {
    "bucket-policy": "BucketPolicyStatement",
    "kms-key-policy": "KmsKeyPolicyStatement",
}
_PROOF_SECONDS: Final = 300
_NO_FILE: Final = "The bucket has no file yet (upload one and run this again)"
_NOT_LISTED: Final = "The files of the bucket cannot be listed (run this again, with s3:ListBucket)"

DONE, FAILED, LATER = 0, 1, 75


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What proves a stack: its site in AWS, and the key that signs.

    ``wanted`` is what the site needs; ``host`` is the one that viewers request; ``stack`` is what
    cfsigned_setup can repair.
    """

    wanted: Wanted
    site: SiteStack
    stack: Stack
    host: str
    fetch: Fetch = field(repr=False)
    clock: Clock = field(repr=False)

    def findings(self) -> list[Finding]:
        """Return what the doctor finds.

        An answer that may be of before the last change is asked for again, for up to a minute:
        this run may have found a change done that one before it began.
        """
        of_account, seconds = self.of_account(), _SETTLES
        while True:
            found = self.live()
            if seconds <= 0 or not {each.id for each in found} & _OLD_ANSWERS:
                return [*of_account, *found]
            self.site.sleep(_PAUSE)
            seconds -= _PAUSE

    def of_account(self) -> list[Finding]:
        account = read_account(self.site.clients, self.wanted)
        now = datetime.fromtimestamp(self.clock(), UTC)
        made = StackResources(name=self.site.name, resources=resources_of(self.stack.parameters))
        return list(check_aws(account, self.wanted, now=now, find_stack=lambda *_: made))

    def live(self) -> list[Finding]:
        key, why_no_object = self._find_file()
        url = self._url(key)
        signer = self.site.provider.signer(self.wanted.key_pair_id)
        self.signed_url(signer)  # names the setting if OpenSSL refuses the hash
        requested = RequestedObject(
            url=url,
            signer=signer.with_hash(conf.OPTIONS["hash_algorithm"].read()),
            direct_url=direct_url(self.site.clients.s3, self.wanted.bucket, key),
            wanted=self.wanted,
            why_no_object=why_no_object,
        )
        return list(examine_live(requested, self.fetch, self.clock))

    def signed_url(self, signer: Signer) -> str:
        """Return a signed URL of a file that need not exist."""
        until = int(self.clock()) + _PROOF_SECONDS
        hash_algorithm = conf.OPTIONS["hash_algorithm"].read()  # as the storages will
        return sign_probe(
            signer, encode_url(self._url(PROBE_NAME)), hash_algorithm, date_less_than=until
        )

    def _url(self, key: str) -> str:
        return f"{conf.setting_of('url_protocol')}//{self.host}/{quote(key)}"

    def _find_file(self) -> tuple[str, str]:
        """Return the key of an object, and why none is known to exist."""
        try:
            listed = call(
                self.site.clients.s3.list_objects_v2,
                f"list the files of {self.wanted.bucket}",
                "s3:ListBucket",
                Bucket=self.wanted.bucket,
            )
        except AwsError:
            return PROBE_NAME, _NOT_LISTED
        keys = (each["Key"] for each in listed.get("Contents", ()))
        found = next((each for each in keys if not each.endswith("/")), "")
        return (found, "") if found else (PROBE_NAME, _NO_FILE)


def exit_code(
    found: Collection[Finding], outputs: Iterable[str], *, key_waits: bool, key_is_new: bool
) -> int:
    """Return the exit code: 75 if an answer, time or a statement is missing; 1 for other errors.

    ``key_waits`` before it may sign; ``key_is_new`` if this run has added it to the key group.
    """
    given = {*outputs}
    errors = {each.id for each in found if each.level is Level.ERROR}
    may_pass = {*_MAY_PASS}
    if by_hand := {name for name, output in _BY_HAND.items() if output in given} & errors:
        may_pass |= by_hand | {"signed-s3-denied"}
    if key_waits or key_is_new:
        may_pass |= {"signed-unknown-key"}
    waits = {each.id for each in found if each.level is not Level.OK} & may_pass
    if errors - may_pass:
        return FAILED
    return LATER if key_waits or waits else DONE
