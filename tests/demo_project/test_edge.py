"""The edge of a distribution of the emulator: which headers it adds, and when it cannot start.

test_running.py and the tutorial start it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from cfsigned_django.signing import PrivateKey, Signer
from cfsigned_django.tools.edge import Behavior
from cfsigned_django.tools.edge.client import EdgeClient
from demo_project.edge import distribution, main
from demo_project.rules import Rules
from demo_project.state import FOLDER_VARIABLE
from tests.signing.cases import EXPIRES, IMAGE, NOW
from tests.tools.edge.conftest import HOST


def test_headers_of_the_distribution(ec_key: PrivateKey) -> None:
    """Put the headers of the distribution in the place of S3's; a refusal has none of them."""
    rules = Rules(
        behaviors=(Behavior(trusted_key_groups=("g1",)),),
        key_groups={"g1": {"K1": ec_key.public_key}},
        headers_policies=(
            {
                "SecurityHeadersConfig": {"ContentTypeOptions": {}},
                "CorsConfig": {
                    "AccessControlAllowOrigins": {"Items": ["https://a.b"]},
                    "AccessControlAllowCredentials": True,
                },
            },
        ),
    )

    def origin(environ: WSGIEnvironment, respond: StartResponse) -> Iterable[bytes]:
        respond("200 OK", [("access-control-allow-origin", "*"), ("ETag", "x")])
        return [b""]

    url = Signer(key_pair_id="K1", private_key=ec_key).sign_url(IMAGE, date_less_than=EXPIRES)
    edge = EdgeClient(distribution(rules, [HOST], origin))
    served, refused = (
        edge.get(each, now=NOW, headers={"Origin": "https://a.b"}) for each in (url, IMAGE)
    )

    assert (served.status, refused.status) == (200, 403)
    assert [value for name, value in served.headers.items() if name.lower() == "etag"] == ["x"]
    assert served.headers["X-Content-Type-Options"] == "nosniff"
    assert served.headers["Access-Control-Allow-Origin"] == "https://a.b"
    assert len(served.headers.get_all("Access-Control-Allow-Origin")) == 1
    assert "X-Content-Type-Options" not in refused.headers


def test_no_demo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Name the folder and the next step if no demo was started there."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))

    assert main(["E1A2B3C4D5E6F7"]) == 1

    said = capsys.readouterr().err
    assert str(tmp_path) in said
    assert "make demo" in said
