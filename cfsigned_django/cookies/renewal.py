"""Renew the signed cookies of a viewer: what the browser has, what it gets, and when.

The site never sees the cookies that it set for the domain or the path of the files. So the marker,
a cookie for the pages of the site, remembers who got which sets, which keys signed them, and when
to renew them. What a viewer gets is chosen once, for pages, refresh/ and playback(): whatever the
scopes answer, what is good. Of more than fit, the folders whose cookies the browser has come first,
so that a running video goes on. No set is chosen that the marker cannot remember: log-out could not
delete it.
"""

from __future__ import annotations

import hashlib
import posixpath
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from typing import Final, NamedTuple, TypeAlias

from django.core.signing import BadSignature, Signer
from django.http import HttpRequest, HttpResponseBase

from cfsigned_django.cookies.place import CookiePlace
from cfsigned_django.cookies.response import (
    HASH,
    KEY_PAIR_ID,
    NAMES,
    delete,
    make_private,
    put,
    refuse_overlap,
)
from cfsigned_django.cookies.scopes import (
    Offer,
    Problem,
    ScopeAnswers,
    ask_scopes,
    first_of_each_kind,
    log_problems,
    quoted,
    warn_of_size,
)
from cfsigned_django.core.conf import Site, whole_seconds
from cfsigned_django.signing.signer import MAX_COOKIE_LENGTH
from cfsigned_django.storage.site_storages import find_storage

#: The cookie that says until when the signed cookies of this browser need no renewal.
MARKER: Final = "cfsigned_cookies"
_SALT: Final = "cfsigned_django.cookies"


class Marker(NamedTuple):
    """What a browser was given, and until when that needs no renewal: a list in the cookie."""

    #: A digest of the session key, which a log-in and a log-out change, and of the scopes.
    viewer: str
    #: Alias of a storage -> ID of the key pair that signed for it.
    key_pair_ids: dict[str, str]
    #: When the first set expires, and from when all are renewed, in Unix seconds.
    expires: int
    renew_at: int
    #: The place of each set.
    places: list[CookiePlace]

    def dump(self) -> str:
        """Return the value of the cookie, signed with SECRET_KEY."""
        # Browsers send it with each request. Many folders shrink, in Korean to a fifth.
        value: str = Signer(salt=_SALT).sign_object(self, compress=True)
        return value

    @classmethod
    def has_room(cls, viewer: str, key_pair_ids: dict[str, str], places: list[CookiePlace]) -> bool:
        """Return whether browsers keep a marker of these places."""
        late = 10**10 - 1
        length = len(cls(viewer, key_pair_ids, late, late, places).dump())
        return length <= MAX_COOKIE_LENGTH - 100  # The name and the attributes count, too.

    @classmethod
    def load(cls, request: HttpRequest) -> Marker | None:
        """Return the marker of a request; None if it has none that this site signed."""
        text = request.COOKIES.get(MARKER)
        if not text:
            return None
        try:
            viewer, ids, expires, renew_at, places = Signer(salt=_SALT).unsign_object(text)
            return cls(viewer, ids, expires, renew_at, [CookiePlace(*each) for each in places])
        except (BadSignature, TypeError, ValueError):  # TypeError: of another release
            return None


def viewer_of(request: HttpRequest) -> str:
    """Return what the marker has for this viewer; empty without a session, which is not read."""
    key = getattr(getattr(request, "session", None), "session_key", None)
    if key is None:
        return ""
    text = "\n".join((key, *map(str, Site.COOKIE_SCOPES.read())))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


#: A response that sets eight has 7 KB of Set-Cookie, beside a marker of up to 4 KB, which fit into
#: the 16 KB that the docs give nginx. Eight are up to 32 cookies, and browsers need not keep more
#: than 50 for a domain (RFC 6265, 6.1). A request to CloudFront has one: each has its own Path.
MAX_SETS: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a viewer gets now, and why not more."""

    #: The viewer, as the marker has it; empty without a session.
    viewer: str = ""
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
    if not viewer_of(request):
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
    return Choice(viewer=viewer, offers=chosen, left=left, unsigned=unsigned, problems=problems)


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
        path = f"{offer.place.path.rstrip('/')}/"
        above = [path[: end + 1] for end, letter in enumerate(path) if letter == "/"]
        found = (each for path in above for each in kept[path])
        outer = next((each for each in found if each.place.overlaps(offer.place)), None)
        if outer is None:
            kept[above[-1]].append(offer)
        elif not offer.covered.startswith(outer.covered.removesuffix("*")):
            problems.append(_in_the_way(offer, outer))
    ids = {id(each) for each in chain.from_iterable(kept.values())}
    return [each for each in offers if id(each) in ids]


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


#: Cookies are renewed when a quarter of their life is left, and at most this many seconds.
LONGEST_RENEWAL: Final = 300
_RENEWED: Final = "_cfsigned_cookies_renewed"


def are_cookies_due(request: HttpRequest) -> bool:
    """Return whether the signed cookies of this browser must be set, renewed or deleted.

    No session is read, and nothing is signed. Without a session and without a
    marker, nothing is due, so that caches may keep pages of the public. Nor is it
    once :func:`renew_cookies` has run for this request.
    """
    if _RENEWED in vars(request):
        return False
    if MARKER not in request.COOKIES:
        return bool(viewer_of(request) and Site.COOKIE_SCOPES.read())
    marker = Marker.load(request)
    if marker is None or marker.viewer != viewer_of(request):
        return True
    if time.time() >= marker.renew_at:
        return True
    for alias, key_pair_id in marker.key_pair_ids.items():
        # If nothing can sign now, such as when the database is down, the cookies are still good:
        # their renewal logs it, if it lasts so long.
        with suppress(Exception):
            if find_storage(alias).cfsigned.lease().signer.key_pair_id != key_pair_id:
                return True
    return False


#: An offer, the cookies that open it, and when they expire.
SignedSet: TypeAlias = tuple[Offer, dict[str, str], int]


def renew_cookies(
    request: HttpRequest, response: HttpResponseBase
) -> tuple[int | None, list[Problem]]:
    """Ask the scopes which folders this viewer may open, and set and delete cookies accordingly.

    Return when the first set of cookies expires, in Unix seconds, or None if the
    viewer has none; and why the viewer has not all that the scopes open, one
    problem of each kind. Raise nothing, whatever the scopes answer, and whether or not a key can
    sign: the response is that of a view, which has done its work. Log why a
    folder gets no cookies.
    """
    vars(request)[_RENEWED] = True
    now, old = int(time.time()), Marker.load(request)
    choice = choose(request, old, now)
    problems = list(choice.problems)
    sets = list(_sign(choice.offers, response, problems))
    problems = first_of_each_kind(problems)
    marker = _next_marker(old, choice, sets, now, is_whole=not problems)

    new = {offer.place.key for offer, _, _ in sets}
    stay = {place.key for place in marker.places} - new
    for place in old.places if old else ():
        if place.key not in stay:
            # A key that signs with SHA1 has one cookie less: the old one would refuse the new ones.
            delete(response, place, [HASH] if place.key in new else NAMES)
    for offer, values, _ in sets:
        put(response, values, offer.place)
    if marker.viewer:
        response.set_cookie(
            MARKER, marker.dump(), secure=request.is_secure(), httponly=True, samesite="Lax"
        )
        make_private(response)
    elif MARKER in request.COOKIES:
        response.delete_cookie(MARKER)
    warn_of_size(response)
    log_problems(problems)
    has_any = bool(marker.places) and now < marker.expires
    return marker.expires if has_any else None, problems


def _next_marker(
    old: Marker | None, choice: Choice, sets: list[SignedSet], now: int, *, is_whole: bool
) -> Marker:
    """Return what the browser remembers: the new sets, and those that stay as they are.

    ``is_whole``: the viewer gets all that the scopes open. If not, the next
    attempt is soon.
    """
    left, ids = list(choice.left), {}
    if old is not None and old.viewer == choice.viewer:
        signed = {offer.place.key for offer, _, _ in sets}
        failed = {offer.place.key for offer in choice.offers} - signed
        left += [place for place in old.places if place.key in failed]
        ids = old.key_pair_ids if left else {}
    ids = ids | {offer.scope.storage: values[KEY_PAIR_ID] for offer, values, _ in sets}
    ends = [expires for _, _, expires in sets]
    end = min(ends, default=now + LONGEST_RENEWAL)
    renew_at = end - min(LONGEST_RENEWAL, (end - now) // 4)
    if not is_whole:
        renew_at = min(renew_at if sets else end, now + LONGEST_RENEWAL)
    if old is not None and left:
        end = min([*ends, old.expires])
    places = [*left, *(offer.place for offer, _, _ in sets)]
    return Marker(choice.viewer, ids, end, renew_at, places)


def _sign(
    offers: list[Offer], response: HttpResponseBase, problems: list[Problem]
) -> Iterator[SignedSet]:
    """Yield a set for each offer that can be signed, and that the cookies of the view allow."""
    for offer in offers:
        try:
            refuse_overlap(response, offer.place, offer.covered)
            policy, values = find_storage(offer.scope.storage).sign_cookies(
                folder=offer.folder, expire=offer.scope.lifetime
            )
        except Exception as error:
            problems.append(Problem.of_folder(offer.name, offer.folder, error))
        else:
            yield offer, values, policy.date_less_than


def find_opened(request: HttpRequest) -> dict[str, int]:
    """Return what this viewer's cookies open: how each URL begins, and when they expire.

    They are the cookies that the browser has, or that the middleware sets in
    the response to this request. The scopes are asked, and nothing is signed.
    Times are Unix seconds.
    """
    now, old = int(time.time()), Marker.load(request)
    choice, is_due = choose(request, old, now), are_cookies_due(request)
    given = {place.key for place in old.places} if old else set()
    opened: dict[str, int] = {}
    for offer in choice.offers:
        if is_due:
            lifetime = offer.scope.lifetime or find_storage(offer.scope.storage).querystring_expire
            opened[_start_of(offer)] = now + (whole_seconds(lifetime) or 0)
        elif old is not None and offer.place.key in given:
            opened[_start_of(offer)] = old.expires
    if old is not None and now < old.expires:
        opened |= {_start_of(offer): old.expires for offer in choice.unsigned}
    return opened


def _start_of(offer: Offer) -> str:
    """Return how the URLs of all files in the folder begin."""
    return offer.covered.removesuffix("*")
