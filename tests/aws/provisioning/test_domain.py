"""Give a distribution a domain of one's own, or say what that takes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cfsigned_django.aws.client import Clients
from cfsigned_django.aws.provisioning.desired_state import DesiredState, InvalidDesiredState
from cfsigned_django.aws.provisioning.plan import plan
from cfsigned_django.aws.provisioning.resolved_state import ResolvedState
from cfsigned_django.aws.provisioning.steps import StepState
from cfsigned_django.setup.keys import KeyFile
from cfsigned_django.setup.site import SiteSetup
from cfsigned_django.signing import PrivateKey
from tests.aws.provisioning.accounts import (
    make_grown_account,
    planned,
    provisioner,
    reader,
    site_key,
    states,
)
from tests.aws.provisioning.plans import DESIRED, account_with, find

ARN = "arn:aws:acm:us-east-1:111122223333:certificate/0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"
#: What the grown distribution has.
THEIRS = "arn:aws:acm:us-east-1:111122223333:certificate/abc"
HOST = "files.example.com"


@pytest.fixture
def desired(bucket_name: str, ec_key: PrivateKey) -> DesiredState:
    """Return the desired state for a new distribution with a domain and no certificate."""
    return DesiredState(
        bucket=bucket_name, creates_distribution=True, domain=HOST, key=site_key(ec_key)
    )


@pytest.mark.parametrize(
    ("certificate", "domain", "said"),
    [
        (ARN.replace("us-east-1", "eu-west-1"), HOST, "ACM in us-east-1"),
        ("arn:aws:iam::111122223333:server-certificate/x", HOST, "ACM in us-east-1"),
        (ARN, "", "--domain"),
    ],
)
def test_certificates_that_cloudfront_does_not_take(
    certificate: str, domain: str, said: str
) -> None:
    """Refuse a certificate of another region or service, and one for no domain."""
    with pytest.raises(InvalidDesiredState, match=said):
        replace(DESIRED, certificate=certificate, domain=domain)


def test_without_a_certificate() -> None:
    """Say what a domain takes, change nothing for it, and hold back nothing else."""
    step = find(plan(account_with(), replace(DESIRED, domain=HOST)), "domain")

    assert (step.state, step.call, step.blocks) == (StepState.CONFLICT, None, False)
    for each in (HOST, "ACM in us-east-1", "--certificate ARN", "d111111abcdef8.cloudfront.net"):
        assert each in step.why


def test_new_distribution_without_a_certificate(
    clients: Clients, desired: DesiredState, tmp_path: Path
) -> None:
    """Say so before anything is made; then name CloudFront's own domain, which works."""
    before = planned(clients, desired)
    after = provisioner(clients, desired).apply()

    assert f"{HOST} is not among its names" in find(before, "distribution").why
    assert [each.name for each in after if each.state is not StepState.DONE] == ["domain"]
    state = ResolvedState(account=reader(clients, desired)(), desired=desired)
    assert state.account.distribution is not None
    assert state.account.distribution.aliases == []
    provider = KeyFile(path=tmp_path / "key.pem")
    setup = SiteSetup(desired=desired, clients=clients, provider=provider)
    settings = setup.settings(replace(state, desired=replace(desired, key=None)))
    assert settings["AWS_S3_CUSTOM_DOMAIN"] == state.account.distribution.domain_name


def test_new_distribution_with_a_certificate(clients: Clients, desired: DesiredState) -> None:
    """Make the distribution with its domain and its certificate, in one call."""
    whole = replace(desired, certificate=ARN)

    after = provisioner(clients, whole).apply()

    found = reader(clients, whole)().distribution
    assert found is not None
    assert found.aliases == [HOST]
    assert found.config["ViewerCertificate"]["ACMCertificateArn"] == ARN
    assert set(states(after).values()) == {"done"}


@pytest.mark.parametrize(
    ("present", "kept"),
    [
        (
            {
                "ACMCertificateArn": ARN.replace("0a1b", "ffff"),
                "SSLSupportMethod": "sni-only",
                "MinimumProtocolVersion": "TLSv1.3_2025",
            },
            ("sni-only", "TLSv1.3_2025"),
        ),
        (
            {
                "IAMCertificateId": "ASCAEXAMPLE",
                "SSLSupportMethod": "vip",
                "MinimumProtocolVersion": "TLSv1.2_2019",
            },
            ("vip", "TLSv1.2_2019"),
        ),
        (
            {
                "CloudFrontDefaultCertificate": True,
                "SSLSupportMethod": "vip",
                "MinimumProtocolVersion": "TLSv1",
            },
            ("sni-only", "TLSv1.2_2021"),
        ),
    ],
)
def test_how_viewers_connect(present: dict[str, Any], kept: tuple[str, str]) -> None:
    """Keep the protocols and the support method of a certificate that was attached already."""
    steps = plan(
        account_with(ViewerCertificate=present), replace(DESIRED, domain=HOST, certificate=ARN)
    )

    after = find(steps, "domain").after["ViewerCertificate"]
    assert after == {
        "ACMCertificateArn": ARN,
        "SSLSupportMethod": kept[0],
        "MinimumProtocolVersion": kept[1],
    }


@pytest.mark.parametrize(("certificate", "is_said"), [(ARN, True), (THEIRS, False)])
def test_certificate_of_other_names(certificate: str, is_said: bool) -> None:
    """Say which names get another certificate, where they do."""
    step = find(
        plan(account_with(), replace(DESIRED, domain=HOST, certificate=certificate)), "domain"
    )

    said = f"takes the place of {THEIRS}, which media.example.com has now"
    assert (said in step.why) is is_said


def test_distribution_that_is_there(clients: Clients, bucket_name: str, ec_key: PrivateKey) -> None:
    """Add the domain beside those that are there, once; keep every other field."""
    desired = DesiredState(
        bucket=bucket_name,
        distribution_id=make_grown_account(clients, bucket_name),
        path_pattern="media/*",
        domain=HOST,
        key=site_key(ec_key),
    )
    provisioner(clients, desired).apply()
    before = reader(clients, desired)().distribution
    whole = replace(desired, certificate=ARN)

    after = provisioner(clients, whole).apply()

    found = reader(clients, whole)().distribution
    assert before is not None
    assert found is not None
    assert found.aliases == ["media.example.com", HOST]
    changed = {name for name in found.config if found.config[name] != before.config.get(name)}
    assert changed == {"Aliases", "ViewerCertificate"}
    assert states(after)["domain"] == "done"
    assert f"DNS must lead to {found.domain_name}" in find(after, "domain").why
    assert states(planned(clients, whole))["domain"] == "done"
