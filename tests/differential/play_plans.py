"""Plan and diagnose set-ups with one checkout in random accounts, and print what it says.

usage: play_plans.py COUNT SEED ENDPOINT_URL KEY_FILE, with the checkout to play on PYTHONPATH. The
emulator must be empty. Each line is JSON: the number of the account, the command, and its output
without ids that chance has made.
"""

from __future__ import annotations

import io
import json
import os
import random
import re
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import boto3
import django
from django.conf import settings

_CHANCE_IDS = (
    (re.compile(r"(?<![0-9A-Z])E[0-9A-Z]{10,15}\b"), "E-ID"),
    (re.compile(r"\bK[0-9A-Z]{10,15}\b"), "K-ID"),
    (re.compile(r"\bd[0-9a-z]{12,14}\.cloudfront\.net"), "d-id.cloudfront.net"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "UUID"),
    (re.compile(r"\b20\d\d-\d\d-\d\dT[0-9:.+Z]+"), "TIME"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "DIGEST"),
    (re.compile(r"\b127\.0\.0\.1:\d+"), "HOST"),
    (re.compile(r"(MFk|MIIB)[A-Za-z0-9+/=\\n]+"), "PUBLIC KEY"),
    (re.compile(r"cfsigned-[0-9a-f]{12}"), "cfsigned-DIGEST"),
)


def listed(items: list[Any]) -> dict[str, Any]:
    """Return a list as CloudFront writes one."""
    return {"Quantity": len(items), "Items": items} if items else {"Quantity": 0}


def make_distribution(chance: random.Random, bucket: str, group: str) -> dict[str, Any]:
    """Return the configuration of a distribution as somebody may have made it by hand."""
    host = chance.choice((f"{bucket}.s3.amazonaws.com", f"{bucket}.s3.us-east-1.amazonaws.com"))
    origin = {
        "Id": "S3-media",
        "DomainName": host,
        "OriginPath": chance.choice(("", "", "/files")),
        "CustomHeaders": {"Quantity": 0},
        "S3OriginConfig": {"OriginAccessIdentity": ""},
    }
    app = {
        "Id": "app",
        "DomainName": "app.example.com",
        "OriginPath": "",
        "CustomHeaders": {"Quantity": 0},
        "CustomOriginConfig": {
            "HTTPPort": 80,
            "HTTPSPort": 443,
            "OriginProtocolPolicy": "https-only",
        },
    }

    def behavior(target: str) -> dict[str, Any]:
        found: dict[str, Any] = {
            "TargetOriginId": target,
            "ViewerProtocolPolicy": chance.choice(("allow-all", "https-only", "redirect-to-https")),
            "AllowedMethods": {
                **listed(["GET", "HEAD"]),
                "CachedMethods": listed(["GET", "HEAD"]),
            },
            "Compress": True,
        }
        if chance.random() < 0.6:
            found["CachePolicyId"] = "658327ea-f89d-4fab-a63d-7e88639e58f6"
        else:
            query = chance.random() < 0.5
            found |= {
                "MinTTL": 0,
                "DefaultTTL": 60,
                "MaxTTL": 600,
                "ForwardedValues": {"QueryString": query, "Cookies": {"Forward": "none"}},
            }
        match chance.randrange(4):
            case 0:
                found["TrustedSigners"] = {"Enabled": True, **listed(["self"])}
            case 1:
                found["TrustedKeyGroups"] = {"Enabled": True, **listed([group])}
        return found

    config: dict[str, Any] = {
        "CallerReference": f"theirs-{bucket}",
        "Comment": "made by hand",
        "Enabled": chance.random() < 0.9,
        "Origins": listed([origin, app] if chance.random() < 0.6 else [origin]),
        "DefaultCacheBehavior": behavior("S3-media"),
        "Aliases": listed(chance.choice(([], ["media.example.com"]))),
        "ViewerCertificate": {"CloudFrontDefaultCertificate": True},
    }
    if config["Origins"]["Quantity"] == 2 and chance.random() < 0.6:
        config["DefaultCacheBehavior"] = behavior("app")
    patterns = chance.sample(
        ("media/*", "*.jpg", "media/public/*", "static/*"), chance.randrange(3)
    )
    config["CacheBehaviors"] = listed(
        [{"PathPattern": each, **behavior("S3-media")} for each in patterns]
    )
    return config


def make_account(chance: random.Random, endpoint: str, account: str, bucket: str) -> list[str]:
    """Fill an account; return options of cfsigned_setup that say what is wanted there."""

    make_client: Any = boto3.client

    def client(name: str) -> Any:
        return make_client(
            name,
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id=account,
            aws_secret_access_key="not checked",
        )

    s3, cloudfront = client("s3"), client("cloudfront")
    options: list[str] = []
    if chance.random() < 0.8:
        s3.create_bucket(Bucket=bucket)
        if chance.random() < 0.5:
            principal = chance.choice(("*", {"AWS": "arn:aws:iam::999999999999:root"}))
            statement = {
                "Effect": "Allow",
                "Principal": principal,
                "Action": "s3:GetObject",
                "Resource": f"arn:aws:s3:::{bucket}/*",
            }
            policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
            s3.put_bucket_policy(Bucket=bucket, Policy=policy)
        if chance.random() < 0.4:
            rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["https://a.example.com"]}
            s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
        if chance.random() < 0.3:
            s3.delete_public_access_block(Bucket=bucket)
    if chance.random() < 0.7:
        group = cloudfront.create_key_group(
            KeyGroupConfig={"Name": "theirs", "Items": [_make_public_key(cloudfront, account)]}
        )["KeyGroup"]["Id"]
        config = make_distribution(chance, bucket, group)
        made = cloudfront.create_distribution(DistributionConfig=config)
        options += ["--distribution", made["Distribution"]["Id"]]
    elif chance.random() < 0.6:
        options += ["--create"]
    for share, words in (
        (0.4, ["--path-pattern", chance.choice(("media/*", "*.png", "media/public/*"))]),
        (0.3, ["--domain", chance.choice(("media.example.com", "cdn.example.com"))]),
        (0.15, ["--certificate", "arn:aws:acm:us-east-1:111122223333:certificate/abc"]),
        (0.3, ["--cors-origin", chance.choice(("https://www.example.com", "*", "no origin"))]),
        (0.3, ["--origin-access", chance.choice(("oac", "oai"))]),
        (0.3, ["--downloads"]),
        (0.3, ["--close-public"]),
        (0.3, ["--drop-trusted-signers"]),
    ):
        if chance.random() < share:
            options += words
    return options


def _make_public_key(cloudfront: Any, account: str) -> str:
    from cfsigned_django.signing import PrivateKey

    config = {
        "CallerReference": account,
        "Name": f"theirs-{account}",
        "EncodedKey": PrivateKey.generate().public_key.to_pem(),
    }
    found: str = cloudfront.create_public_key(PublicKeyConfig=config)["PublicKey"]["Id"]
    return found


def run(name: str, *words: str) -> str:
    """Return what a command prints, and how it fails."""
    from django.core.management import call_command

    output = io.StringIO()
    failure = ""
    try:
        with redirect_stdout(output), redirect_stderr(io.StringIO()):
            call_command(name, *words, stdout=output)
    except SystemExit as exit_:
        failure = f"exit {exit_.code}"
    except Exception as error:
        failure = f"{type(error).__name__}: {error}"
    text = output.getvalue() + failure
    for pattern, name in _CHANCE_IDS:
        text = pattern.sub(name, text)
    return text


def main() -> None:
    """Play the accounts that the command line asks for."""
    count, seed, endpoint = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    key = Path(sys.argv[4]).read_text()
    os.environ.update(
        AWS_ENDPOINT_URL=endpoint,
        AWS_SECRET_ACCESS_KEY="not checked",
        AWS_EC2_METADATA_DISABLED="true",
        AWS_MAX_ATTEMPTS="1",
    )
    settings.configure(
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "cfsigned_django"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        SECRET_KEY="a key for tests",
        AWS_S3_REGION_NAME="us-east-1",
        USE_TZ=True,
        STORAGES={"default": {"BACKEND": "cfsigned_django.storage.CloudFrontS3Storage"}},
    )
    django.setup()
    from django.core.management import call_command
    from django.test import override_settings

    call_command("migrate", verbosity=0)
    for number in range(count):
        chance = random.Random(f"{seed}/{number}")
        account, bucket = f"{number + 1:012d}", f"bucket-{number}"
        os.environ["AWS_ACCESS_KEY_ID"] = account
        options = make_account(chance, endpoint, account, bucket)
        extra = {}
        if "--distribution" in options:
            extra["AWS_CLOUDFRONT_DISTRIBUTION_ID"] = options[options.index("--distribution") + 1]
        if chance.random() < 0.5:
            extra["AWS_S3_CUSTOM_DOMAIN"] = "media.example.com"
        if chance.random() < 0.6:
            extra |= {"AWS_CLOUDFRONT_KEY": key, "AWS_CLOUDFRONT_KEY_ID": "K2JCJMDEHXQW5F"}
        if chance.random() < 0.4:
            extra["AWS_CLOUDFRONT_KEY_GROUP_ID"] = "12345678-1234-1234-1234-123456789012"
        with override_settings(AWS_STORAGE_BUCKET_NAME=bucket, **extra):
            for command, words in (
                ("cfsigned_setup", ["--json", *options]),
                ("cfsigned_setup", options),
                ("cfsigned_setup", ["--iam", *options]),
                ("cfsigned_setup", ["--export", "terraform", *options]),
                ("cfsigned_setup", ["--export", "cloudformation", *options]),
                ("cfsigned_doctor", ["--json"]),
                ("cfsigned_rotate", ["--json"]),
            ):
                answer = run(command, *words)
                case = f"{command} {' '.join(words)}"
                for pattern, name in _CHANCE_IDS:
                    case = pattern.sub(name, case)
                print(json.dumps({"n": number, "case": case, "answer": answer}), flush=True)


if __name__ == "__main__":
    main()
