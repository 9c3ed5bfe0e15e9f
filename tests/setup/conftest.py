"""Give the tests of the setup an empty account in the emulator."""

from __future__ import annotations

from tests.aws.provisioning.fixtures import (
    _apart as _apart,
    aws_account as aws_account,
    bucket_name as bucket_name,
    clients as clients,
    desired as desired,
    grown as grown,
    ministack as ministack,
    no_aws_configuration as no_aws_configuration,
)
