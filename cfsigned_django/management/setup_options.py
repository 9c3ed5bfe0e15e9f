"""Declare the options of cfsigned_setup."""

from __future__ import annotations

from collections.abc import Iterable

from django.core.management.base import CommandParser

from cfsigned_django.aws.provisioning.desired_state import OriginAccess
from cfsigned_django.signing import KeyAlgorithm


def add_options(parser: CommandParser, *, exports: Iterable[str]) -> None:
    """Declare the options of cfsigned_setup; ``exports`` names the languages of --export."""
    parser.add_argument("--bucket", help="bucket of the files. Default: AWS_STORAGE_BUCKET_NAME")
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--distribution",
        metavar="ID",
        help="distribution to use. Default: AWS_CLOUDFRONT_DISTRIBUTION_ID, else the one "
        "that an earlier run made",
    )
    which.add_argument("--create", action="store_true", help="make a distribution for the bucket")
    parser.add_argument(
        "--path-pattern",
        metavar="PATTERN",
        help="paths of the private files, such as 'media/*'. Default: the default behavior, "
        "so all paths",
    )
    parser.add_argument(
        "--domain",
        help="domain that viewers see. Default: AWS_S3_CUSTOM_DOMAIN, else CloudFront's own",
    )
    parser.add_argument(
        "--certificate",
        metavar="ARN",
        help="certificate of ACM in us-east-1 for the domain, which is added to the distribution "
        "with it",
    )
    parser.add_argument(
        "--cors-origin",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="origin whose pages may read files across origins, such as "
        "https://www.example.com. May be repeated",
    )
    parser.add_argument(
        "--key-algorithm",
        choices=[each.value for each in KeyAlgorithm],
        default=KeyAlgorithm.ECDSA_P256.value,
        help="of a new key pair. Default: ECDSA_P256",
    )
    parser.add_argument(
        "--key-file",
        metavar="PATH",
        help="keep the private key in this file. Default: the database, once migrated",
    )
    parser.add_argument(
        "--origin-access",
        choices=[each.value for each in OriginAccess],
        help="how CloudFront reads the bucket. Default: as the origin does now, else oac; oai is "
        "the older way",
    )
    parser.add_argument(
        "--downloads",
        action="store_true",
        help="let links name the file that a browser saves: policies for download=",
    )
    parser.add_argument(
        "--close-public",
        action="store_true",
        help="remove statements of the bucket policy that let everybody in",
    )
    parser.add_argument(
        "--drop-trusted-signers",
        action="store_true",
        help="remove the trusted signers of the older way: their links end",
    )
    parser.add_argument("--apply", action="store_true", help="do what is to do")
    parser.add_argument("--yes", action="store_true", help="do not ask before --apply")
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    parser.add_argument(
        "--export",
        choices=list(exports),
        help="print what an empty account would get, as code",
    )
    parser.add_argument(
        "--iam", action="store_true", help="print the IAM policies that each job needs"
    )
