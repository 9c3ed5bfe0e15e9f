"""Read policies of any text: what is accepted says one thing, and is written as it was read."""

from __future__ import annotations

from cfsigned_django.signing.exceptions import InvalidPolicy
from cfsigned_django.signing.policy import Policy
from fuzz.dice import spell
from fuzz.verifier import read

URL = "https://d1.example/"
TOKENS = [
    '{"Statement":[',
    '{"Resource":"',
    '"Condition":{',
    '"DateLessThan":{',
    '"AWS:EpochTime":',
]
TOKENS += ['"DateGreaterThan":{', '"IpAddress":{', '"AWS:SourceIp":"', "10.0.0.0/8", "1767290400"]
TOKENS += ["}", "},", "}}]}", "]", '"', '",', ",", ":", "{", "["]
TOKENS += [URL, "*", "?", "\\?", "\\\\?", "é"]
TOKENS += [
    f'{{"Statement":[{{"Resource":"{URL}*","Condition":{{"DateLessThan":{{"AWS:EpochTime":1}}'
]


def check(data: bytes) -> None:
    """Fail if a policy is not read as JSON reads it, or is another one when it is written."""
    text = spell(data, TOKENS)
    try:
        policy = Policy.from_json(text)
    except InvalidPolicy as error:
        assert str(error)
        return
    said = read(text)
    assert said is not None, text
    assert policy.date_less_than == said["until"]
    assert (policy.date_greater_than or -1) == said["since"]
    assert policy.ip_address in (said["address"], f"{said['address']}/32")
    assert policy.resource.lower() == said["resource"].lower() or not said["resource"].strip("*")
    assert Policy.from_json(policy.to_json()) == policy
    path = policy.resource.replace("*", "")
    assert "*" not in policy.resource or policy.matches(path) in (True, False)
