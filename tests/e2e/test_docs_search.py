"""Test that the built documentation is found: by its search, and by assistants."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.pages import BUILT, DOCS, PAGES

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

#: A question of the FAQ, and the page that answers it.
QUESTION = re.compile(r"^- \[(.*)\]\(([\w/-]+)\.md", re.MULTILINE)
HITS = "links => links.map((link) => link.getAttribute('href').split('.html')[0])"
#: Search on the page of results, as the page does once it is loaded.
ASK = f"""async (query) => {{
  document.querySelector('#search-results').replaceChildren();
  Search.performSearch(query);
  while (!Search.status.innerText) await new Promise((then) => setTimeout(then, 5));
  return ({HITS})([...Search.output.querySelectorAll('li > a')]);
}}"""
#: What people typed, and the page that answers.
ENGLISH = {
    "how much does it cost per month": "aws/costs",
    "images disappear after an hour": "problems/images-vanish",
    "link for 7 days": "how-to/email-and-rich-text",
    "revoke one link": "how-to/access-ends",
    "key leaked": "how-to/key-leaked",
    "works in dev 403 production AccessDenied": "problems/403",
    "CORS": "how-to/cors",
    "public and private": "how-to/several-storages",
    "two distributions tenants": "how-to/several-storages",
    "different expiry per file": "reference/url",
    "rotate without downtime": "how-to/rotate-keys",
    "querystring_auth custom domain not signed": "moving/cookiecutter-django",
    "Secrets Manager": "how-to/keys-from-a-store",
    "Could not deserialize key data": "how-to/deploy",
    "lambda zappa": "how-to/deploy",
    "test without AWS": "how-to/testing",
    "django-storages": "moving/from-django-storages",
    "TinyMCE": "how-to/email-and-rich-text",
    "upload 2 GB from the browser": "how-to/uploads",
    "native app": "how-to/apis",
    "Safari iOS": "how-to/video",
    "IP address": "explanation/security",
    "korean file name download": "how-to/downloads",
    "GDPR": "how-to/who-opened-what",
    "uninstall": "aws/stack",
    "owner only": "how-to/downloads",
    "use custom S3 storage subclass": "moving/from-django-storages",
    "downgrade": "reference/public",
    "facebook open graph": "how-to/public-folders",
    "link preview slack": "how-to/public-folders",
    "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters": (
        "problems/403"
    ),
    "307 Temporary Redirect": "problems/403",
    "TemporaryRedirect 307 new bucket us-east-1": "problems/403",
    "Unknown command: 'cfsigned_doctor'": "how-to/install",
    "'cfsigned' is not a registered tag library": "how-to/install",
    "image in admin 403": "problems/403",
    "ExpiredToken": "moving/from-s3-presigned",
    "The provided token has expired": "moving/from-s3-presigned",
    "presigned url expires after 12 hours": "moving/from-s3-presigned",
    "AuthorizationQueryParametersError": "moving/from-s3-presigned",
    "store signed url in database JSON": "how-to/apis",
    "Editor.js image url expires": "how-to/apis",
    "vision model image url 403": "how-to/ai-models",
    "invalid_image_url": "how-to/ai-models",
    "signed url in django template": "reference/templates",
    "signed url too long": "explanation/how-a-signed-url-works",
    "all images 403 since this morning": "problems/403",
    "SignatureDoesNotMatch": "problems/403",
    "TooManyPublicKeysInKeyGroup": "aws/costs",
    "bill too high": "aws/costs",
    "undo a rotation": "how-to/rotate-keys",
    "pdf viewer iframe": "how-to/downloads",
    "django-s3direct cloudfront": "how-to/uploads",
    "bunny.net token authentication": "how-to/another-cdn",
    "erase user files GDPR": "how-to/deleted-files",
}
KOREAN = {
    "서명된 URL을": "ko/how-a-signed-url-works",
    "쿠키를": "ko/signed-cookies",
    "유출되면": "ko/key-leaked",
    "로컬에서는 되는데 운영에서 403": "ko/403",
    "403 에러": "ko/403",
    "람다": "ko/deploy",
    "느려요": "ko/index",
    "이미지 안보임": "ko/images-vanish",
    "다운로드 파일명": "ko/downloads",
    "와그테일": "ko/index",
    "프라이빗 콘텐츠": "ko/how-a-signed-url-works",
    "공개키": "ko/glossary",
    "닥터": "ko/glossary",
    "도커": "ko/deploy",
    "크롬 CORS": "ko/cors",
    "요금": "ko/costs",
    "S3Boto3Storage": "ko/from-django-storages",
    "온디맨드 리사이징": "ko/thumbnails",
    "키를 교체": "ko/rotate-keys",
    "소유자만": "ko/downloads",
    "업로드를 브라우저에서": "ko/uploads",
    "로그아웃": "ko/signed-cookies",
    "OAI를": "ko/from-older-aws",
    "신뢰할 수 있는 서명자": "ko/from-older-aws",
    "캐시가 안 됨": "ko/stable-urls",
    "presigned URL": "ko/comparison",
    "boto3로 서명": "ko/hand-written",
    "ExpiredToken 임시 자격 증명": "ko/comparison",
    "trusted-signers": "ko/findings",
    "정적 파일 403": "ko/403",
    "링크 미리보기": "ko/public-folders",
    "오픈 그래프": "ko/public-folders",
    "카카오톡 미리보기 이미지": "ko/public-folders",
    "관리자 페이지에서만 403": "ko/403",
    "Unknown command: 'cfsigned_doctor'": "ko/set-up-aws",
    "'cfsigned' is not a registered tag library": "ko/set-up-aws",
    "JSONField에 URL 저장": "ko/images-vanish",
    "AI 모델에 이미지": "how-to/ai-models",
    "서명된 URL 만드는 법": "ko/url",
    "서명 URL": "ko/url",
    "클라우드프론트 서명": "ko/url",
    "키페어": "ko/set-up-aws",
    "클라우드 프론트": "ko/index",
    "안열려요": "ko/403",
    "테라폼": "ko/set-up-aws",
    "클라우드포메이션": "ko/set-up-aws",
    "셀러리": "ko/deploy",
    "장고 레스트": "ko/index",
    "장고": "ko/index",
    "깃허브에 키 올렸어요": "ko/key-leaked",
    "키를 깃에 올렸어요": "ko/key-leaked",
    "갑자기 403": "ko/403",
    "키 로테이션": "ko/rotate-keys",
    "유효기간": "ko/url",
    "IP 제한": "ko/url",
    "아이피 제한": "ko/url",
    "로컬 개발 환경": "ko/first-private-image",
    "람다엣지": "ko/thumbnails",
    "컨텐츠": "ko/how-a-signed-url-works",
    "여러 버킷": "ko/index",
    "설정값 목록": "ko/index",
    "템플릿에서 서명된 url 쓰기": "ko/url",
    "SECRET_KEY 바꿔도 되나요": "ko/change-encryption-keys",
    "사이트 서버에 필요한 권한": "ko/iam",
    "이미지가 깨져서 나와요": "ko/images-vanish",
    "회원만 볼 수 있는 동영상": "ko/video",
    "파일 교체했는데 예전 이미지가 나와요": "ko/deleted-files",
    "url-expired 뜻": "ko/findings",
    "진단 명령 실행": "ko/findings",
}


def test_assistants_find_each_page() -> None:
    """llms.txt lists each English page, as Markdown that is there, and no Korean one."""
    pages = [each.relative_to(DOCS).as_posix() for each in PAGES if DOCS in each.parents]
    listed = re.findall(
        r"^- \[.+\]\((.+?)\)", (BUILT / "llms.txt").read_text("utf-8"), re.MULTILINE
    )
    settings = (BUILT / "reference" / "settings.md").read_text("utf-8")

    assert sorted(listed) == sorted(pages)
    assert [each for each in listed if not (BUILT / each).is_file()] == []
    assert "AWS_CLOUDFRONT_KEY_GROUP_ID" in settings


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """Return one page for all searches: to open one takes longer than to search."""
    page = browser.new_page()
    yield page
    page.close()


def start(page: Page, name: str) -> None:
    """Open a page of the documentation, as `make docs` built it."""
    page.goto((BUILT / f"{name}.html").as_uri())


def search(page: Page, query: str) -> list[str]:
    """Type a query into the field of the page; return the pages that are listed, in their order."""
    page.locator(".sidebar-search").fill(query)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    page.locator(".search-summary:not(:empty)").wait_for()
    found: list[str] = page.locator(".search > li > a").evaluate_all(HITS)
    return found


def test_what_people_type(page: Page) -> None:
    """The page that answers is among the first three."""
    questions = dict(QUESTION.findall((DOCS / "faq.md").read_text("utf-8")))
    assert len(questions) > 40
    found: dict[str, list[str]] = {}
    for begins, queries in (("index", (*ENGLISH, *questions)), ("ko/index", KOREAN)):
        start(page, begins)
        search(page, "the page of results")
        found |= {query: page.evaluate(ASK, query) for query in queries}

    wanted = {**ENGLISH, **questions, **KOREAN}
    assert {query: each for query, each in found.items() if wanted[query] not in each[:3]} == {}


@pytest.mark.parametrize(
    ("begins", "query", "is_korean"),
    [("index", "CORS", False), ("ko/index", "CORS", True), ("index", "쿠키", True)],
)
def test_language_of_the_reader(page: Page, begins: str, query: str, is_korean: bool) -> None:
    """Pages in the language of the page or of the word come first, and the others after them."""
    start(page, begins)
    languages = [found.startswith("ko/") for found in search(page, query)]
    assert languages == sorted(languages, reverse=is_korean)
    assert languages[0] is is_korean


@pytest.mark.parametrize("query", ["graphy", "ography", "kubernetes barcode invoice scanner"])
def test_nothing_is_called_nothing(page: Page, query: str) -> None:
    """A part within a word finds nothing, and so does a query with one word that pages have."""
    start(page, "index")
    assert search(page, query) == []


@pytest.mark.parametrize(
    ("begins", "words"),
    [
        ("index", "No page was found for these words."),
        ("ko/index", "검색어에 맞는 페이지를 찾지 못했습니다."),
    ],
)
def test_no_hit(page: Page, begins: str, words: str) -> None:
    """The page says so in the language of the reader, and leads to the FAQ."""
    start(page, begins)
    assert search(page, "xyzzy") == []
    assert page.locator(".search-summary").inner_text() == words
    page.get_by_role("main").get_by_role("link", name="FAQ").click()
    page.wait_for_url("**/faq.html")
