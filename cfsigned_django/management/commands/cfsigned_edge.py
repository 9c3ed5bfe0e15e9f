"""Serve the files of a storage as CloudFront would, on this machine."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType
from typing import Any, cast
from urllib.parse import urlsplit
from wsgiref.types import WSGIApplication

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import Storage
from django.core.management.base import CommandError, CommandParser

from cfsigned_django.management.command import CfsignedCommand, add_origins, add_storage
from cfsigned_django.storage import CloudFrontS3Storage
from cfsigned_django.storage.site_storages import find_storage
from cfsigned_django.storage.urls import SignedUrlMixin
from cfsigned_django.tools.edge import EdgeServer
from cfsigned_django.tools.s3_origin import S3Origin
from cfsigned_django.tools.storage_origin import StorageOrigin, choose_public, distribution_for

DEFAULT_PORT = 8001


class Command(CfsignedCommand):
    help = (
        "Serve the files of a storage as CloudFront would: signed URLs only, and CloudFront's own "
        "errors for all other requests. For development only: do not expose it to a network."
    )
    example = "--public 'static/*'"

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("--host", default="127.0.0.1", help="address to listen on. Default: 127.0.0.1")
        add(
            "--port",
            type=int,
            help="port to listen on. Default: the one in AWS_S3_CUSTOM_DOMAIN, else "
            f"{DEFAULT_PORT}",
        )
        add_storage(parser)
        add(
            "--domain",
            action="append",
            default=[],
            metavar="HOST",
            help="another host that viewers may request, with its port, such as "
            "cdn.site.localhost:8001. May be repeated",
        )
        add(
            "--public",
            action="append",
            default=[],
            metavar="PATTERN",
            help='path pattern to serve without a signature, such as "static/*". May be repeated. '
            "Default: the folder in the option public of the storage, if there is one",
        )
        add_origins(add, "--cors-origin", default=[])
        add(
            "--managed-policies",
            action="store_true",
            help="play policies that AWS manages, as a stack with the same option has",
        )
        add("--insecure", action="store_true", help="run even if DEBUG is off, for tests")

    def run(self, options: dict[str, Any]) -> None:
        """Build the edge, print what it serves, and serve until interrupted."""
        if not settings.DEBUG and not options["insecure"]:
            raise CommandError(
                "DEBUG is off, and this edge is for development only. In production, CloudFront "
                "does this. Use --insecure to run the edge anyway."
            )
        try:
            storage = find_storage(options["storage"])
            storage.unsigned_url("a.jpg")  # raises at once if there is no domain
            public, by_hand = choose_public([storage], options["public"], "--public")
            edge = replace(
                distribution_for(
                    storage,
                    _origin(storage),
                    public=public,
                    cors_origins=options["cors_origin"],
                    managed_policies=options["managed_policies"],
                ),
                domain_names=(storage.custom_domain, *options["domain"]),
            )
            keys = ", ".join(sorted(storage.trusted_keys()))
        except (ImproperlyConfigured, ValueError) as error:
            raise CommandError(str(error)) from error
        port = options["port"]
        port = _port_of(storage) or DEFAULT_PORT if port is None else port
        try:
            server = EdgeServer(edge, host=options["host"], port=port)
        except (OSError, OverflowError) as error:
            raise CommandError(
                f"Cannot listen on port {port} of {options['host']}: {error}. Stop the program "
                "that uses it; or choose a free port in AWS_S3_CUSTOM_DOMAIN, such as "
                f'"127.0.0.1:{DEFAULT_PORT + 1}", and leave --port out: URLs lead to that port, '
                f"and AWS_S3_CUSTOM_DOMAIN is {storage.custom_domain!r} now."
            ) from error
        if by_hand and not public:
            self.stderr.write(
                f"Nothing is served without a signature, although files are public: {by_hand}. "
                "Open each path with --public."
            )
        with server, _log_to(self.stderr):
            self._introduce(storage, keys, server, options | {"public": public})
            _serve(server)
        self.stdout.write("The edge has stopped.")

    def _introduce(
        self, storage: SignedUrlMixin, keys: str, server: EdgeServer, options: dict[str, Any]
    ) -> None:
        """Print what is served, which settings do not fit, and what to try next."""
        address = f"{options['host']}:{server.port}"
        public = ", ".join(options["public"]) or "nothing: each request needs a signature"
        self.stdout.write(
            f"CloudFront edge for development at http://{address}/\n"
            f"  files    {_describe_origin(storage, options['storage'])}\n"
            f"  domain   {', '.join((storage.custom_domain, *options['domain']))}\n"
            f"  key      {keys}\n"
            f"  public   {public}"
        )
        if options["cors_origin"]:
            self.stdout.write(f"  cors     {', '.join(options['cors_origin'])}")
        if options["managed_policies"]:
            self.stdout.write("  policies AWS's managed ones: no query reaches the files")
        if _port_of(storage) != server.port:
            self.stderr.write(
                f"AWS_S3_CUSTOM_DOMAIN is {storage.custom_domain!r}, so URLs do not lead to this "
                f'edge. Set AWS_S3_CUSTOM_DOMAIN = "{address}" for development.'
            )
        if storage.url_protocol != "http:":
            self.stderr.write(
                f"AWS_S3_URL_PROTOCOL is {storage.url_protocol!r}, but this edge serves plain "
                'HTTP. Set AWS_S3_URL_PROTOCOL = "http:" for development.'
            )
        unsigned = storage.unsigned_url("a.jpg")
        self.stdout.write(
            f"Try it: curl -i {unsigned} is refused (MissingKey). URLs from storage.url() and "
            "{% signed_url %} are served.\nStop the edge with Ctrl-C."
        )


def _port_of(storage: SignedUrlMixin) -> int | None:
    return urlsplit(f"//{storage.custom_domain}").port


def _origin(storage: SignedUrlMixin) -> WSGIApplication:
    """Return the bucket of an S3 storage, read with its credentials, else the storage."""
    if not isinstance(storage, CloudFrontS3Storage):
        return StorageOrigin(cast("Storage", storage))
    s3: Any = storage  # django-storages sets its options as attributes, unseen by type checkers
    if not s3.bucket_name:
        raise CommandError("AWS_STORAGE_BUCKET_NAME is not set, so there is no bucket to serve.")
    return S3Origin(
        bucket=s3.bucket_name,
        region=s3.region_name,
        endpoint_url=s3.endpoint_url,
        access_key=s3.access_key,
        secret_key=s3.secret_key,
        session_token=s3.security_token,
        profile=s3.session_profile,
    )


def _describe_origin(storage: SignedUrlMixin, alias: str) -> str:
    place = f"STORAGES[{alias!r}], {type(storage).__name__}"
    bucket = getattr(storage, "bucket_name", None)
    return f"{place}, bucket {bucket}" if bucket else place


@contextmanager
def _log_to(stream: Any) -> Iterator[None]:
    """Show a line for each request, unless the project's LOGGING handles this logger."""
    logger = logging.getLogger("cfsigned_django.tools.edge")
    if logger.handlers:
        yield
        return
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    level, propagate = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagate


def _serve(server: EdgeServer) -> None:
    """Serve until Ctrl-C or SIGTERM; both stop the server in the same way."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    # SIGINT as well: a shell starts its background processes with SIGINT ignored.
    before = {each: signal.signal(each, interrupt) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
