"""The pictures that the demo starts with: what each is called and how it is drawn."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from demo_project.pictures import evenings, landscapes, patterns, woods
from demo_project.pictures.canvas import OVERSAMPLING, Size, seeded

LANDSCAPE: Size = (1440, 960)
PORTRAIT: Size = (960, 1440)
SQUARE: Size = (1200, 1200)
WIDE: Size = (1600, 900)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """One picture of the collection; `size` is in pixels, `seed` makes it repeatable."""

    file_name: str
    title: str
    size: Size
    seed: int
    draw: Callable[[Size, random.Random], Image.Image]

    def jpeg(self) -> bytes:
        """Draw the picture and return it as a JPEG file."""
        width, height = self.size
        large = self.draw((width * OVERSAMPLING, height * OVERSAMPLING), seeded(self.seed))
        file = io.BytesIO()
        large.resize(self.size, Image.Resampling.LANCZOS).save(
            file, "JPEG", quality=86, progressive=True
        )
        return file.getvalue()


# Korean names and spaces are here on purpose: they must survive the way from the form to the
# key in S3, into the signature, and back into the name under which a browser saves.
COLLECTION = (
    Drawing(
        file_name="새벽 산등성이.jpg",
        title="Mountains at dawn",
        size=LANDSCAPE,
        seed=7,
        draw=landscapes.mountains_at_dawn,
    ),
    Drawing(file_name="rosette.jpg", title="Rosette", size=SQUARE, seed=1, draw=patterns.rosette),
    Drawing(
        file_name="lily pond.jpg",
        title="Lily pond",
        size=LANDSCAPE,
        seed=7,
        draw=evenings.lily_pond,
    ),
    Drawing(
        file_name="바다와 달.jpg",
        title="Moon over the sea",
        size=PORTRAIT,
        seed=7,
        draw=landscapes.moon_over_the_sea,
    ),
    Drawing(file_name="facets.jpg", title="Facets", size=LANDSCAPE, seed=7, draw=patterns.facets),
    Drawing(file_name="dunes.jpg", title="Dunes", size=WIDE, seed=7, draw=landscapes.dunes),
    Drawing(
        file_name="paper contours.jpg",
        title="Paper contours",
        size=LANDSCAPE,
        seed=7,
        draw=patterns.paper_contours,
    ),
    Drawing(
        file_name="stained glass.jpg",
        title="Stained glass",
        size=PORTRAIT,
        seed=7,
        draw=patterns.stained_glass,
    ),
    Drawing(
        file_name="northern lights.jpg",
        title="Northern lights",
        size=LANDSCAPE,
        seed=7,
        draw=landscapes.northern_lights,
    ),
    Drawing(
        file_name="tiles + dots.jpg",
        title="Quarter tiles",
        size=SQUARE,
        seed=7,
        draw=patterns.quarter_tiles,
    ),
    Drawing(file_name="바람.jpg", title="Wind", size=LANDSCAPE, seed=7, draw=evenings.wind),
    Drawing(
        file_name="city by the river.jpg",
        title="City by the river",
        size=WIDE,
        seed=7,
        draw=evenings.city_by_the_river,
    ),
    Drawing(
        file_name="rain on the window.jpg",
        title="Rain on the window",
        size=PORTRAIT,
        seed=7,
        draw=evenings.rain_on_the_window,
    ),
    Drawing(
        file_name="circle garden.jpg",
        title="Circle garden",
        size=SQUARE,
        seed=7,
        draw=patterns.circle_garden,
    ),
    Drawing(
        file_name="자작나무 숲.jpg",
        title="Birch wood",
        size=LANDSCAPE,
        seed=7,
        draw=woods.birch_wood,
    ),
)
