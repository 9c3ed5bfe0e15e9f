"""What the clean-up removes, if AWS is slow, and if what it finds is not what it made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from acceptance.cleanup import CleanUp
from acceptance.ledger import Ledger
from cfsigned_django.aws.client import Clients

RUN = "0123456789abcdef" * 2
MARK = f"acceptance-{RUN}"
NAME, OURS = f"cfsigned-{MARK}", "our reference"


class CloudFront:
    """CloudFront with distributions, which are in progress for some looks after each change."""

    def __init__(self, *, looks: int = 0) -> None:
        self.looks = self.left = looks
        self.configs = dict[str, dict[str, Any]]()
        self.tags = dict[str, str]()
        #: How often it does not find a distribution that is there.
        self.late = 0
        self.shows_tags = True
        self.is_fixed = False
        self.versions = dict[str, int]()

    def add(self, id: str, comment: str, reference: str, tag: str = MARK) -> None:
        """Make a distribution, for anybody."""
        self.tags[id] = tag
        self.configs[id] = {"Comment": comment, "CallerReference": reference, "Enabled": True}
        self.versions[id] = 1

    def list_distributions(self) -> Any:
        """Return all."""
        items = [{"Id": id, "Comment": each["Comment"]} for id, each in self.configs.items()]
        return {"DistributionList": {"Items": items}}

    def get_distribution(self, *, Id: str) -> Any:
        """Return one; each look brings it nearer to the edges."""
        self.late -= 1
        if Id not in self.configs or self.late >= 0:
            raise refusal("NoSuchDistribution")
        self.left -= self.left > 0
        status = "InProgress" if self.left else "Deployed"
        distribution = {"DistributionConfig": self.configs[Id], "Status": status, "ARN": Id}
        return {"Distribution": distribution, "ETag": str(self.versions[Id])}

    def list_tags_for_resource(self, *, Resource: str) -> Any:
        """Return the tag of one."""
        if not self.shows_tags:
            raise refusal("NoSuchResource")
        return {"Tags": {"Items": [{"Key": "acceptance", "Value": self.tags[Resource]}]}}

    def update_distribution(self, *, Id: str, IfMatch: str, DistributionConfig: Any) -> None:
        """Change it."""
        if self.is_fixed:
            raise refusal("AccessDenied")
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


def clean_up(
    ledger: Ledger, cloudfront: CloudFront, slept: list[float], hours: float = 0
) -> list[str]:
    """Clean up once, some hours later; return what is left."""
    now = datetime.now(UTC) + timedelta(hours=hours)
    return CleanUp(
        ledger=ledger,
        # None: a call of S3 would fail.
        clients=Clients(cloudfront=cloudfront, s3=None, sts=None),
        tell=lambda line: None,
        sleep=slept.append,
        now=lambda: now,
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


@pytest.mark.parametrize(
    ("comment", "reference", "tag"),
    [(NAME, "theirs", MARK), ("theirs", OURS, MARK), (NAME, OURS, "theirs")],
)
def test_leaves_what_is_not_confirmed(
    ledger: Ledger, comment: str, reference: str, tag: str
) -> None:
    """Leave what has the ID of the ledger, but another name, caller reference or tag."""
    cloudfront = CloudFront()
    cloudfront.add("D1", comment, reference, tag)
    ledger.made(ledger.left("distribution")[0], "D1")

    [left] = clean_up(ledger, cloudfront, [])

    assert "D1" in left
    assert cloudfront.configs["D1"]["Enabled"]


def test_looks_again_for_what_has_no_id(ledger: Ledger) -> None:
    """Name a call without an answer: a list may show later what it made. After that, it is over."""
    cloudfront = CloudFront()
    [left] = clean_up(ledger, cloudfront, [])
    cloudfront.add("D1", NAME, OURS)
    found = clean_up(ledger, cloudfront, [])
    ledger.intend("distribution", NAME, OURS)
    again = clean_up(ledger, cloudfront, [])
    later = clean_up(ledger, cloudfront, [], hours=1)

    assert NAME in left
    assert (found, cloudfront.configs) == ([], {})
    assert (len(again), later, ledger.left()) == (1, [], [])


@pytest.mark.parametrize("is_answered", [True, False])
@pytest.mark.parametrize("shows_tags", [True, False])
def test_leaves_what_shows_no_tag(ledger: Ledger, is_answered: bool, shows_tags: bool) -> None:
    """Name a distribution until AWS shows its tag, also if the answer of its creation was lost."""
    cloudfront = CloudFront()
    cloudfront.add("D1", NAME, OURS, MARK if not shows_tags else "")
    cloudfront.shows_tags = shows_tags
    if is_answered:
        ledger.made(ledger.left("distribution")[0], "D1")

    [left] = clean_up(ledger, cloudfront, [], hours=1)
    enabled = cloudfront.configs["D1"]["Enabled"]
    cloudfront.shows_tags, cloudfront.tags = True, {"D1": MARK}
    later = clean_up(ledger, cloudfront, [], hours=2)

    assert NAME in left
    assert (enabled, later, cloudfront.configs) == (True, [], {})


def test_waits_in_vain_once(ledger: Ledger) -> None:
    """Look once more, and do not wait again, for what was not disabled after the longest wait."""
    cloudfront, slept = CloudFront(looks=5000), list[float]()
    cloudfront.add("D1", NAME, OURS)
    ledger.made(ledger.left("distribution")[0], "D1")
    # Not found at first: it is looked for twice.
    ledger.made(ledger.intend("distribution", f"{NAME}-2", OURS), "D2")

    left = clean_up(ledger, cloudfront, slept)

    assert [line.split()[1] for line in left] == [NAME]
    assert sum(slept) < 50 * 60


def test_believes_the_second_look(ledger: Ledger) -> None:
    """Look again after a pause for what AWS does not find: it may show it late."""
    cloudfront, slept = CloudFront(), list[float]()
    cloudfront.add("D1", NAME, OURS)
    ledger.made(ledger.left("distribution")[0], "D1")
    cloudfront.late = 1

    assert (clean_up(ledger, cloudfront, slept), cloudfront.configs) == ([], {})
    assert len(slept) == 1


def test_keeps_the_bucket_of_what_is_left(ledger: Ledger) -> None:
    """Leave bucket and objects while the distribution cannot be disabled, and say so."""
    cloudfront = CloudFront()
    cloudfront.add("D1", NAME, OURS)
    ledger.made(ledger.left("distribution")[0], "D1")
    ledger.made(ledger.intend("bucket", MARK), MARK)
    ledger.made(ledger.intend("object", "a.jpg"), "a.jpg")
    cloudfront.is_fixed = True

    left = clean_up(ledger, cloudfront, [])

    assert [line.split()[0] for line in left] == ["distribution", "object", "bucket"]
    assert len(ledger.left()) == 3
