"""Sign the URIs in HLS playlists, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import product
from unittest import mock
from urllib.parse import urljoin

import pytest

from cfsigned_django.signing import (
    InvalidPlaylist,
    Policy,
    Signer,
    SigningError,
    sign_playlist,
)
from tests.golden import assert_golden
from tests.signing.cases import EXPIRES, ORIGIN

FOLDER = f"{ORIGIN}/videos/42"
BASE = f"{FOLDER}/hls/master.m3u8"

#: Playlists as packagers write them. What is to be signed stands between « and ».
PLAYLISTS = {
    "multivariant": """#EXTM3U
#EXT-X-VERSION:7
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-CONTENT-STEERING:SERVER-URI="«/videos/42/steering.json»",PATHWAY-ID="CDN-A"
#EXT-X-SESSION-DATA:DATA-ID="com.example.title",VALUE="URI=not-this.json",LANGUAGE="en"
#EXT-X-SESSION-DATA:DATA-ID="com.example.cast",URI="«meta/cast.json»"
#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI="skd://key-42",KEYFORMAT="com.apple.streamingkeydelivery"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="aac",NAME="한국어, 5.1",DEFAULT=YES,URI="«audio/ko.m3u8»"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="aac",NAME="URI=",LANGUAGE="en",URI="«audio/en.m3u8»",CHANNELS="2"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subs",NAME="English",URI="«../subs/en.m3u8»"
#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="cc",NAME="English",INSTREAM-ID="CC1"

#EXT-X-STREAM-INF:BANDWIDTH=2177116,CODECS="avc1.640020,mp4a.40.2",RESOLUTION=960x540,AUDIO="aac"
«540p/index.m3u8»
#EXT-X-STREAM-INF:BANDWIDTH=5000000,RESOLUTION=1920x1080,AUDIO="aac"
«https://D111111ABCDEF8.cloudfront.net/videos/42/hls/1080p/index.m3u8?v=2»
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=187492,RESOLUTION=960x540,URI="«540p/iframes.m3u8»"
""",
    "segments": """#EXTM3U
#EXT-X-TARGETDURATION:7
# made by a packager: https://d111111abcdef8.cloudfront.net/not/this
  # indented: not/this
#EXT-X-KEY:METHOD=AES-128,URI="«keys/1.key»",IV=0x9c7db8778570d05c3177c349fd9236aa
#EXTINF:6.006, a title, with commas
«seg 1.ts»
#EXTINF:6.006,
#EXT-X-DISCONTINUITY
«한글+2.ts?part=1&size=large»
#EXT-X-KEY:METHOD=NONE
#EXTINF:6.006,
«./seg3.ts»
#EXTINF:6.006,
«../common/seg4.ts»
#EXTINF:6.006,
«//d111111abcdef8.cloudfront.net/videos/42/seg5.ts»
#EXTINF:6.006,
https://ads.example.net/bumper.ts
#EXTINF:6.006,
//ads.example.net/bumper.ts
#EXTINF:6.006,
http://d111111abcdef8.cloudfront.net/videos/42/plain.ts
#EXT-X-DATERANGE:ID="ad",CLASS="com.apple.hls.interstitial",X-ASSET-URI="https://a.example/ad.m3u8"
#EXT-X-MADE-UP:URI="stays.ts"
#EXTINF:6.006,
data:video/mp2t;base64,AAAA
#EXTINF:6.006,
«?number=6»
#EXT-X-ENDLIST
""",
    "byte ranges": """#EXTM3U x-made-by="a packager"
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-MAP:URI="«main.mp4»",BYTERANGE="1118@0"
#EXTINF:6,
#EXT-X-BYTERANGE:1473572@1118
«main.mp4»
#EXTINF:6,
#EXT-X-BYTERANGE:1471356
«main.mp4»
#EXT-X-ENDLIST
""",
    "low latency": """#EXTM3U
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.0
#EXT-X-PART-INF:PART-TARGET=0.33334
#EXT-X-SKIP:SKIPPED-SEGMENTS=3
#EXTINF:4.00008,
«fileSequence271.mp4»
#EXT-X-PART:DURATION=0.33334,URI="«filePart272.a.mp4»",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.33334,URI="«filePart272.b.mp4»",BYTERANGE="20000@0"
#EXT-X-PRELOAD-HINT:TYPE=PART, URI="«filePart272.c.mp4»"
#EXT-X-RENDITION-REPORT:URI="«../1M/waitForMSN.m3u8»",LAST-MSN=273,LAST-PART=1
""",
}


def marked(text: str, replace: Callable[[str], str]) -> str:
    """Return a playlist in which each marked URI is replaced."""
    return re.sub("«(.*?)»", lambda found: replace(found[1]), text)


@pytest.mark.parametrize("name", PLAYLISTS)
def test_what_is_signed(name: str) -> None:
    """Resolve and replace each URI of this distribution, and leave all other bytes alone."""
    # A URI at the same host in capitals is resolved to lowercase, as a policy has it.
    made = marked(PLAYLISTS[name], lambda uri: f"<{urljoin(BASE, uri)}>".replace("D1111", "d1111"))
    for mark, end in product(("", "\ufeff"), ("\n", "\r\n", "\r", " \r\n")):
        expected = mark + made.replace("ABCDEF", "abcdef").replace("\n", end)
        given_text = mark + marked(PLAYLISTS[name], str).replace("\n", end)
        assert sign_playlist(given_text, BASE, lambda url: f"<{url}>") == expected


@pytest.mark.parametrize(
    ("base", "uri", "expected"),
    [
        (f"{ORIGIN}/a//b/c.m3u8?x=/y/z", "d.ts", f"{ORIGIN}/a//b/d.ts"),
        (f"{ORIGIN}/a/b.m3u8", "/c/./d/../e.ts?f=/../g", f"{ORIGIN}/c/e.ts?f=/../g"),
        (f"{ORIGIN}/a/b.m3u8", "../../../c.ts", f"{ORIGIN}/c.ts"),
        (f"{ORIGIN}/a/b.m3u8", "...ts", f"{ORIGIN}/a/...ts"),
        (f"{ORIGIN}/a/b.m3u8", "c/d:e.ts", f"{ORIGIN}/a/c/d:e.ts"),
        (ORIGIN, "a.ts", f"{ORIGIN}/a.ts"),
        ("http://127.0.0.1:8001/a/b.m3u8", "//127.0.0.1:8001/c.ts", "http://127.0.0.1:8001/c.ts"),
    ],
)
def test_resolution(base: str, uri: str, expected: str) -> None:
    """Resolve a URI as players do, and keep what S3 tells apart."""
    assert sign_playlist(f"#EXTM3U\n{uri}", base, str) == f"#EXTM3U\n{expected}"


@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n" + "a\n" * 5,
        "#EXTM3U\n#EXT-X-MAP:" + 'URI="a",' * 5,
        '#EXTM3U\n#EXT-X-MAP:URI="a"\nb\nc\nd\ne',
    ],
    ids=["lines", "attributes", "both"],
)
def test_many_uris(text: str) -> None:
    """Sign no more URIs than the caller allows, however they are written, and stop at once."""
    sign = mock.Mock(side_effect=str)
    sign_playlist(text, BASE, sign, max_uris=5)
    assert sign.call_count == 5
    sign.reset_mock()
    with pytest.raises(InvalidPlaylist, match="4"):
        sign_playlist(text, BASE, sign, max_uris=4)
    assert sign.call_count == 4


def test_what_is_not_counted() -> None:
    """Count what is signed: neither comments nor URIs elsewhere."""
    text = "#EXTM3U\n" + "#\n\n#EXTINF:6,\nhttps://ads.example.net/a.ts\n" * 5
    assert sign_playlist(text, BASE, str, max_uris=0) == text


BAD = [
    ("", BASE),
    ('<?xml version="1.0"?><MPD/>', BASE),
    ("#EXTM3U8\na.ts", BASE),
    ("\n#EXTM3U\na.ts", BASE),
    ('#EXTM3U\n#EXT-X-DEFINE:NAME="p",VALUE="v"\n{$p}/a.ts', BASE),
    ('#EXTM3U\n#EXT-X-MAP:URI="{$p}/a.ts"', BASE),
    ("#EXTM3U\na.ts", "videos/42/master.m3u8"),
    ("#EXTM3U\na.ts", "ftp://h/master.m3u8"),
    ("#EXTM3U\n../43/a.ts", f"{FOLDER}/a.m3u8"),
    ("#EXTM3U\n%2e%2e/43/a.ts", f"{FOLDER}/a.m3u8"),
    ("#EXTM3U\na#1.ts", BASE),
    ("#EXTM3U\na.ts?Policy=1", BASE),
]


def test_bad_input(ec_signer: Signer) -> None:
    """Refuse what is not HLS, what cannot be signed or leads out of the folder, and say why."""
    policy = Policy(resource=f"{FOLDER}/*", date_less_than=EXPIRES)
    lines = []
    for text, base in BAD:
        with pytest.raises(SigningError) as caught:
            sign_playlist(text, base, ec_signer.sign_policy(policy).url)
        lines.append(f"{text!r} at {base}\n    {type(caught.value).__name__}: {caught.value}")
    assert_golden("signing-playlists", "\n".join(lines))
