"""Judge random accounts, and compare what the doctor says with what AWS's pages say.

``python -m fuzz.doctor [COUNT [SEED]]`` prints each difference, with the changes of its account.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from botocore.exceptions import ClientError

from cfsigned_django.core.aws.client import Clients
from cfsigned_django.signing import PublicKey
from cfsigned_django.tools.account.reader import read_account
from cfsigned_django.tools.account.state.judge import judge
from cfsigned_django.tools.account.state.site_in_aws import SiteKey, Wanted
from cfsigned_django.tools.catalog import Finding, Level
from fuzz.accounts import (
    Situation,
    foreign_reads,
    is_private,
    is_public,
    keys,
    signed_url_works,
    situations,
    stranger_reads,
)

NOW: Final = datetime(2026, 12, 1, tzinfo=UTC)
#: An object that no behavior beside the private one takes.
PROBE: Final = ".cfsigned-probe"
#: What says that CloudFront answers every signed URL with InvalidKey.
_EVERY_URL: Final = "InvalidKey (Unknown Key) to every signed URL."


@dataclass(frozen=True, slots=True)
class FakeAws:
    """The clients of a situation: a method of boto3 for each call of the reader."""

    situation: Situation

    def clients(self) -> Clients:
        """Return this object as each client."""
        return Clients(
            cloudfront=self,
            s3=self,
            sts=self,
            kms=lambda region: self,
            cloudformation=lambda region: self,
        )

    def __getattr__(self, name: str) -> Any:
        """Return a method that answers from the situation."""
        it = self.situation
        policies = {
            "cache_policies": ("CachePolicy", it.cache_policies),
            "origin_request_policies": ("OriginRequestPolicy", it.origin_request_policies),
            "response_headers_policies": ("ResponseHeadersPolicy", it.response_headers_policies),
        }
        every = [it.distribution, *it.other_distributions]
        match name.split("_", 1):
            case ["list", "distributions"]:
                found = [_summary(each) for each in every]
                return lambda **given: {"DistributionList": {"Items": found}}
            case ["list", "key_groups"]:
                groups = [{"KeyGroup": each} for each in it.key_groups]
                return lambda **given: {"KeyGroupList": {"Items": groups}}
            case ["list", "public_keys"]:
                return lambda **given: {"PublicKeyList": {"Items": it.public_keys}}
            case ["list", "origin_access_controls"]:
                controls = [{"Id": key, **each} for key, each in it.access_controls.items()]
                return lambda **given: {"OriginAccessControlList": {"Items": controls}}
            case ["list", kind] if kind in policies:
                name, configs = policies[kind]
                items = [{name: _policy(name, *each)} for each in configs.items()]
                return lambda **given: {f"{name}List": {"Items": items}}
            case ["get", "distribution"]:
                by_id = {each["Id"]: each for each in every}
                return lambda Id: {"Distribution": by_id[Id]}
            case ["get", "caller_identity"]:
                return lambda: {"Account": it.account_id}
        return self._of_bucket(name)

    def _of_bucket(self, name: str) -> Any:
        it = self.situation
        headers = {"HTTPHeaders": {"x-amz-bucket-region": it.region}}
        key = {"Arn": it.kms_key_arn, "KeyManager": "CUSTOMER"}
        answers: dict[str, Any] = {
            "head_bucket": {"ResponseMetadata": headers},
            "get_bucket_policy": it.policy and {"Policy": json.dumps(it.policy)},
            "get_bucket_cors": it.cors_rules and {"CORSRules": it.cors_rules},
            "get_public_access_block": it.public_access_block
            and {"PublicAccessBlockConfiguration": it.public_access_block},
            "get_bucket_encryption": it.encryption
            and {"ServerSideEncryptionConfiguration": {"Rules": [it.encryption]}},
            "describe_key": {"KeyMetadata": key},
            "get_key_policy": {"Policy": json.dumps(it.kms_policy)},
        }
        codes = {"get_bucket_policy": "NoSuchBucketPolicy"} | {
            "get_bucket_cors": "NoSuchCORSConfiguration",
            "get_public_access_block": "NoSuchPublicAccessBlockConfiguration",
            "get_bucket_encryption": "ServerSideEncryptionConfigurationNotFoundError",
        }

        def answer(**given: Any) -> Any:
            if not answers[name]:
                raise ClientError({"Error": {"Code": codes[name], "Message": ""}}, name)
            return answers[name]

        return answer


def _summary(distribution: dict[str, Any]) -> dict[str, Any]:
    config = distribution["DistributionConfig"]
    return {**config, **{key: distribution[key] for key in ("Id", "ARN", "Status", "DomainName")}}


def _policy(kind: str, policy_id: str, config: dict[str, Any]) -> dict[str, Any]:
    return {"Id": policy_id, f"{kind}Config": config}


def examine(situation: Situation) -> list[Finding]:
    """Return what the doctor finds in an account, without live requests."""
    location = f"/{situation.location}"
    wanted = Wanted(
        bucket=situation.bucket,
        region=situation.region,
        domain=situation.domain,
        key_group_id=situation.key_group_id or "",
        key=SiteKey.from_public_key(PublicKey.load(situation.public_key)),
        key_pair_id=situation.key_pair_id,
        location=location,
        public_paths=tuple(f"{location}{each}*" for each in situation.public_folders),
        path=location + PROBE,
    )
    found = read_account(FakeAws(situation).clients(), wanted)
    assert not found.all_problems, found.all_problems
    return list(judge(found, wanted, now=NOW))


def differences(situation: Situation) -> Iterator[str]:
    """Yield what the doctor does not say, or says and is not so."""
    found = examine(situation)
    serious = [each for each in found if each.level is not Level.OK]
    named = keys(situation)
    signed = {each: signed_url_works(situation, each).holds for each in named}
    private = [each for each in named if is_private(situation, each)]
    if not serious:
        if any(stranger_reads(situation, each).holds for each in private):
            yield "an open file, and not a word"
        if any(foreign_reads(situation, each).holds for each in private):
            yield "a foreign reader, and not a word"
        # Where names may be any path, a folder of another behavior is another part of the site.
        ours = private if situation.location else [situation.location + PROBE]
        if any(signed_url_works(situation, each).holds is False for each in ours):
            yield "a refused URL, and not a word"
    for each in found:
        if each.why.endswith(_EVERY_URL) and all(signed[key] for key in private):
            yield f"{each.id}: all signed URLs work"
        if (
            each.id == "bucket-public"
            and each.level is Level.ERROR
            and not is_public(situation).holds
        ):
            yield f"{each.id}: it is not public"


def main(count: str = "6000", seed: str = "1") -> None:
    """Print the differences, each with how often it was found and one account; exit with 1 then."""
    seen: Counter[str] = Counter()
    for situation, changes in situations(int(seed), int(count)):
        for each in differences(situation):
            if not seen[each]:
                print(f"{each}: for example {', '.join(changes) or 'a right account'}")
            seen[each] += 1
    print(f"{count} accounts, {sum(seen.values())} differences")
    for each, times in seen.most_common():
        print(f"{times:6d}  {each}")
    sys.exit(bool(seen))


if __name__ == "__main__":
    main(*sys.argv[1:])
