"""Sum up a proof as an exit code; tools/stack/test_command.py has the proof itself."""

from __future__ import annotations

from cfsigned_django.tools.catalog import finding
from cfsigned_django.tools.setup.proof import exit_code

#: Findings, outputs of the stack, whether the key waits, whether it is new, and the exit code.
EXIT_CODES: list[tuple[str, str, bool, bool, int]] = [
    ("unsigned-refused signed-served", "", False, False, 0),
    ("open-folder earlier-behavior-elsewhere signed-served", "", False, False, 0),
    ("no-answer s3-no-answer", "", False, False, 75),
    ("signed-served", "", True, False, 75),
    ("distribution-deploying signed-served", "", False, False, 75),
    ("not-cloudfront", "", True, False, 1),
    ("signed-unknown-key", "", False, False, 1),
    ("signed-unknown-key", "", True, False, 75),
    ("signed-unknown-key", "", False, True, 75),
    ("distribution-deploying signed-unknown-key", "", False, True, 75),
    ("signed-served", "", False, True, 0),
    ("signed-unknown-key s3-open", "", True, False, 1),
    ("no-answer s3-open", "", False, False, 1),
    ("bucket-public signed-served", "", False, False, 1),
    ("bucket-policy signed-s3-denied", "", False, False, 1),
    ("bucket-policy signed-s3-denied", "BucketPolicyStatement", False, False, 75),
    ("kms-key-policy signed-s3-denied", "KmsKeyPolicyStatement", False, False, 75),
    ("kms-key-policy signed-s3-denied", "BucketPolicyStatement", False, False, 1),
]


def test_exit_code() -> None:
    """Exit with 75 only if an answer, time or a statement is missing, and with 1 for the rest."""
    for ids, outputs, waits, is_new, expected in EXIT_CODES:
        found = [finding(each, "x", what="x") for each in ids.split()]

        code = exit_code(found, outputs.split(), key_waits=waits, key_is_new=is_new)

        assert (ids, outputs, waits, is_new, code) == (ids, outputs, waits, is_new, expected)
