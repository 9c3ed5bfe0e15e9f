"""Which sets of signed cookies a viewer gets: judged once, for pages, refresh/ and playback().

Whatever the scopes answer, what is good is chosen. Of more than fit, the folders whose cookies the
browser has come first, so that a running video goes on. No set is chosen that the marker cannot
remember: log-out could not delete it.
"""

from __future__ import annotations

import posixpath
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

from django.http import HttpRequest

from cfsigned_django.cookies.marker import Marker, session_key_of, viewer_of
from cfsigned_django.cookies.place import CookiePlace
from cfsigned_django.cookies.problems import Problem, quoted
from cfsigned_django.cookies.scopes import Offer, ScopeAnswers, ask_scopes

#: A response that sets eight has 7 KB of Set-Cookie, beside a marker of up to 4 KB, which fit into
#: the 16 KB that the docs give nginx. Eight are up to 32 cookies, and browsers need not keep more
#: than 50 for a domain (RFC 6265, 6.1). A request to CloudFront has one: each has its own Path.
MAX_SETS: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a viewer gets now, and why not more."""

    #: What to sign.
    offers: list[Offer] = field(default_factory=list)
    #: Where the browser keeps sets that nothing can renew now, and no scope takes away.
    left: list[CookiePlace] = field(default_factory=list)
    #: What these sets open, as far as a scope says it.
    unsigned: list[Offer] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def choose(request: HttpRequest, old: Marker | None, now: float) -> Choice:
    """Ask the scopes, and choose what this viewer gets of what they open.

    ``old`` is what the browser has; ``now`` are Unix seconds.
    """
    if session_key_of(request) is None:
        return Choice()
    answers = ask_scopes(request)
    viewer = viewer_of(request)  # After the scopes: only who reads a session knows that it ended.
    if not viewer:
        return Choice(problems=answers.problems)
    problems = list(answers.problems)
    outermost = _outermost([each for each in answers.offers if each.key_pair_id], problems)
    left: list[CookiePlace] = []
    ids: dict[str, str] = {}
    if old is not None and old.viewer == viewer:
        left = _left(answers, old, outermost, now)
        ids = dict(old.key_pair_ids) if left else {}

    chosen: list[Offer] = []
    rest: list[Offer] = []
    places = list(left)
    had = old.places if old else []
    for offer in sorted(outermost, key=lambda each: not any(map(each.place.overlaps, had))):
        if len(places) == MAX_SETS:
            rest.append(offer)
            continue
        try:
            ids_with_it = ids | {offer.scope.storage: str(offer.key_pair_id)}
            has_room = Marker.has_room(viewer, ids_with_it, [*places, offer.place])
        except Exception as error:  # An attribute of the scope that no cookie can hold.
            problems.append(Problem.of_folder(offer.name, offer.folder, error))
            continue
        if has_room:
            chosen.append(offer)
            places.append(offer.place)
            ids = ids_with_it
        else:
            problems.append(_no_room(offer))
    if rest:
        problems.append(_too_many(outermost, rest[0]))
    keys = {place.key for place in left}
    unsigned = [each for each in answers.offers if each.place.key in keys]
    return Choice(offers=chosen, left=left, unsigned=unsigned, problems=problems)


def _left(
    answers: ScopeAnswers, old: Marker, outermost: list[Offer], now: float
) -> list[CookiePlace]:
    """Return where the viewer has sets that stay as they are.

    That are those whose storage cannot sign now. If a scope did not answer, it
    may mean any of them: they stay until the first of them expires.
    """
    is_unknown = answers.is_incomplete and now < old.expires
    unsigned = {each.place.key for each in answers.offers if not each.key_pair_id}
    return [
        place
        for place in old.places
        if (is_unknown or place.key in unsigned)
        and not any(place.overlaps(each.place) for each in outermost)
    ]


def _outermost(offers: list[Offer], problems: list[Problem]) -> list[Offer]:
    """Return the offers that are not inside another one.

    Browsers would send both sets for a file in the inner folder, and CloudFront
    would read one of them. The outer one opens all files of the inner one, or
    there is a problem.
    """
    kept: defaultdict[str, list[Offer]] = defaultdict(list)
    for offer in sorted(offers, key=lambda each: len(each.place.path)):
        above = list(_and_above(offer.place.path))
        found = (each for path in above for each in kept[path])
        outer = next((each for each in found if each.place.overlaps(offer.place)), None)
        if outer is None:
            kept[above[-1]].append(offer)
        elif not offer.covered.startswith(outer.covered.removesuffix("*")):
            problems.append(_in_the_way(offer, outer))
    ids = {id(each) for each in chain.from_iterable(kept.values())}
    return [each for each in offers if id(each) in ids]


def _and_above(path: str) -> Iterator[str]:
    """Yield the folders above the Path of a cookie, from ``/`` on, and the Path as a folder."""
    path = f"{path.rstrip('/')}/"
    return (path[: end + 1] for end, letter in enumerate(path) if letter == "/")


def _too_many(offers: list[Offer], left_out: Offer) -> Problem:
    [(name, count)] = Counter(each.name for each in offers).most_common(1)
    common = posixpath.commonpath([each.folder for each in offers if each.name == name])
    such_as = f", such as {quoted(common)}," if common and count > 1 else ""
    return Problem(
        scope=name,
        cause="too many",
        text=f"A viewer has {len(offers)} folders, {count} of them from this scope, and gets "
        f"cookies for {MAX_SETS}: more would be longer than the headers that many servers accept. "
        f"No cookies are set for {quoted(left_out.folder)}. Let get_folders() return one folder "
        f"that contains them{such_as} and nothing that this viewer may not open.",
    )


def _no_room(offer: Offer) -> Problem:
    return Problem(
        scope=offer.name,
        cause="no room",
        text=f"No cookies are set for {quoted(offer.folder)}: the folders of this viewer have "
        "names that are too long for the cookie that remembers them for the log-out. Let "
        "get_folders() return shorter names, or one folder that contains them.",
    )


def _in_the_way(offer: Offer, outer: Offer) -> Problem:
    return Problem(
        scope=offer.name,
        cause="overlap",
        text=f"No cookies are set for {quoted(offer.folder)}: browsers would also send those of "
        f"{quoted(outer.folder)}, and CloudFront reads one set. Return one folder that contains "
        "both, or give each scope a separate Path or Domain.",
    )
