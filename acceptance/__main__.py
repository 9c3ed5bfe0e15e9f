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
from argparse import ArgumentParser
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from acceptance import site
from acceptance.cleanup import CleanUp
from acceptance.guard import Refused, guarding
from acceptance.ledger import BadLedger, Ledger
from acceptance.report import Report
from acceptance.run import Run, bucket_of, new_run
from acceptance.site import CommandFailed, Pace
from cfsigned_django.aws.client import Clients, call, make_clients
from cfsigned_django.aws.errors import AwsError

#: Where the ledgers and the reports are, in the current folder. `make clean` leaves it alone.
FOLDER = Path(".acceptance")
NOTE = """\
This creates in account {account}, all named after the run {run}:
  one bucket with some small files, one CloudFront distribution with an origin access control and
  response headers policies, one key group, five public keys, and one CloudFront function.
  The account needs a free place for each; AWS allows 10 key groups and 10 public keys at first.
  docs/explanation/checked-on-aws.md says what to do before the first run.
Do not use the account of your site: what it makes counts toward that account's quotas.
It should take about an hour, of which CloudFront deploys most, and cost less than one US dollar:
some thousand requests. What it makes is removed at the end; the ledger says what that is.
"""
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
    options = parser.parse_args(arguments)
    # As Ctrl-C does, what ends a job or closes a terminal: the run stops, and removes what it made.
    for each in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(each, signal.default_int_handler)
    try:
        if options.clean:
            return clean(options.clean)
        if not options.account:
            raise Stop("No account is named. Run: make acceptance ACCOUNT=111122223333")
        return ask(options.account)
    except KeyboardInterrupt:
        say("\nInterrupted.")
    except (AwsError, BadLedger, Stop) as error:
        say(str(error))
    return 1


def ask(account: str, pace: Pace | None = None) -> int:
    """Make a run in the account, and remove what it made."""
    clients = make_clients(region_name=None)
    confirm_account(clients, account)
    endpoint = endpoint_of(clients)
    if endpoint:
        print(f"This asks an emulator at {endpoint}. Its answers say nothing about AWS.\n")
    run = new_run()
    print(NOTE.format(account=account, run=run))
    try:
        typed = input("Type the account number to go on: ").strip()
    except EOFError:
        typed = ""
    if typed != account:
        raise Stop("Nothing was done: the number is not that of the account.")
    ledger = Ledger.begin(
        FOLDER / run / "ledger.jsonl", run=run, account=account, endpoint=endpoint
    )
    say(f"If this ends before all is removed, run:\n  {clean_command(ledger)}\n")
    failed = True
    try:
        with guarding(ledger):
            failed = not go(Run(run=run, clients=clients, pace=pace or Pace(), tell=say), ledger)
    except KeyboardInterrupt:
        say("\nInterrupted.")
    except (AwsError, CommandFailed, Refused) as error:
        say(f"Stopped. {error}")
    finally:
        with closing(ledger):
            left = remove(ledger, clients, pace or Pace())
    return int(failed or bool(left))


def go(run: Run, ledger: Ledger) -> bool:
    """Make the run, and write its report; return whether everything was as expected."""
    site.configure(bucket_of(run.run), run.pace)
    is_whole = False
    try:
        run.set_up()
        world = run.prepare(is_emulator=bool(ledger.endpoint))
        run.prove()
        run.join(world)
        run.ask(world)
        run.leave(world)
        run.rotate()
        is_whole = True
    finally:
        # What was seen before a failure was seen.
        report = Report(
            endpoint=ledger.endpoint,
            day=datetime.now(UTC).date(),
            is_whole=is_whole,
            commands=run.commands,
            seen=run.seen,
        )
        secret = {ledger.account, ledger.run, *ledger.ids}
        for path in report.write(ledger.path.parent, without=secret):
            say(f"Written: {path}")
    return all(each.is_expected for each in run.seen)


def clean(path: Path) -> int:
    """Remove what the run of a ledger left behind."""
    with closing(Ledger.open(path)) as ledger:
        clients = make_clients(region_name=None)
        confirm_account(clients, ledger.account)
        if endpoint_of(clients) != ledger.endpoint:
            where = ledger.endpoint or "AWS itself, without AWS_ENDPOINT_URL"
            raise Stop(f"The run of this ledger asked {where}. Set boto3 up as it was then.")
        return int(bool(remove(ledger, clients, Pace())))


def remove(ledger: Ledger, clients: Clients, pace: Pace) -> list[str]:
    """Remove what the ledger has; print how to go on if that ends before all is removed."""
    again = clean_command(ledger)
    say(f"\nRemoving what the run made. If this ends early, run:\n  {again}")
    clean_up = CleanUp(ledger=ledger, clients=clients, tell=say, look_again=pace.look)
    with guarding(ledger):
        left = clean_up.run()
        for _ in range(_MORE_ATTEMPTS if left else 0):
            # What was in use a moment ago may still count as such.
            time.sleep(pace.look)
            if not (left := clean_up.run()):
                break
    if left:
        listed = "\n".join(f"- {each}" for each in left)
        say(f"\n{len(left)} left in the account:\n{listed}\nRun this later:\n  {again}")
    else:
        say(
            "\nNothing of the ledger is left. If a call was cut off, look once more in a few "
            f"minutes:\n  {again}"
        )
    return left


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
            f"The credentials belong to account {identity['Account']}, not to {account}. Nothing "
            "was done. Set AWS_PROFILE, or name the other account."
        )


def endpoint_of(clients: Clients) -> str:
    """Return the URL of an emulator, wherever boto3 found it; empty for AWS. Stop at a mixture."""
    urls = [str(each.meta.endpoint_url) for each in (clients.cloudfront, clients.s3, clients.sts)]
    emulators = [url for url in urls if not (urlsplit(url).hostname or "").endswith(_OF_AWS)]
    if len(emulators) in (1, 2):
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
