"""Settings of the demo site.

The part that a real project copies is marked below. Everything that belongs to this machine
(ports, keys, passwords) is created on the first start, in the git-ignored folder `.demo/`.
"""

from __future__ import annotations

import os

from demo_project.local_aws import api_environment
from demo_project.state import BASE_FOLDER, COOKIE_DOMAIN, HOST, DemoState, Pace, demo_folder

_state = DemoState.open(demo_folder())

DEBUG = False  # 403 and 404 are pages of the site, as in production
SECRET_KEY = _state.secret_key
ALLOWED_HOSTS = [HOST, "localhost", f"app.{COOKIE_DOMAIN}"]

# -- What a real project sets ---------------------------------------------------------------

DEMO_PACE = Pace.from_environment()

STORAGES = {
    "default": {"BACKEND": "cfsigned_django.storage.CloudFrontS3Storage"},
    # For pages with very many pictures: links that stay the same for a while, to files that
    # browsers may keep. No link lives longer than those of the default storage do.
    "thumbnails": {
        "BACKEND": "cfsigned_django.storage.CloudFrontS3Storage",
        "OPTIONS": {
            "querystring_expire": DEMO_PACE.link - DEMO_PACE.link // 2,
            "max_expire": DEMO_PACE.link - DEMO_PACE.link // 2,
            "expire_step": DEMO_PACE.link // 2,
            "object_parameters": {"CacheControl": "private, max-age=604800, immutable"},
            "file_overwrite": True,
        },
    },
    # The same files at a host that shares cookies with the site, for pages that rely on cookies.
    "videos": {
        "BACKEND": "cfsigned_django.storage.CloudFrontS3Storage",
        "OPTIONS": {"custom_domain": _state.cdn_domain, "file_overwrite": True},
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

AWS_STORAGE_BUCKET_NAME = _state.bucket
AWS_S3_CUSTOM_DOMAIN = (
    f"{HOST}:{_state.ports['edge']}"  # in production: d111111abcdef8.cloudfront.net
)
AWS_CLOUDFRONT_KEY = _state.private_key_path  # a path, or PEM from the environment
AWS_CLOUDFRONT_KEY_ID = _state.key_pair_id
AWS_CLOUDFRONT_KEY_GROUP_ID = _state.key_group_id
AWS_CLOUDFRONT_DISTRIBUTION_ID = _state.distribution_id
AWS_CLOUDFRONT_COOKIE_DOMAIN = COOKIE_DOMAIN  # in production: example.com
AWS_CLOUDFRONT_COOKIE_SCOPES = ["demo_project.gallery.video.FilmScope"]
AWS_S3_FILE_OVERWRITE = False
AWS_S3_SIGNATURE_VERSION = "s3v4"  # for uploads from the browser: it signs type and size
# A browser asks the edge again each time, so an expired link fails at once. If your site does not
# need that, let browsers keep files, as they do for the storage "thumbnails".
AWS_S3_OBJECT_PARAMETERS = {"CacheControl": "private, no-cache"}

# -- The pace of the demo. Leave these out of a site: it has the waits that CloudFront needs ----

AWS_QUERYSTRING_EXPIRE = DEMO_PACE.link
AWS_CLOUDFRONT_MAX_EXPIRE = DEMO_PACE.link
AWS_CLOUDFRONT_PROPAGATION_SECONDS = DEMO_PACE.propagation

# -- What only the local stand-ins for CloudFront and S3 need -------------------------------

AWS_S3_URL_PROTOCOL = "http:"
AWS_S3_ENDPOINT_URL = _state.address("s3")
AWS_S3_REGION_NAME = "us-east-1"
AWS_S3_ADDRESSING_STYLE = "path"
# The emulator's key groups have ids that look like those of public keys; CloudFront's are UUIDs.
SILENCED_SYSTEM_CHECKS = ["cfsigned.W004"]
if _state.users:
    # Rotation, setup and doctor call AWS as boto3 is configured.
    os.environ.update(api_environment(_state))
    AWS_S3_ACCESS_KEY_ID = _state.users["site"].access_key_id
    AWS_S3_SECRET_ACCESS_KEY = _state.users["site"].secret_access_key

# -- The rest is Django's -------------------------------------------------------------------

INSTALLED_APPS = [
    "demo_project.gallery",  # before the admin: it adds a notice to the admin's pages
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "demo_project.pace.ShortWaits",  # in a site: "cfsigned_django"
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "cfsigned_django.middleware.SignedCookiesMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "demo_project.gallery.middleware.content_security_policy",
]
MESSAGE_STORAGE = "django.contrib.messages.storage.cookie.CookieStorage"
ROOT_URLCONF = "demo_project.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "demo_project.gallery.waits.waits",
            ]
        },
    }
]
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": _state.folder / "db.sqlite3"}
}
# Without DEBUG, Django would write no error to the terminal.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"]},
}
# The page of the thumbnails reads here how often the edge was asked.
DEMO_EDGE_LOG = _state.logs / "edge.log"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "static/"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
# The pages are written in these two; LocaleMiddleware takes the one that the browser prefers.
LANGUAGES = [("en", "English"), ("ko", "한국어")]
BASE_DIR = BASE_FOLDER
