"""Find the behavior that serves a path, and compare path patterns."""

from __future__ import annotations

from itertools import product

from hypothesis import example, given, strategies as st

from cfsigned_django.tools.model.behaviors import find_path, matches
from tests.tools.model import reference_match

patterns = st.text("ab/*?", min_size=1, max_size=6)
#: Every short path of two letters, of a third that stands for others, and of slashes.
PATHS = ["/" + "".join(each) for size in range(6) for each in product("abx/", repeat=size)]


@given(
    pattern=st.text(alphabet="ab/.*?", min_size=1, max_size=12),
    path=st.text(alphabet="ab/.", max_size=12).map("/{}".format),
)
def test_pattern_agrees_with_reference(pattern: str, path: str) -> None:
    """Match whatever the set of reachable positions says, for any pattern and path."""
    assert matches(pattern, path) is reference_match(pattern, path)


@example(inside=["*"], outside=["/?*", "/"])
@example(inside=["a*b"], outside=["*b"])
@given(
    inside=st.lists(patterns, min_size=1, max_size=2),
    outside=st.lists(patterns, max_size=3),
)
def test_find_path(inside: list[str], outside: list[str]) -> None:
    """Find a path that all patterns inside match and none outside, if there is one."""

    def is_found(path: str) -> bool:
        return all(reference_match(each, path) for each in inside) and not any(
            reference_match(each, path) for each in outside
        )

    path = find_path(inside, outside)

    assert path is None or is_found(path)
    assert path is not None or not any(map(is_found, PATHS))


def test_find_path_with_many_wildcards() -> None:
    """Find a path of long names, such as a UUID, without following each place where it may begin.

    That would be 2 to the 36th states.
    """
    name = "????????-????-????-????-????????????"

    path = find_path([f"*/{name}/*", "/media/*"], [f"/media/{name}/*", "*.jpg"])

    assert path is not None
    assert matches(f"*/{name}/*", path)
    assert find_path([f"*/{name}/*.pdf", "/media/*"], [f"*/{name}/*"]) is None
