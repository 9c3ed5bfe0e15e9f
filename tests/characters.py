"""Draw text with hypothesis: any characters that UTF-8 can encode.

``st.text()`` by itself asks the codec for each of a million: in a fresh clone, that takes each
process two seconds.
"""

from __future__ import annotations

from hypothesis import strategies as st

#: All but the halves of surrogate pairs.
CHARACTERS = st.characters(exclude_categories=["Cs"])
TEXT = st.text(CHARACTERS)
