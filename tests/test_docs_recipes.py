"""Do what a page tells its reader to write, where that takes a project, a table or a server."""

from __future__ import annotations

import html
import json
import mimetypes
import re
import shlex
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, cast
from unittest import mock

import pytest
import yaml
from cryptography.fernet import Fernet
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import call_command
from django.db import models
from django.db.models.fields.files import FieldFile
from django.http import Http404
from django.template import engines
from django.test import RequestFactory
from django.test.utils import isolate_apps
from django.utils import timezone

from cfsigned_django.checks import check_storages
from cfsigned_django.shortcuts import signed_url
from cfsigned_django.signals import file_opened
from cfsigned_django.signing import PrivateKey
from cfsigned_django.testing import assert_signed, edge_for
from cfsigned_django.tools.model.resource_policy import Decision, by_distribution, evaluate
from cfsigned_django.views import SignedRedirectView
from tests.invalidations import aws_in_memory
from tests.pages import (
    DEPLOY,
    DOCS,
    HOW_TO,
    Snippet,
    page_context,
    paste,
    settings_blocks,
    site_of,
    snippets,
    started_project,
)
from tests.projects import Project
from tests.storage_cases import ORIGIN, S3_BACKEND, tables, verify

AI_MODELS = HOW_TO / "ai-models.md"
COOKIECUTTER = DOCS / "moving" / "cookiecutter-django.md"
DOWNLOADS = HOW_TO / "downloads.md"
IN_MEMORY = "cfsigned_django.testing.InMemorySignedStorage"
PUBLIC_FOLDERS = HOW_TO / "public-folders.md"
SEVERAL = HOW_TO / "several-storages.md"
UPLOADS = HOW_TO / "uploads.md"
THUMBNAILS = HOW_TO / "thumbnails.md"
VIDEO = HOW_TO / "video.md"
ACCESS_ENDS = HOW_TO / "access-ends.md"
WHO_OPENED = HOW_TO / "who-opened-what.md"
JINJA2 = HOW_TO / "jinja2.md"
HOUR = timedelta(hours=1)
SETTINGS = """
SECRET_KEY = os.environ["SECRET_KEY"]
STATIC_ROOT = BASE_DIR / "static"
INSTALLED_APPS += ["cfsigned_django"]
AWS_STORAGE_BUCKET_NAME = "media"
AWS_S3_CUSTOM_DOMAIN = "media.example.com"
AWS_CLOUDFRONT_ENCRYPTION_KEYS = [os.environ["CLOUDFRONT_ENCRYPTION_KEY"]]
STORAGES = {
    "default": {"BACKEND": "cfsigned_django.storage.CloudFrontS3Storage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
"""
FERNET_KEY = Fernet.generate_key().decode()


def blocks(language: str) -> list[Snippet]:
    """Return the blocks of the page in a language."""
    return [each for each in snippets(DEPLOY) if each.language == language]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, ec_key: PrivateKey) -> Project:
    """Return a new project, with the settings of the page at their end."""
    folder = tmp_path_factory.mktemp("project")
    call_command("startproject", "mysite", str(folder))
    with (folder / "mysite" / "settings.py").open("a") as file:
        file.write(settings_blocks(DEPLOY)[0] + SETTINGS)
    return Project(folder=folder, key=ec_key)


def manage(project: Project, *arguments: str, **variables: str) -> tuple[int, str]:
    """Run a command where there is no key; return its exit code, and what it says on stderr."""
    done = project.manage(*arguments, DJANGO_SETTINGS_MODULE="mysite.settings", **variables)
    return done.returncode, done.stderr


def test_build_needs_no_key(project: Project) -> None:
    """The line of the Dockerfile collects static files where no secret is known."""
    (dockerfile,) = blocks("dockerfile")
    run, *words = shlex.split(dockerfile.code.replace("\\\n", " "))
    at = words.index("python")
    variables = dict(each.split("=") for each in words[:at])
    assert (run, words[at + 1]) == ("RUN", "manage.py")

    assert manage(project, *words[at + 2 :], **variables) == (0, "")
    assert (project.folder / "static" / "admin").is_dir()


@pytest.mark.parametrize(
    ("command", "environment", "code", "said"),
    [
        ("check", {}, 0, "cfsigned.W010"),
        ("makemigrations --check", {}, 0, "cfsigned.W010"),
        ("check", {"CLOUDFRONT_KEY_ID": "K2JCJMDEHXQW5F"}, 1, "cfsigned.E003"),
        ("check", {"CLOUDFRONT_ENCRYPTION_KEY": "build"}, 1, "cfsigned.E023"),
    ],
)
def test_checks_in_a_build(
    project: Project, command: str, environment: dict[str, str], code: int, said: str
) -> None:
    """What a job of CI must set, for check and the migrations to pass."""
    known = {"SECRET_KEY": "build", "CLOUDFRONT_ENCRYPTION_KEY": FERNET_KEY, **environment}
    ended, printed = manage(project, *command.split(), **known)
    assert (ended, said in printed) == (code, True), printed


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["cfsigned_doctor"], "Unknown command: 'cfsigned_doctor'"),
        (
            ["shell", "-c", "from django.template import Template as T; T('{% load cfsigned %}')"],
            "'cfsigned' is not a registered tag library",
        ),
    ],
)
def test_app_is_forgotten(project: Project, words: list[str], said: str) -> None:
    """Without the app in INSTALLED_APPS, Django says what the page about the installation says."""
    forgotten = "from mysite.settings import *\nINSTALLED_APPS.remove('cfsigned_django')\n"
    (project.folder / "mysite" / "forgotten.py").write_text(forgotten)

    done = project.manage(
        *words,
        DJANGO_SETTINGS_MODULE="mysite.forgotten",
        SECRET_KEY="not a secret",
        CLOUDFRONT_ENCRYPTION_KEY=FERNET_KEY,
    )

    assert said in done.stderr
    assert f"`{said}`" in " ".join((HOW_TO / "install.md").read_text("utf-8").split())


def test_admin_shows_a_signed_picture(site: Any) -> None:
    """The picture of the page has the URL of its field, escaped once."""
    site.STORAGES = {"default": {"BACKEND": S3_BACKEND}}
    with site_of(DOCS / "problems" / "403.md") as page:
        photo = mock.Mock(image=file_field("a b/사진.jpg"))
        text = page["PhotoAdmin"].picture(None, photo)
    (url,) = re.findall(r'src="([^"]+)"', text)

    assert url.count("&") == url.count("&amp;") > 0
    assert_signed(html.unescape(url), name="a b/사진.jpg")


def test_link_preview_needs_no_signature(site: Any) -> None:
    """The picture of a link preview has an absolute URL without a signature."""
    (written,) = [each.code for each in snippets(PUBLIC_FOLDERS) if each.language == "html"]
    with site_of(PUBLIC_FOLDERS):
        article = {"cover": file_field("covers/7.jpg")}
        shown = engines["django"].from_string(written).render({"article": article})

    assert 'content="https://media.example.com/media/covers/7.jpg"' in shown


def file_field(name: str) -> FieldFile:
    """Return the value of a file field in the default storage."""
    return FieldFile(cast("models.Model", None), models.FileField(), name)


def test_variables_are_those_of_the_settings() -> None:
    """Each platform's file sets the variables that the settings of the page read, or a file."""
    read = set()
    for each in blocks("yaml"):
        loaded: Any = yaml.safe_load(each.code)
        if "services" in loaded:
            read |= {*loaded["services"]["web"]["environment"]}
            (file,) = loaded["services"]["web"]["secrets"]
            assert file in loaded["secrets"]
            assert f'Path("/run/secrets/{file}")' in "".join(one.code for one in blocks("python"))
        else:
            read |= {variable["name"] for variable in loaded["env"]}
    names = {"CLOUDFRONT_KEY_ID", "CLOUDFRONT_PRIVATE_KEY"}
    (task,) = blocks("json")
    assert read == names
    assert {name for name in names if f'"name": "{name}"' in task.code} == names


@pytest.fixture
def links(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """Return the views of the page about links that end, with the table of its model."""
    models, views = (ModuleType(f"links.{each}") for each in ("models", "views"))
    monkeypatch.setitem(sys.modules, "links", ModuleType("links"))
    monkeypatch.setitem(sys.modules, "links.models", models)
    written = [each.code for each in snippets(ACCESS_ENDS) if each.role == "link"]
    with isolate_apps("cfsigned_django"):
        # Django looks for the app that a model belongs to by the name of its module.
        vars(models)["__name__"] = "cfsigned_django.links"
        for module, code in zip((models, views), written, strict=True):
            exec(compile(code, ACCESS_ENDS.name, "exec"), vars(module))  # noqa: S102 - our own page
        with tables(models.Link):
            yield views


@pytest.mark.django_db(transaction=True)
def test_link_opens_until_it_ends(links: ModuleType, site: Any, rf: RequestFactory) -> None:
    """It opens as often as its row says, until its time or its row is over; nothing caches it."""
    site.STORAGES = {"default": {"BACKEND": S3_BACKEND}}
    now = timezone.now()
    twice = links.Link.objects.create(file="보고서.pdf", ends_at=now + HOUR, opens_left=2)
    over = links.Link.objects.create(file="a.pdf", ends_at=now - HOUR)
    ended = links.Link.objects.create(file="a.pdf", ends_at=now + HOUR)
    links.Link.objects.filter(pk=ended.pk).delete()

    opened = [links.open_link(rf.get("/"), pk=twice.pk) for _ in range(2)]

    for response in opened:
        assert_signed(response["Location"], name="보고서.pdf", expires_within=60)
        assert "response-content-disposition=attachment" in response["Location"]
        assert "no-store" in response["Cache-Control"]
    for link in (twice, over, ended):
        with pytest.raises(Http404):
            links.open_link(rf.get("/"), pk=link.pk)
    assert links.Link.objects.get(pk=twice.pk).opens_left == 0


@pytest.fixture
def downloads() -> Iterator[Any]:
    """Return the table of the page about openings, with its receiver connected."""
    (written,) = [each.code for each in snippets(WHO_OPENED) if each.role == "link"]
    connected = list(file_opened.receivers)
    with isolate_apps("cfsigned_django"):
        names: dict[str, Any] = {"__name__": "cfsigned_django.downloads"}
        exec(compile(written, WHO_OPENED.name, "exec"), names)  # noqa: S102 - our own page
        with tables(names["Downloads"]):
            yield names["Downloads"]
    file_opened.receivers = connected
    file_opened.sender_receivers_cache.clear()


@pytest.mark.django_db(transaction=True)
def test_downloads_are_counted(downloads: Any, site: Any, rf: RequestFactory) -> None:
    """Each GET that is let in counts, by name; a HEAD, and who is refused, does not."""
    site.STORAGES = {"default": {"BACKEND": S3_BACKEND}}
    view = SignedRedirectView.as_view(permission=lambda request, name: name != "c.pdf")
    for name in ("보고서.pdf", "b.pdf", "보고서.pdf"):
        view(rf.get("/"), name=name)
    view(rf.head("/"), name="b.pdf")
    with pytest.raises(PermissionDenied):
        view(rf.get("/"), name="c.pdf")
    assert dict(downloads.objects.values_list("name", "count")) == {"보고서.pdf": 2, "b.pdf": 1}


@pytest.mark.django_db(transaction=True)
def test_link_asks_for_a_password(links: ModuleType, site: Any, rf: RequestFactory) -> None:
    """It opens for the right one until it has ended; wrong ones are counted, the form is not."""
    (form,) = [each.code for each in snippets(ACCESS_ENDS) if each.language == "html"]
    loader = ("django.template.loaders.locmem.Loader", {"links/password.html": form})
    backend = "django.template.backends.django.DjangoTemplates"
    site.TEMPLATES = [{"BACKEND": backend, "OPTIONS": {"loaders": [loader]}}]
    site.STORAGES = {"default": {"BACKEND": S3_BACKEND}}
    ends_at = timezone.now() + HOUR
    link = links.Link.objects.create(
        file="a.pdf", ends_at=ends_at, opens_left=3, password=make_password("open sesame")
    )

    def attempt(**data: str) -> Any:
        return links.open_link(rf.post("/", data), pk=link.pk)

    assert 'name="password"' in links.open_link(rf.get("/"), pk=link.pk).content.decode()
    assert [attempt(password="guess").status_code, attempt().status_code] == [403, 403]
    assert_signed(attempt(password="open sesame")["Location"], name="a.pdf")
    with pytest.raises(Http404):
        attempt(password="open sesame")
    with pytest.raises(Http404):
        links.open_link(rf.get("/"), pk=link.pk)


@pytest.fixture
def documents(site: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """Return what the page about downloads defines, with the tables of its documents and users."""
    page = ModuleType("page")
    monkeypatch.setitem(sys.modules, "documents", ModuleType("documents"))
    monkeypatch.setitem(sys.modules, "documents.models", page)
    with isolate_apps("cfsigned_django"):

        class User(models.Model):  # noqa: DJ008
            is_authenticated = True

            class Meta:
                app_label = "cfsigned_django"

        class Document(models.Model):  # noqa: DJ008
            title = models.CharField(max_length=100)
            file = models.FileField(upload_to="documents")
            owner = models.ForeignKey(User, models.CASCADE)

            class Meta:
                app_label = "cfsigned_django"

        vars(page).update(User=User, Document=Document)
        for each in snippets(DOWNLOADS):
            if each.role == "owner":
                exec(compile(each.code, DOWNLOADS.name, "exec"), vars(page))  # noqa: S102 - our own page
        site.STORAGES = {"default": {"BACKEND": IN_MEMORY}}
        with tables(User, Document):
            yield page


@pytest.mark.django_db(transaction=True)
def test_only_the_owner_downloads(documents: ModuleType, rf: RequestFactory) -> None:
    """The owner is led to the file, under its title; another user and a visitor are not."""
    owner, other = documents.User.objects.create(), documents.User.objects.create()
    document = documents.Document.objects.create(
        owner=owner, title="보고서 1.pdf", file=ContentFile(b"x", name="a.pdf")
    )

    def ask(user: Any) -> Any:
        request = rf.get("/")
        request.user = user
        return documents.download(request, pk=document.pk)

    url = ask(owner)["Location"]
    assert_signed(url, name="documents/a.pdf", expires_within=60)
    disposition = str(edge_for().get(url).headers["Content-Disposition"])
    assert disposition.startswith("attachment")
    with pytest.raises(Http404):
        ask(other)
    assert "/login/" in ask(AnonymousUser())["Location"]


def test_folder_of_a_video_is_stored(site: Any, tmp_path: Path) -> None:
    """Each file keeps its name, playlists come last, and no video is mixed with another."""
    site.STORAGES = {"default": {"BACKEND": IN_MEMORY}}
    source = tmp_path / "out"
    (source / "720p").mkdir(parents=True)
    names = ["720p/0001.ts", "720p/a.m3u8", "master.m3u8", "z.key"]
    for name in names:
        (source / name).write_text(name)
    storage = storages["default"]

    with site_of(VIDEO) as page, mock.patch.object(storage, "save", wraps=storage.save) as save:
        page["store_video"](source, "videos/42")
        saved = [call.args[0] for call in save.call_args_list]
        with pytest.raises(FileExistsError, match=r"videos/42/.* new folder"):
            page["store_video"](str(source), "videos/42")

    assert sorted(saved) == [f"videos/42/{name}" for name in names]
    assert {name.rpartition(".")[2] for name in saved[2:]} == {"m3u8"}
    assert storage.open("videos/42/720p/a.m3u8").read() == b"720p/a.m3u8"


def test_sizes_of_one_picture_share_a_signature(site: Any) -> None:
    """The URLs of a srcset open each size of this picture, and no other picture."""
    site.STORAGES = {"default": {"BACKEND": S3_BACKEND}}
    with site_of(THUMBNAILS) as page:
        urls = [each.split()[0] for each in page["srcset"]("photos/1.jpg").split(", ")]
        for url in urls:
            assert_signed(url)
        assert_signed(urls[0].replace("320x320", "9x9"))
        with pytest.raises(AssertionError):
            assert_signed(urls[0].replace("1.jpg", "2.jpg"))
    assert len(urls) == 3
    assert len({url.partition("?")[2] for url in urls}) == 1


def test_urls_outlive_the_credentials(site: Any) -> None:
    """A URL that is made with the credentials of a role has nothing of them, and opens for days."""
    credentials = ("ASIAEXAMPLE", "not a secret", "a token of a session")
    site.AWS_S3_ACCESS_KEY_ID, site.AWS_S3_SECRET_ACCESS_KEY, site.AWS_SESSION_TOKEN = credentials
    site.STORAGES = {"default": {"BACKEND": S3_BACKEND}}
    url = signed_url("a.pdf", expire=timedelta(days=7))
    in_six_days = int(time.time()) + 6 * 24 * 3600

    assert verify("default", url, now=in_six_days).is_canned
    assert [each for each in ("X-Amz-", "Token", *credentials[:1]) if each in url] == []


def test_model_gets_one_picture(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider gets a URL that opens this picture alone; with DEBUG, its type and bytes."""
    # Small images of Docker have no file of types, and Python before 3.13 has WebP among others.
    monkeypatch.setattr(mimetypes, "guess_type", mimetypes.MimeTypes().guess_type)
    site.STORAGES = {"default": {"BACKEND": IN_MEMORY}}
    file = file_field("사진.webp")
    storages["default"].save("사진.webp", ContentFile(b"bytes"))
    with site_of(AI_MODELS) as page:
        url = page["image_url"](file)
        site.DEBUG = True
        data = page["image_url"](file)

    policy = assert_signed(url, name="사진.webp", expires_within=1800, viewer_ip="203.0.113.7")
    assert policy.is_canned
    assert data == f"data:image/webp;base64,{b64encode(b'bytes').decode()}"


@pytest.mark.django_db
def test_each_tenant_has_a_bucket(site: Any) -> None:
    """Files go to the bucket of the tenant that is served, and URLs lead to its domain."""
    site.AWS_ACCESS_KEY_ID, site.AWS_SECRET_ACCESS_KEY = "AKIAEXAMPLE", "not a secret"
    site.AWS_CLOUDFRONT_KEY_GROUP_ID = None
    with site_of(SEVERAL) as page, aws_in_memory() as aws:
        storage = page["TenantBucketStorage"](addressing_style="path", key_group_id=None)
        for slug in ("acme", "zeta"):
            token = page["tenant"].set(slug)
            name = storage.save("a.jpg", ContentFile(b"x"))
            assert storage.url(name).startswith(f"https://{slug}.media.example.com/a.jpg?")
            page["tenant"].reset(token)

    assert [each for each in aws.requests if each.startswith("PUT")] == [
        "PUT /media-acme/a.jpg",
        "PUT /media-zeta/a.jpg",
    ]


@pytest.mark.parametrize(
    ("tag", "answer"),
    [
        ("NO_THREATS_FOUND", Decision.ALLOWED),
        ("THREATS_FOUND", Decision.DENIED),
        (None, Decision.DENIED),
    ],
)
def test_only_clean_files_are_served(tag: str | None, answer: Decision) -> None:
    """CloudFront may read what has the tag of GuardDuty, and not what has none yet."""
    (block,) = [each.code for each in snippets(UPLOADS) if "GuardDuty" in each.code]
    statement = json.loads(block)
    arn = statement["Condition"]["StringEquals"]["AWS:SourceArn"]
    request = by_distribution(arn, "arn:aws:s3:::media/a.pdf", uses_tls=True)
    key = "s3:existingobjecttag/guarddutymalwarescanstatus"
    of_tag = replace(request, context={**request.context, key: tag})

    assert evaluate({"Statement": [statement]}, of_tag)[0] is answer
    assert evaluate({"Statement": [statement]}, request)[0] is Decision.UNKNOWN


def test_cookiecutter_signs_media_alone(site: Any, rsa_key: PrivateKey) -> None:
    """The changed lines sign media, leave static files open, and pass the checks."""
    (change,) = [each for each in snippets(COOKIECUTTER) if each.language == "diff"]
    lines = [line[1:] for line in change.code.splitlines() if line[0] != "-"]
    given = {
        "DJANGO_AWS_S3_CUSTOM_DOMAIN": "media.example.com",
        "DJANGO_CLOUDFRONT_KEY_ID": "K2JCJMDEHXQW5F",
        "DJANGO_CLOUDFRONT_PRIVATE_KEY": b64encode(rsa_key.to_pem()).decode(),
    }
    names: dict[str, Any] = {
        "INSTALLED_APPS": [],
        "AWS_STORAGE_BUCKET_NAME": "media",
        "AWS_QUERYSTRING_AUTH": False,
        "env": lambda name, default=None: given.get(name, default),
    }
    exec(compile("\n".join(lines), COOKIECUTTER.name, "exec"), names)  # noqa: S102 - our own page
    for name in ("AWS_CLOUDFRONT_KEY", "AWS_CLOUDFRONT_KEY_ID"):
        delattr(site, name)
    for name, value in names.items():
        if name.startswith(("AWS_", "STORAGES")):
            setattr(site, name, value)

    assert_signed(storages["default"].url("a.jpg"))
    assert storages["staticfiles"].url("a.css") == "https://media.example.com/static/a.css"
    assert [each.id for each in check_storages()] == ["cfsigned.W002"]


@pytest.fixture(params=["django.template.backends.jinja2.Jinja2", "django_jinja.jinja2.Jinja2"])
def jinja2(request: pytest.FixtureRequest, site: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the engine of a site that follows the page about Jinja2."""
    site.STORAGES = {"default": {"BACKEND": S3_BACKEND}}
    names, module = started_project(), ModuleType("mysite.jinja2")
    for block in settings_blocks(JINJA2):
        paste(block, names)
    code = next(each.code for each in snippets(JINJA2) if "def environment" in each.code)
    exec(compile(code, JINJA2.name, "exec"), vars(module))  # noqa: S102 - our own page
    monkeypatch.setitem(sys.modules, "mysite.jinja2", module)
    site.TEMPLATES = [each for each in names["TEMPLATES"] if each["BACKEND"] == request.param]
    (engine,) = engines.all()
    return engine


def test_jinja2_signs_what_the_page_shows(jinja2: Any) -> None:
    """The template of the page renders, and each URL in it is signed."""
    (template,) = [each.code for each in snippets(JINJA2) if each.language == "html+jinja"]
    text = jinja2.from_string(template).render(page_context())
    assert text.count("https://") == text.count("Signature=") == 2


def test_jinja2_escapes_once(jinja2: Any) -> None:
    """A URL is escaped once, and a text that is not safe is, with no URL in it."""
    text = jinja2.from_string(
        "[{{ signed_url('a/1') }}][{{ body|signed_html('a') }}][{{ body|safe|signed_html('a') }}]"
    ).render({"body": f"<img src={ORIGIN}/a/1>"})
    signed, escaped, signed_text = re.findall(r"\[(.*?)\]", text)
    assert signed.count("&") == signed.count("&amp;") > 0
    assert verify("default", html.unescape(signed)).resource == f"{ORIGIN}/a/1"
    assert "<" not in escaped
    assert re.findall(r"src=([^?>]*)\?", signed_text) == [f"{ORIGIN}/a/1"]
