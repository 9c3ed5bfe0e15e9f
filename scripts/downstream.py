"""Run other projects' own tests with django-storages' S3Storage and with ours, and compare.

Run by hand, by `make downstream`. What wants the path of a file fails with both: only a test that
ends otherwise with ours is a difference.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree

from PIL import Image

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from cfsigned_django.signing import KeyAlgorithm, PrivateKey  # noqa: E402 - found by the line above
from tests.s3_server import WRITER, run_s3_server  # noqa: E402 - as above

FOLDER = ROOT / ".cache" / "downstream"
PYTHON = FOLDER / "environment" / "bin" / "python"
CLASSES = ("storages.backends.s3.S3Storage", "cfsigned_django.storage.CloudFrontS3Storage")
#: A source distribution -> the package of its tests.
SUITES = {"easy-thumbnails": "easy_thumbnails.tests", "django-imagekit": "tests"}
#: Settings, and a plugin of pytest: a storage that a suite makes for itself becomes one in S3, too.
SITE = """
from os import environ
from {tests}.settings import *

STORAGES = {{name: {{"BACKEND": environ["CLASS"]}} for name in ("default", "easy_thumbnails")}}
STORAGES["staticfiles"] = {{"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
AWS_STORAGE_BUCKET_NAME = "media"
AWS_S3_ENDPOINT_URL = environ["S3"]
AWS_S3_ACCESS_KEY_ID, AWS_S3_SECRET_ACCESS_KEY = environ["access_key"], environ["secret_key"]
AWS_S3_CUSTOM_DOMAIN = "media.example.com"
AWS_CLOUDFRONT_KEY_ID, AWS_CLOUDFRONT_KEY = "K2JCJMDEHXQW5F", environ["KEY"]

def pytest_sessionstart(session):
    from django.utils.module_loading import import_string
    from {tests} import utils
    class Storage(import_string(environ["CLASS"])):
        def __init__(self, location):
            super().__init__(location=location.strip("/"))
    if hasattr(utils, "TemporaryStorage"):
        utils.TemporaryStorage.__bases__ = (Storage,)
"""


def install() -> None:
    """Make the environment, and unpack the suites beside it."""
    pip: list[str | Path] = [
        ROOT / ".venv" / "bin" / "uv",
        "pip",
        "install",
        "--quiet",
        "--python",
        PYTHON,
    ]
    subprocess.run([pip[0], "venv", "--quiet", "--clear", PYTHON.parent.parent], check=True)
    pip += ["--constraint", ROOT / "constraints" / "default.txt", "--editable", ROOT]
    tools = "setuptools wheel pytest pytest-django beautifulsoup4 testfixtures easy-thumbnails[svg]"
    subprocess.run([*pip, *tools.split(), *SUITES], check=True)
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        PYTHON,
        "download",
        "--dest",
        FOLDER,
    ]
    options = ["--quiet", "--no-deps", "--no-binary", ":all:", "--no-build-isolation"]
    subprocess.run([*command, *options, *SUITES], check=True)
    for sdist in FOLDER.glob("*.tar.gz"):
        with tarfile.open(sdist) as archive:
            archive.extractall(FOLDER, filter="data")
    for folder in FOLDER.glob("django_imagekit-*/tests"):
        # The sdist lacks this one.
        (folder / "media").mkdir(exist_ok=True)
        Image.effect_noise((320, 240), 50).convert("RGB").save(folder / "media" / "reference.png")


def outcomes(suite: str, storage: str, s3: str, key: str) -> dict[str, str]:
    """Run a suite with a class of storage; return how each test ended."""
    folder = max(FOLDER.glob(f"{suite.replace('-', '_')}-*/"))
    (folder / "downstream_site.py").write_text(SITE.format(tests=SUITES[suite]))
    report = folder / "report.xml"
    names = {"CLASS": storage, "S3": s3, "KEY": key, **WRITER}
    options = ["-p", "downstream_site", "--ds", "downstream_site", "-p", "no:cacheprovider"]
    options += [f"--junit-xml={report}", SUITES[suite].replace(".", "/")]
    subprocess.run(
        [PYTHON, "-m", "pytest", "-q", "--tb=no", *options],
        cwd=folder,
        env={**os.environ, **names, "PYTHONPATH": str(folder)},
    )
    cases = ElementTree.parse(report).iter("testcase")  # noqa: S314 - pytest wrote it
    return {
        f"{each.get('classname')}.{each.get('name')}": ", ".join(ended.tag for ended in each)
        for each in cases
    }


def main() -> int:
    """Compare; return how many tests end otherwise."""
    install()
    # django-storages signs with no other.
    key = PrivateKey.generate(KeyAlgorithm.RSA_2048).to_pem().decode()
    different = 0
    with TemporaryDirectory() as folder, run_s3_server(Path(folder)) as s3:
        s3.client().create_bucket(Bucket="media")
        for suite in SUITES:
            theirs, ours = (outcomes(suite, each, s3.endpoint_url, key) for each in CLASSES)
            for name in theirs.keys() | ours.keys():
                one, other = theirs.get(name, "not there"), ours.get(name, "not there")
                if one != other:
                    different += 1
                    print(f"{name}: S3Storage {one or 'passed'}, ours {other or 'passed'}")
            failed = sum(map(bool, theirs.values()))
            print(f"{suite}: {len(theirs)} tests; {failed} do not pass with S3Storage")
    print(f"{different} tests end otherwise with ours")
    return different


if __name__ == "__main__":
    sys.exit(min(main(), 1))
