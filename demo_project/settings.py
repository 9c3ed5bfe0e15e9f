"""Settings of the demo site.

The part that a real project copies is marked below. Everything that belongs to this machine
(ports, keys, passwords) is made on the first start and lies in the git-ignored folder `.demo/`.
"""

from __future__ import annotations

from demo_project.state import BASE_FOLDER, HOST, DemoState, demo_folder

_state = DemoState.open(demo_folder())

DEBUG = True
SECRET_KEY = _state.secret_key
ALLOWED_HOSTS = [HOST, "localhost"]

# -- What a real project sets ---------------------------------------------------------------

STORAGES = {
    "default": {"BACKEND": "cfsigned_django.storage.CloudFrontS3Storage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# The older spelling, which Django itself dropped in 5.1, means the same for cfsigned_django:
# DEFAULT_FILE_STORAGE = "cfsigned_django.storage.CloudFrontS3Storage"

AWS_STORAGE_BUCKET_NAME = _state.bucket
AWS_S3_CUSTOM_DOMAIN = (
    f"{HOST}:{_state.ports['edge']}"  # in production: d111111abcdef8.cloudfront.net
)
AWS_CLOUDFRONT_KEY = _state.private_key_path  # a path, or PEM from the environment
AWS_CLOUDFRONT_KEY_ID = _state.key_pair_id
AWS_QUERYSTRING_EXPIRE = 3600
AWS_S3_FILE_OVERWRITE = False
# A browser asks the edge again each time, so that an expired link shows as one at once. Where
# that is not the point, let browsers keep files for as long as links live.
AWS_S3_OBJECT_PARAMETERS = {"CacheControl": "private, no-cache"}

# -- What only the local stand-ins for CloudFront and S3 need -------------------------------

AWS_S3_URL_PROTOCOL = "http:"
AWS_S3_ENDPOINT_URL = _state.address("s3")
AWS_S3_REGION_NAME = "us-east-1"
AWS_S3_ADDRESSING_STYLE = "path"
if "site" in _state.users:
    AWS_S3_ACCESS_KEY_ID = _state.users["site"].access_key_id
    AWS_S3_SECRET_ACCESS_KEY = _state.users["site"].secret_access_key

# -- The rest is Django's -------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "cfsigned_django",
    "demo_project.gallery",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
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
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": _state.folder / "db.sqlite3"}
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "static/"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
BASE_DIR = BASE_FOLDER
