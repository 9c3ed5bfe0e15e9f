"""Ask AWS, or remove what an earlier run left behind.

::

    make acceptance ACCOUNT=111122223333
    make acceptance-clean RUN=0a1b2c3d4e5f0a1b2c3d4e5f0a1b2c3d

Exit codes: 0 all answers are as expected, or nothing is left; 1 something differs, failed, or is
left in the account.
"""

from __future__ import annotations

import signal
import sys
import uuid
from argparse import ArgumentParser, Namespace
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from acceptance import site
from acceptance.cleanup import CleanUp
from acceptance.clients import Clients, connect
from acceptance.guard import Guard, Refused, guarding
from acceptance.record import BadRecord, Record, begun, opened
from acceptance.report import Report
from acceptance.run import Run
from acceptance.site import CommandFailed, Pace
from cfsigned_django.core.aws.client import HOME_REGION, call, configured_region, list_items
from cfsigned_django.core.aws.errors import AwsError

#: Where the records and the reports are, in the current folder. `make clean` leaves it alone.
FOLDER = Path(".acceptance")
NOTE = """\
Use an account in which nothing matters. Distributions in account {account}: {distributions}.
This should create there, in {region}, all named after the run {run}:
  the CloudFormation stack {stack} with one bucket, one distribution and its policies; about twenty
  small files; two key groups and five public keys. A second stack is meant to fail, and to leave
  nothing. It takes places of the account's quotas, and about as many API calls as a deployment.
  acceptance/README.md says what to do before the first run.
It should take about an hour, most of which CloudFront deploys, and cost less than one US dollar:
some thousand requests. What it made should be removed at the end.
"""
_DISTRIBUTIONS = ("DistributionList", "count the distributions", "cloudfront:ListDistributions")
_OF_AWS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")


class Stop(Exception):
    """The run cannot begin or go on: the message says why, and what to do."""


def main(arguments: list[str]) -> int:
    """Do what the arguments say; return the exit code."""
    parser = ArgumentParser(prog="python -m acceptance", description=__doc__.splitlines()[0])
    parser.add_argument("--account", help="number of the AWS account to ask in: 12 digits")
    parser.add_argument("--clean", metavar="RUN", help="remove what a run left")
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
    except (AwsError, BadRecord, Stop) as error:
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
    count = sum(1 for _ in list_items(clients.cloudfront.list_distributions, *_DISTRIBUTIONS))
    record = Record(run=new_run(), account=account, region=region, endpoint=endpoint)
    print(
        NOTE.format(
            account=account,
            run=record.run,
            distributions=count,
            region=region,
            stack=record.stack,
        )
    )
    require_typed(account, "Type the account number to go on: ")
    failed = True
    with begun(record, path_of(record.run)):
        say(f"If this ends before all is removed, run:\n  {clean_command(record)}\n")
        try:
            with guarding(record) as guard:
                run = Run(
                    record=record,
                    role=options.role,
                    kms_key=options.kms_key,
                    clients=clients,
                    pace=pace,
                    confirm=lambda: clients_for(record),
                    tell=say,
                )
                failed = not go(run, guard)
        except KeyboardInterrupt:
            say("\nInterrupted.")
        except (AwsError, CommandFailed, Refused, Stop) as error:
            say(f"Stopped. {error}")
        finally:
            left = remove(record, pace)
    return int(failed or bool(left))


def go(run: Run, guard: Guard) -> bool:
    """Make the run, and write its report; return whether everything was as expected."""
    record = run.record
    site.configure(record.bucket, run.pace)
    is_whole = False
    try:
        run.set_up()
        run.ask(run.prepare(is_emulator=bool(record.endpoint)))
        is_whole = True
    finally:
        # What was seen before a failure was seen.
        report = Report(
            endpoint=record.endpoint,
            day=datetime.now(UTC).date(),
            is_whole=is_whole,
            seen=run.seen,
            rows=run.rows,
        )
        secret = {record.account, record.run, *guard.ids()}
        secret |= {run.settings[each] for each in ("AWS_S3_CUSTOM_DOMAIN",) if each in run.settings}
        for path in report.write(path_of(record.run).parent, without=secret):
            say(f"Written: {path}")
    return all(each.is_expected for each in run.seen)


def clean(run: str) -> int:
    """Remove what an earlier run left behind, once a person has seen what that is."""
    with opened(path_of(run)) as record:
        clients = clients_for(record)
        with guarding(record) as guard:
            found = CleanUp(record=record, clients=clients, guard=guard).found()
        if found:
            listed = "\n".join(f"- {each}" for each in found)
            say(f"This removes from account {record.account}:\n{listed}\n")
            require_typed(record.account, "Type the account number to remove it: ")
        return int(bool(remove(record, Pace())))


def remove(record: Record, pace: Pace) -> list[str]:
    """Remove what carries the mark of a run; say at the end how to go on, unless all is removed."""
    say("\nRemoving what the run made.")
    # A shell that ends sends a second one; Ctrl-C still stops this.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    left = ["what the clean-up has not come to"]
    try:
        # New clients: the first credentials may have ended; these must be of the account as well.
        clients = clients_for(record)
        with guarding(record) as guard:
            left = CleanUp(
                record=record, clients=clients, guard=guard, tell=say, look_again=pace.look
            ).run()
    finally:
        if left:
            listed = "\n".join(f"- {each}" for each in left)
            say(
                f"\nThis may be left in the account:\n{listed}\n"
                f"Keep {path_of(record.run)}, and run this:\n  {clean_command(record)}"
            )
        else:
            say("\nNothing is left that has the mark of the run.")
    return left


def new_run() -> str:
    """Return what identifies a run: 32 hexadecimal digits."""
    return uuid.uuid4().hex


def path_of(run: str) -> Path:
    """Return the file of the record of a run."""
    return FOLDER / run / "run.json"


def clients_for(record: Record) -> Clients:
    """Return new clients; stop unless they are for the account and the endpoint of the run."""
    clients = connect(record.region)
    confirm_account(clients, record.account)
    if endpoint_of(clients) != record.endpoint:
        where = record.endpoint or "AWS itself, without AWS_ENDPOINT_URL"
        raise Stop(f"This run asked {where}. Set boto3 up as it was then.")
    return clients


def require_typed(account: str, prompt: str) -> None:
    """Stop unless a person types the number of the account."""
    try:
        typed = input(prompt).strip()
    except EOFError:
        typed = ""
    if typed != account:
        raise Stop("Nothing was done: the number is not that of the account.")


def clean_command(record: Record) -> str:
    """Return the command that removes what the run made."""
    return f"make acceptance-clean RUN={record.run}"


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
