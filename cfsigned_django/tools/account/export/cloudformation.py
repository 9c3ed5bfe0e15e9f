"""Export a setup as a CloudFormation template, in JSON.

CloudFormation User Guide: AWS::CloudFront::Distribution and the resource types
named below. A template has a list instead of the API's
``{"Quantity": n, "Items": [...]}``, and leaves out an empty list.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from cfsigned_django.tools.account.documents import Document
from cfsigned_django.tools.account.documents.lifecycle import upload_rule
from cfsigned_django.tools.account.export import documents as export
from cfsigned_django.tools.account.export.documents import Documents, flat, substitute

_REFERENCES: Final[Mapping[str, Any]] = {
    export.PUBLIC_KEY: {"Ref": "PublicKey"},
    export.KEY_GROUP: {"Ref": "KeyGroup"},
    export.CACHE_POLICY: {"Ref": "CachePolicy"},
    export.ORIGIN_REQUEST_POLICY: {"Ref": "OriginRequestPolicy"},
    export.RESPONSE_HEADERS_POLICY: {"Ref": "ResponseHeadersPolicy"},
    export.DISTRIBUTION_ARN: {
        "Fn::Sub": "arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/"
        "${Distribution}"
    },
}
#: Fields that a template names differently from the API; None: it has no such field.
_NAMES: Final[Mapping[str, str | None]] = {
    "ACMCertificateArn": "AcmCertificateArn",
    "CallerReference": None,
    "CustomHeaders": "OriginCustomHeaders",
    "IsIPV6Enabled": "IPV6Enabled",
    "SSLSupportMethod": "SslSupportMethod",
}


def cloudformation(documents: Documents) -> str:
    """Return the template as JSON."""
    parameter: Document = {
        "Type": "String",
        "Description": "Public half of the key pair, PEM (BEGIN PUBLIC KEY)",
    }
    if documents.public_key_pem:
        parameter["Default"] = documents.public_key_pem
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"Private media of {documents.bucket} through CloudFront signed URLs",
        "Parameters": {"PublicKeyPem": parameter},
        "Resources": _resources(documents),
        "Outputs": {
            "Domain": {"Value": {"Fn::GetAtt": ["Distribution", "DomainName"]}},
            "DistributionId": {"Value": {"Ref": "Distribution"}},
            "KeyGroupId": {"Value": {"Ref": "KeyGroup"}},
            "KeyPairId": {"Value": {"Ref": "PublicKey"}},
            **_key_output(documents),
        },
    }
    return json.dumps(template, indent=2, ensure_ascii=False)


def _resources(documents: Documents) -> Document:
    resources: Document = {
        "PublicKey": _resource(
            "CloudFront::PublicKey",
            PublicKeyConfig={
                "CallerReference": documents.public_key_name,
                "Name": documents.public_key_name,
                "EncodedKey": {"Ref": "PublicKeyPem"},
            },
        ),
        "KeyGroup": _resource("CloudFront::KeyGroup", KeyGroupConfig=documents.key_group),
        "Bucket": _bucket(documents),
        "OriginAccess": _origin_access(documents),
        "ResponseHeadersPolicy": _resource(
            "CloudFront::ResponseHeadersPolicy",
            ResponseHeadersPolicyConfig=_without_quantities(documents.response_headers_policy),
        ),
        "Distribution": _resource(
            "CloudFront::Distribution", DistributionConfig=flat(documents.distribution, _NAMES)
        ),
        "BucketPolicy": _resource(
            "S3::BucketPolicy",
            Bucket={"Ref": "Bucket"},
            PolicyDocument=documents.bucket_policy,
        ),
    }
    if documents.cache_policy:
        resources["CachePolicy"] = _resource(
            "CloudFront::CachePolicy", CachePolicyConfig=flat(documents.cache_policy)
        )
    if documents.origin_request_policy:
        resources["OriginRequestPolicy"] = _resource(
            "CloudFront::OriginRequestPolicy",
            OriginRequestPolicyConfig=flat(documents.origin_request_policy),
        )
    is_oac = documents.access_control is not None
    found: Document = substitute(resources, lambda text: _refer(text, is_oac))
    return found


def _bucket(documents: Documents) -> Document:
    properties: Document = {
        "BucketName": documents.bucket,
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        "PublicAccessBlockConfiguration": dict(documents.public_access_block),
    }
    if documents.encryption:
        rule = dict(documents.encryption)
        rule["ServerSideEncryptionByDefault"] = rule.pop("ApplyServerSideEncryptionByDefault")
        properties["BucketEncryption"] = {"ServerSideEncryptionConfiguration": [rule]}
    if documents.cors_rules:
        names = {"ID": "Id", "ExposeHeaders": "ExposedHeaders", "MaxAgeSeconds": "MaxAge"}
        rules = [
            {names.get(name, name): rule[name] for name in rule} for rule in documents.cors_rules
        ]
        properties["CorsConfiguration"] = {"CorsRules": rules}
    if documents.upload_prefix:
        rule = upload_rule(documents.upload_prefix)
        rule = {"Id": rule.pop("ID"), "Prefix": rule.pop("Filter")["Prefix"], **rule}
        properties["LifecycleConfiguration"] = {"Rules": [rule]}
    # Deleting the stack must not delete the files.
    kept = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    return {**_resource("S3::Bucket", **properties), **kept}


def _key_output(documents: Documents) -> Document:
    if documents.key_statement is None:
        return {}
    text = json.dumps(documents.key_statement)
    arn = _REFERENCES[export.DISTRIBUTION_ARN]["Fn::Sub"]
    return {
        "KmsKeyPolicyStatement": {
            "Description": "Add this to the policy of the KMS key, or CloudFront cannot decrypt",
            "Value": {"Fn::Sub": text.replace(export.DISTRIBUTION_ARN, arn)},
        }
    }


def _origin_access(documents: Documents) -> Document:
    if documents.access_control is not None:
        return _resource(
            "CloudFront::OriginAccessControl",
            OriginAccessControlConfig=documents.access_control,
        )
    comment = (documents.access_identity or {})["Comment"]
    return _resource(
        "CloudFront::CloudFrontOriginAccessIdentity",
        CloudFrontOriginAccessIdentityConfig={"Comment": comment},
    )


def _resource(kind: str, **properties: Any) -> Document:
    return {"Type": f"AWS::{kind}", "Properties": properties}


def _refer(text: str, is_oac: bool) -> Any:
    if text in _REFERENCES:
        return _REFERENCES[text]
    if text == export.ORIGIN_ACCESS and is_oac:
        return {"Fn::GetAtt": ["OriginAccess", "Id"]}
    # The ID is inside a text: the path of an identity, or its ARN.
    return {"Fn::Sub": text.replace(export.ORIGIN_ACCESS, "${OriginAccess}")}


def _without_quantities(value: Any) -> Any:
    """Return a response headers policy in the form of a template, whose lists keep "Items"."""
    if not isinstance(value, Mapping):
        return value
    return {k: _without_quantities(each) for k, each in value.items() if k != "Quantity"}
