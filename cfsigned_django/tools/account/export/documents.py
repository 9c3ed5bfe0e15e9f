"""Build the documents for a new account, with tokens in place of IDs.

The exports render these documents, which are the documents of the plan.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from cfsigned_django.tools.account.account import Account, KeyGroup, NamedConfig
from cfsigned_django.tools.account.documents import Document, bucket_policy, cors
from cfsigned_django.tools.account.documents.bucket_policy import PUBLIC_ACCESS_BLOCK
from cfsigned_django.tools.account.documents.distribution_config import (
    access_control_config,
    access_identity_config,
    key_group_config,
    name_for,
)
from cfsigned_django.tools.account.documents.key_policy import bucket_encryption, decrypt_statement
from cfsigned_django.tools.account.documents.policies import (
    cache_policy_config,
    origin_request_policy_config,
    response_headers_policy_config,
)
from cfsigned_django.tools.account.state.site_in_aws import (
    SiteInAws,
    response_headers_names,
)
from cfsigned_django.tools.account.state.wanted import (
    InvalidWanted,
    OriginAccess,
    Wanted,
)

PUBLIC_KEY: Final = "<PublicKey>"
KEY_GROUP: Final = "<KeyGroup>"
ORIGIN_ACCESS: Final = "<OriginAccess>"
CACHE_POLICY: Final = "<CachePolicy>"
ORIGIN_REQUEST_POLICY: Final = "<OriginRequestPolicy>"
RESPONSE_HEADERS_POLICY: Final = "<ResponseHeadersPolicy>"
DISTRIBUTION_ARN: Final = "<DistributionArn>"

#: CloudFormation User Guide, "Generate templates from existing resources with IaC generator"; a
#: template that it wrote of a distribution is in cdklabs/cdk-from-cfn#921. Terraform: "Generating
#: configuration".
_IMPORTS: Final[Mapping[str, str]] = {
    "cloudformation": "in CloudFormation > IaC generator, scan the account, create a template "
    "with AWS::CloudFront::Distribution {id}, and import it into a stack.",
    "terraform": "put\n\nimport {{\n  to = aws_cloudfront_distribution.media\n"
    '  id = "{id}"\n}}\n\ninto a file, and run terraform plan -generate-config-out=media.tf, which '
    "writes the resource.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """Every document in the form of the API; IDs of what is created are tokens."""

    bucket: str
    region: str
    #: Empty if there is no key pair yet.
    public_key_pem: str
    public_key_name: str
    key_group: Document
    access_control: Document | None
    access_identity: Document | None
    cache_policy: Document | None
    origin_request_policy: Document | None
    response_headers_policy: Document
    distribution: Document
    bucket_policy: Document
    cors_rules: list[Document]
    #: The folder in which incomplete uploads end; empty for none.
    upload_prefix: str
    public_access_block: Mapping[str, bool]
    #: None: SSE-S3, which every new bucket has.
    encryption: Document | None
    #: The statement that the policy of the KMS key needs. An export cannot add it: the key has one
    #: policy, which belongs to whatever made the key.
    key_statement: Document | None


def refuse_existing(desired: Wanted, language: str) -> None:
    """Raise :exc:`InvalidWanted` if the desired distribution already exists.

    A template could only create a second distribution. The tools that import resources
    write a better template, with everything that others have configured.
    """
    distribution_id = desired.distribution_id
    if distribution_id is None:
        return
    raise InvalidWanted(
        f"--export is for a new distribution, but {distribution_id} already exists, and no stack "
        "can create it again. Set it up first (the same command with --apply instead of --export), "
        f"then import it: {_IMPORTS[language].format(id=distribution_id)} For a new "
        "distribution, use --create."
    )


def export_documents(desired: Wanted) -> Documents:
    """Return the documents for an empty account."""
    desired = replace(desired, key_group_id="")
    state = SiteInAws(account=_account_of_tokens(desired), wanted=desired)
    is_oac = state.origin_access is OriginAccess.OAC
    statement = (
        bucket_policy.access_control_statement(desired.bucket, DISTRIBUTION_ARN)
        if is_oac
        else bucket_policy.access_identity_statement(desired.bucket, ORIGIN_ACCESS)
    )
    key_statement = decrypt_statement(DISTRIBUTION_ARN) if desired.kms_key else None
    for each in (statement, key_statement or {}):
        each["Sid"] = "AllowCloudFront"  # tokens in the Sid would not be replaced
    name = state.name
    return Documents(
        bucket=desired.bucket,
        region=state.region,
        public_key_pem=desired.key.public_key_pem if desired.key else "",
        public_key_name=desired.key.name if desired.key else name,
        key_group=key_group_config(name, [PUBLIC_KEY]),
        access_control=access_control_config(desired.bucket) if is_oac else None,
        access_identity=None if is_oac else access_identity_config(desired.bucket),
        cache_policy=(
            cache_policy_config(name, desired.download_parameters)
            if state.policies.needs_cache_key
            else None
        ),
        origin_request_policy=(
            origin_request_policy_config(name, desired.download_parameters)
            if desired.downloads
            else None
        ),
        response_headers_policy=response_headers_policy_config(
            state.policies.response_headers_name,
            desired.cors_origins,
            credentials=desired.cookies,
        ),
        distribution=state.wanted_config(),
        bucket_policy=bucket_policy.merge(None, statement),
        cors_rules=cors.merge(
            cors.merge(None, desired.cors_origins), desired.upload_origins, cors.UPLOAD_RULE_ID
        ),
        upload_prefix=desired.upload_prefix,
        public_access_block=PUBLIC_ACCESS_BLOCK,
        encryption=bucket_encryption(desired.kms_key) if desired.kms_key else None,
        key_statement=key_statement,
    )


def flat(value: Any, names: Mapping[str, str | None] = MappingProxyType({})) -> Any:
    """Return a document of the API with plain lists, without empty fields and with other names.

    ``names``: how a template calls a field; None if it has no such field.
    """
    if isinstance(value, list):
        return [flat(each, names) for each in value]
    if not isinstance(value, Mapping):
        return value
    found: Document = {}
    for name, each in value.items():
        renamed = names.get(name, name)
        # An origin with an access control has an empty identity, which the template must keep.
        if renamed is None or (each == "" and name != "OriginAccessIdentity"):
            continue
        if isinstance(each, Mapping) and "Quantity" in each:
            if each["Quantity"]:
                found[renamed] = flat(each["Items"], names)
            if "CachedMethods" in each:
                found["CachedMethods"] = each["CachedMethods"]["Items"]
        else:
            found[renamed] = flat(each, names)
    return found


def substitute(value: Any, replacement: Callable[[str], Any]) -> Any:
    """Return a document with every text that contains a token replaced.

    No name, domain or path pattern of a site can contain "<", with which a token begins.
    """
    if isinstance(value, Mapping):
        return {name: substitute(each, replacement) for name, each in value.items()}
    if isinstance(value, list):
        return [substitute(each, replacement) for each in value]
    return replacement(value) if isinstance(value, str) and "<" in value else value


def _account_of_tokens(desired: Wanted) -> Account:
    """Return an account that contains everything that a distribution refers to."""
    name = name_for(desired.bucket)
    access = (NamedConfig(id=ORIGIN_ACCESS, name=name, config={}),)
    return Account(
        key_groups=(KeyGroup(id=KEY_GROUP, name=name, key_pair_ids=(), config={}),),
        access_controls=access,
        access_identities=access,
        cache_policies={CACHE_POLICY: NamedConfig(id=CACHE_POLICY, name=name, config={})},
        origin_request_policies={
            ORIGIN_REQUEST_POLICY: NamedConfig(id=ORIGIN_REQUEST_POLICY, name=name, config={})
        },
        response_headers_policies={
            each: NamedConfig(id=RESPONSE_HEADERS_POLICY, name=each, config={})
            for each in response_headers_names(name)
        },
    )
