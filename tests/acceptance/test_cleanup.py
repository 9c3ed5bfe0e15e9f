"""What the clean-up removes, if AWS is slow, and if what it finds is not what it made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from acceptance.cleanup import CleanUp
from acceptance.ledger import Ledger
from cfsigned_django.aws.client import Clients

RUN = "0123456789abcdef" * 2
NAME, OURS = f"cfsigned-{RUN}", "our reference"


class CloudFront:
    """CloudFront with distributions, which are in progress for some looks after each change."""

    def __init__(self, *, looks: int = 0) -> None:
        self.looks = self.left = looks
        self.configs = dict[str, dict[str, Any]]()
        self.versions = dict[str, int]()

    def add(self, id: str, comment: str, reference: str) -> None:
        """Make a distribution, for anybody."""
        self.configs[id] = {"Comment": comment, "CallerReference": reference, "Enabled": True}
        self.versions[id] = 1

    def list_distributions(self) -> Any:
        """Return all."""
        items = [{"Id": id, "Comment": each["Comment"]} for id, each in self.configs.items()]
        return {"DistributionList": {"Items": items}}

    def get_distribution(self, *, Id: str) -> Any:
        """Return one; each look brings it nearer to the edges."""
        if Id not in self.configs:
            raise refusal("NoSuchDistribution")
        self.left -= self.left > 0
        status = "InProgress" if self.left else "Deployed"
        distribution = {"DistributionConfig": self.configs[Id], "Status": status}
        return {"Distribution": distribution, "ETag": str(self.versions[Id])}

    def update_distribution(self, *, Id: str, IfMatch: str, DistributionConfig: Any) -> None:
        """Change it."""
        assert IfMatch == str(self.versions[Id])
        self.configs[Id], self.left = DistributionConfig, self.looks
        self.versions[Id] += 1

    def delete_distribution(self, *, Id: str, IfMatch: str) -> None:
        """Refuse what is enabled, or still in progress."""
        assert IfMatch == str(self.versions[Id])
        if self.configs[Id]["Enabled"] or self.left:
            raise refusal("DistributionNotDisabled")
        del self.configs[Id]


def refusal(code: str) -> ClientError:
    """Return a refusal of AWS."""
    return ClientError({"Error": {"Code": code}}, "an operation")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """Return the ledger of a run that made a distribution."""
    path = tmp_path / RUN / "ledger"
    with closing(Ledger.begin(path, run=RUN, account="1", endpoint="")) as ledger:
        ledger.intend("distribution", NAME, OURS)
        yield ledger


def clean_up(ledger: Ledger, cloudfront: CloudFront, slept: list[float]) -> list[str]:
    """Clean up once; return what is left."""
    return CleanUp(
        ledger=ledger,
        clients=Clients(cloudfront=cloudfront, s3=None, sts=None),
        tell=lambda line: None,
        sleep=slept.append,
    ).run()


def test_waits_until_it_is_disabled(ledger: Ledger) -> None:
    """Disable a distribution, wait until every edge knows, and only then delete it."""
    cloudfront, slept = CloudFront(looks=9), list[float]()
    cloudfront.add("D1", NAME, OURS)
    ledger.made(ledger.left("distribution")[0], "D1")

    left = clean_up(ledger, cloudfront, slept)

    assert (left, cloudfront.configs) == ([], {})
    assert len(slept) > 5


def test_goes_on_later(ledger: Ledger) -> None:
    """Report what is not disabled after the longest wait, and remove it the next time."""
    cloudfront = CloudFront(looks=250)
    cloudfront.add("D1", NAME, OURS)
    ledger.made(ledger.left("distribution")[0], "D1")

    first = clean_up(ledger, cloudfront, [])
    enabled = cloudfront.configs["D1"]["Enabled"]
    second = clean_up(ledger, cloudfront, [])

    assert len(first) == 1
    assert "D1" in first[0]
    assert (enabled, second, cloudfront.configs) == (False, [], {})


def test_finds_its_own_among_others(ledger: Ledger) -> None:
    """Tell a distribution whose ID was lost from others: by its name and caller reference."""
    cloudfront = CloudFront()
    cloudfront.add("D1", NAME, "their reference")
    cloudfront.add("D2", f"{NAME}-2", OURS)
    cloudfront.add("D3", NAME, OURS)

    assert clean_up(ledger, cloudfront, []) == []
    assert [*cloudfront.configs] == ["D1", "D2"]


@pytest.mark.parametrize(("comment", "reference"), [(NAME, "theirs"), ("theirs", OURS)])
def test_leaves_what_is_not_confirmed(ledger: Ledger, comment: str, reference: str) -> None:
    """Leave what has the ID of the ledger, but another name or caller reference."""
    cloudfront = CloudFront()
    cloudfront.add("D1", comment, reference)
    ledger.made(ledger.left("distribution")[0], "D1")

    [left] = clean_up(ledger, cloudfront, [])

    assert "D1" in left
    assert cloudfront.configs["D1"]["Enabled"]


def test_looks_again_for_what_has_no_id(ledger: Ledger) -> None:
    """Keep a call without an answer in the ledger: a list may show later what it made."""
    cloudfront = CloudFront()
    assert clean_up(ledger, cloudfront, []) == []
    cloudfront.add("D1", NAME, OURS)
    assert clean_up(ledger, cloudfront, []) == []

    assert cloudfront.configs == {}
