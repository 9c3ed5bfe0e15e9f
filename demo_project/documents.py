"""The documents that the demo starts with: a PDF and two texts, written here."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """One document of the collection."""

    file_name: str
    title: str
    content: bytes


MINUTES = """\
회의록 2026

일시: 2026년 11월 24일 화요일 오전 10시
장소: 3층 회의실
참석: 김서연, 이준호, 박지민, 최다은

1. 비공개 자료 공유
   - 사진과 문서는 비공개 버킷에 둔다.
   - 링크는 서명하여 다섯 시간이 아니라 다섯 분 동안만 연다.

2. 서명 키
   - 키는 저장소에 올리지 않는다.
   - 교체 계획은 다음 회의에서 정한다.

3. 할 일
   - 박지민: 만료된 링크의 안내 문구 작성
   - 최다은: 파일 이름에 빈칸과 한글이 있는 경우 시험

다음 회의: 2026년 12월 8일
"""

README = """\
This bucket is private.

Every link to a file in it is signed by the site and checked by the edge, each time somebody
asks. Change one character of the link, or wait too long, and the answer is 403.
"""


def papers() -> tuple[Paper, ...]:
    """Return the documents, newest last."""
    return (
        Paper(file_name="read me first.txt", title="Read me first", content=README.encode()),
        Paper(file_name="회의록 2026.txt", title="Minutes, in Korean", content=MINUTES.encode()),
        Paper(file_name="보고서 2026.pdf", title="Report 2026", content=report_pdf()),
    )


def report_pdf() -> bytes:
    """Write a one-page A4 report with a bar chart, in plain PDF 1.4."""
    page = "\n".join((*_heading(), *_chart(), *_paragraph()))
    stream = page.encode("latin-1")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R /F2 6 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Title (Report 2026) /Producer (cfsigned_django demo) >>",
    ]
    return _assemble(objects)


def _assemble(objects: list[bytes]) -> bytes:
    """Number the objects and write the table that says at which byte each begins."""
    file = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(len(file))
        file += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(file)
    file += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    file += b"".join(b"%010d 00000 n \n" % place for place in places)
    size, information = len(objects) + 1, len(objects)
    trailer = b"<< /Size %d /Root 1 0 R /Info %d 0 R >>" % (size, information)
    return file + b"trailer\n%s\nstartxref\n%d\n%%%%EOF\n" % (trailer, start)


def _text(x: float, y: float, size: float, text: str, *, bold: bool = False) -> str:
    safe = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    return f"BT /{'F1' if bold else 'F2'} {size} Tf {x} {y} Td ({safe}) Tj ET"


def _heading() -> list[str]:
    return [
        "0.086 0.22 0.30 rg 0 722 595 120 re f",
        "0.95 0.62 0.26 rg 0 718 595 4 re f",
        "1 1 1 rg",
        _text(56, 778, 30, "Report 2026", bold=True),
        _text(56, 752, 12, "Private media, month by month"),
    ]


def _chart() -> list[str]:
    lines = ["0.12 0.13 0.15 rg", _text(56, 668, 14, "Links signed, in thousands", bold=True)]
    lines.append("0.85 0.87 0.89 RG 0.7 w")
    lines += [f"56 {y} m 539 {y} l S" for y in range(440, 641, 40)]
    for month in range(12):
        tall = 62 + 9 * month + 34 * math.sin(month * 1.1)
        share = month / 11
        red, green, blue = 0.13 + 0.8 * share, 0.45 + 0.1 * share, 0.5 - 0.25 * share
        x = 64 + month * 40
        lines += [
            f"{red:.3f} {green:.3f} {blue:.3f} rg {x} 440 26 {tall:.1f} re f",
            "0.36 0.39 0.43 rg",
            _text(x + 3, 424, 9, "JanFebMarAprMayJunJulAugSepOctNovDec"[month * 3 : month * 3 + 3]),
        ]
    return lines


def _paragraph() -> list[str]:
    words = (
        "This page was written by the demo, byte by byte, and lies in a private bucket.",
        "The figures are invented. The way the page reached you is not: the site signed",
        "a link, the edge checked it, and only then was the file read from S3.",
    )
    return [
        "0.12 0.13 0.15 rg",
        *(_text(56, 384 - 18 * row, 11.5, text) for row, text in enumerate(words)),
        "0.5 0.53 0.57 rg",
        _text(56, 48, 9, "cfsigned_django demo"),
    ]
