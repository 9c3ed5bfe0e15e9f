"""Compute the figures on the page of costs again, from the prices that the page names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest
from botocore.loaders import Loader

from tests.pages import DOCS, ROOT, each_of, prose, read, snippets, table

ENGLISH = DOCS / "aws" / "costs.md"
KOREAN = DOCS / "ko" / "costs.md"
each_language = each_of([ENGLISH, KOREAN])

#: The first column's headings, and the words of a page: prices, plans, months, example, limits.
HEADINGS = {
    ENGLISH: ("Price", "Plan", "A month, in files of", "Line", ("data", "requests", "both")),
    KOREAN: ("단가", "요금제", "한 달, 파일 크기", "항목", ("데이터", "요청", "둘 다")),
}
#: A GB in the units of a page, and a file's size in GB.
UNITS = {"KB": Decimal("1e-6"), "MB": Decimal("1e-3"), "GB": Decimal(1), "TB": Decimal(1000)}
FREE_DATA = Decimal(1000)
FREE_REQUESTS = 10_000_000
FIRST_TIER = Decimal(10_000)


def dollars(cell: str) -> Decimal:
    """Return the amount in a cell."""
    return Decimal(cell.strip().removeprefix("$").replace(",", ""))


def amount(text: str) -> Decimal:
    """Return how many GB a size is: 100 GB, 2TB, 10 MB."""
    number, unit = re.findall(r"([\d,]+) ?([KMGT]B)", text)[0]
    return Decimal(number.replace(",", "")) * UNITS[unit]


def rounded(value: Decimal, step: str) -> str:
    """Return the amount as a page writes it."""
    return f"${value.quantize(Decimal(step), ROUND_HALF_UP):,}"


@dataclass(frozen=True)
class Month:
    """What viewers load in a month, in files of one size."""

    data: Decimal
    requests: int

    @classmethod
    def of(cls, text: str) -> Month:
        """Read the amount and the size of the files."""
        data, size = map(amount, text.split(", "))
        return cls(data, int(data / size))

    def cloudfront(self, first: Decimal, next_: Decimal, request: Decimal) -> Decimal:
        """Return the price of pay as you go: the free TB counts in the first ten."""
        paid = max(min(self.data, FIRST_TIER) - FREE_DATA, Decimal(0)) * first
        paid += max(self.data - FIRST_TIER, Decimal(0)) * next_
        return paid + max(self.requests - FREE_REQUESTS, 0) * request / 10_000

    def s3(self, stored: Decimal, read: Decimal) -> Decimal:
        """Return what S3 costs: a hundredth is stored, and a tenth of the requests arrive."""
        return self.data / 100 * stored + Decimal(self.requests) / 10 * read / 10_000

    def limit(self, data: Decimal, requests: Decimal, words: tuple[str, str, str]) -> str:
        """Return which limit of a plan comes first, and how much of it is used."""
        used = (self.data / data * 100, self.requests / requests * 100)
        word = words[2] if used[0] == used[1] else words[used[0] < used[1]]
        text = f"{word} {max(used).normalize():,f}%"
        return f"**{text}**" if max(used) > 100 else text


def prices(doc: Path) -> list[list[Decimal]]:
    """Return the prices of both places, in the order of the page: of data, requests, S3."""
    rows = [[dollars(cell) for cell in row[1:3]] for row in table(doc, HEADINGS[doc][0])]
    first, next_, request, _path, stored, get, _put = rows
    return [list(place) for place in zip(first, next_, request, stored, get, strict=True)]


def plans(doc: Path) -> list[tuple[Decimal, Decimal]]:
    """Return the limits of Free and of Pro: data in GB, and requests."""
    _price, data, requests, *_ = table(doc, HEADINGS[doc][1])
    return [(amount(data[i]), Decimal(requests[i].replace(",", ""))) for i in (1, 2)]


@each_language
def test_months_cost_what_the_prices_say(doc: Path) -> None:
    """Each row of the table: requests, both prices, the limit of both plans, S3 in both places."""
    words = HEADINGS[doc][4]
    rows = table(doc, HEADINGS[doc][2])
    for row in rows:
        month = Month.of(row[0])
        assert row[1:] == [
            f"{month.requests:,}",
            *(rounded(month.cloudfront(*place[:3]), "1") for place in prices(doc)),
            *(month.limit(*plan, words) for plan in plans(doc)),
            *(rounded(month.s3(*place[3:]), "0.01") for place in prices(doc)),
        ]
    sizes = [tuple(map(amount, row[0].split(", "))) for row in rows]
    files = [amount(size) for size in ("100 KB", "1 MB", "10 MB")]
    assert sizes == [(amount(data), file) for data in ("100 GB", "2 TB", "20 TB") for file in files]


@each_language
def test_example_costs_what_the_prices_say(doc: Path) -> None:
    """A million views of 2 MB: the sum at the end of the table, and in the page's first lines."""
    month = Month.of("2 TB, 2 MB")
    sums = [
        rounded(month.cloudfront(*place[:3]) + month.s3(*place[3:]), "1") for place in prices(doc)
    ]
    assert [cell.strip("| ") for cell in table(doc, HEADINGS[doc][3])[-1][-2:]] == sums
    assert set(re.findall(r"\$\d+", prose(doc).split("## ")[0])) == set(sums)


@each_language
def test_large_file_costs_what_the_prices_say(doc: Path) -> None:
    """A file of 5,000 GB: its storage and one download, in both places."""
    found = re.findall(
        r"5,000 × (\S+) (?:or|또는) (\S+) = (\S+) (?:or|또는) (\$[\d.]*\d)",
        " ".join(read(doc).split()),
    )
    shown = [[*map(dollars, each)] for each in found]
    first, stored = ([place[i] for place in prices(doc)] for i in (0, 3))
    assert shown == [[*pair, *(5000 * price for price in pair)] for pair in (stored, first)]


def test_both_languages_name_the_same_prices() -> None:
    """Prices and plans of the Korean page are those of the English one, South Korea first."""
    assert prices(KOREAN) == prices(ENGLISH)[::-1]
    numbers = [
        [re.findall(r"[\d,]+", cell) for row in table(doc, HEADINGS[doc][1]) for cell in row[1:]]
        for doc in (ENGLISH, KOREAN)
    ]
    assert numbers[0] == numbers[1]


@pytest.mark.parametrize("name", ["README.md", "README.ko.md"])
def test_prices_of_the_readme_are_on_the_page(name: str) -> None:
    """What the front door says of money stands on the page of costs."""
    named = set(re.findall(r"\$[\d.]*\d", read(ROOT / name)))
    assert named
    assert named <= set(re.findall(r"\$[\d.]*\d", read(ENGLISH)))


@each_language
def test_commands_that_subscribe_are_those_of_aws(doc: Path) -> None:
    """Each command and option of the page is an operation of AWS's model, with that parameter."""
    [code] = [each.code for each in snippets(doc) if "pricing-plan-manager" in each.code]
    commands = code.replace("\\\n", "").split("$ aws pricing-plan-manager ")[1:]
    assert len(commands) == 2
    loader = Loader()
    if "pricing-plan-manager" not in loader.list_available_services("service-2"):
        pytest.skip("this botocore is older than the plans' API")
    model = loader.load_service_model("pricing-plan-manager", "service-2")
    for command in commands:
        name, *options = re.findall(r"^[\w-]+|(?<= --)[\w-]+", command)
        operation = model["operations"]["".join(map(str.capitalize, name.split("-")))]
        shape = model["shapes"][operation["input"]["shape"]]
        given = {re.sub("-(.)", lambda m: m[1].upper(), each) for each in options} - {"region"}
        assert set(shape["required"]) - {"clientToken"} <= given <= set(shape["members"])
