"""Stand in for CloudFront before one distribution of the demo's emulator.

    python -m demo_project.edge E1A2B3C4D5E6F7 --port 8011

Once a second, the edge asks CloudFront's API of the emulator for the behaviors of the distribution,
their key groups and their policies. It reads the bucket as the user `edge`. The demo must run: its
folder has the address and the access key.
"""

from __future__ import annotations

import argparse
import errno
import logging
import signal
import sys
from collections.abc import Iterable, Sequence
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from cfsigned_django.core.aws.client import make_client
from cfsigned_django.core.aws.errors import AwsError
from cfsigned_django.tools.account.documents.distribution_config import folder_of
from cfsigned_django.tools.account.reader import read_distribution
from cfsigned_django.tools.edge import Distribution, EdgeServer
from cfsigned_django.tools.model import listed
from cfsigned_django.tools.s3_origin import S3Origin
from demo_project.follow import DistributionWatch
from demo_project.local_aws import REGION
from demo_project.rules import DistributionReader, Rules
from demo_project.state import HOST, DemoState, demo_folder

DEFAULT_PORT = 8001


def distribution(
    rules: Rules, domain_names: Sequence[str], origin: WSGIApplication
) -> Distribution:
    """Return an edge that serves the origin by these rules."""
    return Distribution(
        domain_names=tuple(domain_names),
        behaviors=rules.behaviors,
        key_groups=rules.key_groups,
        origin=origin,
    )


def main(arguments: list[str] | None = None) -> int:
    """Serve until Ctrl-C or SIGTERM; return 0, or 1 if the edge cannot start."""
    parser = argparse.ArgumentParser(
        prog="python -m demo_project.edge",
        description="Stand in for CloudFront before one distribution of the demo's emulator.",
    )
    parser.add_argument("distribution", metavar="ID", help="its ID")
    parser.add_argument(
        "--port", type=int, default=DEFAULT_PORT, help=f"listen there. Default: {DEFAULT_PORT}"
    )
    parser.add_argument(
        "--domain",
        action="append",
        default=[],
        metavar="HOST",
        help=f"another host that viewers may request, with its port, beside {HOST}. May be "
        "repeated",
    )
    parser.add_argument(
        "--propagation",
        type=float,
        default=0,
        metavar="SECONDS",
        help="apply each change so much later, as CloudFront does. Default: 0",
    )
    options = parser.parse_args(arguments)
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    for name in ("cfsigned_django.tools.edge", "demo_project"):
        logging.getLogger(name).setLevel(logging.INFO)
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.default_int_handler)
    try:
        _serve(options)
    except KeyboardInterrupt:
        print("The edge has stopped.")
        return 0
    except (AwsError, OverflowError, ValueError) as error:
        print(error, file=sys.stderr)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        print(f"Port {options.port} is in use. Choose another with --port.", file=sys.stderr)
    return 1


def _serve(options: argparse.Namespace) -> None:
    state = DemoState.open(demo_folder())
    user = state.users.get("edge")
    if user is None:
        raise ValueError(f"There is no demo in {state.folder} yet. Start it with make demo.")
    client = make_client(
        "cloudfront",
        region_name=REGION,
        endpoint_url=state.address("s3"),
        aws_access_key_id=user.access_key_id,
        aws_secret_access_key=user.secret_access_key,
    )
    bucket = _bucket_of(client, options.distribution)
    origin = S3Origin(
        bucket=bucket,
        region=REGION,
        endpoint_url=state.address("s3"),
        access_key=user.access_key_id,
        secret_key=user.secret_access_key,
    )
    reader = DistributionReader(client, options.distribution)
    watch = DistributionWatch(reader.read, propagation=options.propagation)
    hosts = (f"{HOST}:{options.port}", *options.domain)

    def serve(environ: WSGIEnvironment, respond: StartResponse) -> Iterable[bytes]:
        return distribution(watch.current(), hosts, origin)(environ, respond)

    with EdgeServer(serve, host=HOST, port=options.port) as server, watch.running():
        rules = watch.current()
        print(
            f"Edge of the distribution {options.distribution} at http://{hosts[0]}/\n"
            f"  bucket  {bucket}\n"
            f"  serves  {rules.describe_behaviors()}\n"
            f"  keys    {rules.describe_keys()}\n"
            "Stop the edge with Ctrl-C.",
            flush=True,
        )
        server.serve_forever()


def _bucket_of(client: object, distribution_id: str) -> str:
    """Return the bucket that a distribution reads. Raise ValueError if that is not one bucket."""
    config = read_distribution(client, distribution_id).config
    places = [folder_of(each) for each in listed(config.get("Origins"))]
    if len(places) != 1 or not places[0].bucket or places[0].folder:
        raise ValueError(
            f"This edge serves one whole bucket, and the origins of {distribution_id} are others. "
            "Name a distribution that cfsigned_setup has made."
        )
    return places[0].bucket


if __name__ == "__main__":
    sys.exit(main())
