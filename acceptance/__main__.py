"""Ask AWS, or remove what an earlier run left behind.

::

    make acceptance ACCOUNT=111122223333
    make acceptance-clean LEDGER=.acceptance/.../ledger.jsonl

Exit codes: 0 all answers are as expected, or nothing is left; 1 something differs, failed, or is
left in the account.
"""

from __future__ import annotations

import signal
import sys
import time
from argparse import ArgumentParser, Namespace
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from acceptance import site
from acceptance.cleanup import CleanUp
from acceptance.clients import Clients, connect
from acceptance.guard import Refused, guarding
from acceptance.ledger import BadLedger, Ledger
from acceptance.report import Report
from acceptance.run import Run, bucket_of, new_run, stack_of
from acceptance.site import CommandFailed, Pace
from cfsigned_django.aws.client import HOME_REGION, call, configured_region, list_items
from cfsigned_django.aws.errors import AwsError

#: Where the ledgers and the reports are, in the current folder. `make clean` leaves it alone.
FOLDER = Path(".acceptance")
NOTE = """\
Use an account in which nothing matters. Distributions in account {account}: {distributions}.
This should create there, in {region}, all named after the run {run}:
  the CloudFormation stack {stack} with one bucket, one distribution and its policies; about twenty
  small files; two key groups and five public keys. A second stack is meant to fail, and to leave
  nothing. It takes places of the account's quotas, and about as many API calls as a deployment.
  acceptance/README.md says what to do before the first run.
It should take about an hour, most of which CloudFront deploys, and cost less than one US dollar:
some thousand requests. What it made should be removed at the end; the ledger says what that is.
"""
_DISTRIBUTIONS = ("DistributionList", "count the distributions", "cloudfront:ListDistributions")
_OF_AWS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")
#: How often the clean-up is repeated at once, if something is left.
_MORE_ATTEMPTS = 3


class Stop(Exception):
    """The run cannot begin or go on: the message says why, and what to do."""


def main(arguments: list[str]) -> int:
    """Do what the arguments say; return the exit code."""
    parser = ArgumentParser(prog="python -m acceptance", description=__doc__.splitlines()[0])
    parser.add_argument("--account", help="number of the AWS account to ask in: 12 digits")
    parser.add_argument("--clean", metavar="LEDGER", type=Path, help="remove what a run left")
    parser.add_argument(
        "--role",
        default="",
        metavar="ARN",
        help="role in that account, which may do all of it: each command of the package then has "
        "only the IAM policy that the docs print for its job",
    )
    parser.add_argument(
        "--kms-key",
        default="",
        metavar="ARN",
        help="KMS key whose policy lets CloudFront call kms:Decrypt, and nothing else",
    )
    options = parser.parse_args(arguments)
    # As Ctrl-C does, what ends a job or closes a terminal: the run stops, and removes what it made.
    for each in (signal.SIGHUP, signal.SIGTERM):
        if signal.getsignal(each) is not signal.SIG_IGN:  # nohup
            signal.signal(each, signal.default_int_handler)
    try:
        if options.clean:
            return clean(options.clean)
        if not options.account:
            raise Stop("No account is named. Run: make acceptance ACCOUNT=111122223333")
        return ask(options)
    except KeyboardInterrupt:
        say("\nInterrupted.")
    except (AwsError, BadLedger, Stop) as error:
        say(str(error))
    return 1


def ask(options: Namespace, pace: Pace | None = None) -> int:
    """Make a run in the account, and remove what it made."""
    pace, account = pace or Pace(), options.account
    region = configured_region() or HOME_REGION
    clients = connect(region)
    confirm_account(clients, account)
    for arn in filter(None, (options.role, options.kms_key)):
        if f":{account}:" not in arn:
            raise Stop(f"{arn} is not of account {account}.")
    endpoint = endpoint_of(clients)
    if endpoint:
        print(f"This asks an emulator at {endpoint}. Its answers say nothing about AWS.\n")
    run = new_run()
    count = sum(1 for _ in list_items(clients.cloudfront.list_distributions, *_DISTRIBUTIONS))
    print(
        NOTE.format(
            account=account, run=run, distributions=count, region=region, stack=stack_of(run)
        )
    )
    require_typed(account, "Type the account number to go on: ")
    ledger = Ledger.begin(
        FOLDER / run / "ledger.jsonl", run=run, account=account, region=region, endpoint=endpoint
    )
    say(f"If this ends before all is removed, run:\n  {clean_command(ledger)}\n")
    failed = True
    try:
        with guarding(ledger):
            failed = not go(
                Run(
                    run=run,
                    region=region,
                    role=options.role,
                    kms_key=options.kms_key,
                    clients=clients,
                    pace=pace,
                    confirm=lambda: clients_for(ledger),
                    tell=say,
                ),
                ledger,
            )
    except KeyboardInterrupt:
        say("\nInterrupted.")
    except (AwsError, CommandFailed, Refused, Stop) as error:
        say(f"Stopped. {error}")
    finally:
        with closing(ledger):
            left = remove(ledger, pace)
    return int(failed or bool(left))


def go(run: Run, ledger: Ledger) -> bool:
    """Make the run, and write its report; return whether everything was as expected."""
    site.configure(bucket_of(run.run), run.pace)
    is_whole = False
    try:
        run.set_up()
        run.ask(run.prepare(is_emulator=bool(ledger.endpoint)))
        is_whole = True
    finally:
        # What was seen before a failure was seen.
        report = Report(
            endpoint=ledger.endpoint, day=datetime.now(UTC).date(), is_whole=is_whole, seen=run.seen
        )
        secret = {ledger.account, ledger.run, *ledger.ids}
        for each in ("AWS_S3_CUSTOM_DOMAIN", "AWS_CLOUDFRONT_DISTRIBUTION_ID"):
            secret |= {run.settings[each]} if each in run.settings else set()
        for path in report.write(ledger.path.parent, without=secret):
            say(f"Written: {path}")
    return all(each.is_expected for each in run.seen)


def clean(path: Path) -> int:
    """Remove what the run of a ledger left behind, once a person has seen what that is."""
    with closing(Ledger.open(path)) as ledger:
        clients_for(ledger)
        if ledger.left():
            listed = "\n".join(f"- {each}" for each in ledger.left())
            say(f"This removes from account {ledger.account}, if AWS confirms each:\n{listed}\n")
            require_typed(ledger.account, "Type the account number to remove it: ")
        return int(bool(remove(ledger, Pace())))


def remove(ledger: Ledger, pace: Pace) -> list[str]:
    """Remove what the ledger has; print at the end how to go on, unless all is removed."""
    say("\nRemoving what the run made.")
    # A shell that ends sends a second one; Ctrl-C still stops this.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    left: list[str] | None = None
    try:
        # New clients: the first credentials may have ended; these must be of the account as well.
        clean_up = CleanUp(
            ledger=ledger, clients=clients_for(ledger), tell=say, look_again=pace.look
        )
        with guarding(ledger):
            left = clean_up.run()
            for _ in range(_MORE_ATTEMPTS if left else 0):
                # What was in use a moment ago may still count as such.
                time.sleep(pace.look)
                if not (left := clean_up.run()):
                    break
    finally:
        if left is None:  # it did not come to its end
            left = [str(each) for each in ledger.left()]
        if left:
            listed = "\n".join(f"- {each}" for each in left)
            say(
                f"\nThis may be left in the account:\n{listed}\n"
                f"Keep the ledger, and run this:\n  {clean_command(ledger)}"
            )
        else:
            say("\nNothing of the ledger is left.")
    return left


def clients_for(ledger: Ledger) -> Clients:
    """Return new clients; stop unless they are for the account and the endpoint of the ledger."""
    clients = connect(ledger.region)
    confirm_account(clients, ledger.account)
    if endpoint_of(clients) != ledger.endpoint:
        where = ledger.endpoint or "AWS itself, without AWS_ENDPOINT_URL"
        raise Stop(f"The run of this ledger asked {where}. Set boto3 up as it was then.")
    return clients


def require_typed(account: str, prompt: str) -> None:
    """Stop unless a person types the number of the account."""
    try:
        typed = input(prompt).strip()
    except EOFError:
        typed = ""
    if typed != account:
        raise Stop("Nothing was done: the number is not that of the account.")


def clean_command(ledger: Ledger) -> str:
    """Return the command that removes what the run made."""
    return f"make acceptance-clean LEDGER={ledger.path}"


def confirm_account(clients: Clients, account: str) -> None:
    """Stop unless the credentials are those of the account."""
    identity: dict[str, Any] = call(
        clients.sts.get_caller_identity, "find out the account", "sts:GetCallerIdentity"
    )
    if identity["Account"] != account:
        raise Stop(
            f"The credentials belong to account {identity['Account']}, not to {account}. Set "
            "AWS_PROFILE, or name the other account."
        )


def endpoint_of(clients: Clients) -> str:
    """Return the URL of an emulator, wherever boto3 found it; empty for AWS. Stop at a mixture."""
    urls = [str(each.meta.endpoint_url) for each in clients.all()]
    emulators = [url for url in urls if not (urlsplit(url).hostname or "").endswith(_OF_AWS)]
    if 0 < len(emulators) < len(urls):
        raise Stop(
            f"Some services would be those of AWS, and others an emulator: {', '.join(urls)}. "
            "Nothing was done. Set AWS_ENDPOINT_URL, or no endpoint at all."
        )
    return emulators[0] if emulators else ""


def say(text: str) -> None:
    """Print a line. Nobody may be there to read it, and the clean-up must go on."""
    with suppress(OSError):
        print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
