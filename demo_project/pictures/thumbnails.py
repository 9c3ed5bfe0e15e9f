"""One day in a thousand small pictures: the same hills, each a minute and a half later."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

from PIL import Image, ImageDraw

from demo_project.pictures.canvas import RGB, mix, palette, ramp, seeded

COUNT = 1000
FOLDER = "thumbs"
# The first shows this part of the day, shortly before dawn: a page begins with it.
_FIRST = 0.19
# In pixels; drawn at twice that.
SIDE = 72

# From midnight to midnight: the top of the sky, and the sky above the hills.
_ZENITH = palette(
    "#070b1f #0a1230 #16275c #3d6fa8 #4c9bd6 #55a9e2 "
    "#4c9bd6 #3f74b4 #3a3f86 #1c1d4d #0b1030 #070b1f"
)
_HORIZON = palette(
    "#141d3d #1d2a55 #f0906a #ffd9a0 #cfe9f5 #dff2f8 "
    "#d6ecf2 #ffd28a #f4704f #6b3a6e #1d2347 #141d3d"
)
_SUN, _MOON, _GROUND = palette("#fff3c4 #e8edf7 #0c1a1f")
_GREEN = palette("#0d1a20 #12242b #274a42 #3f7f55 #4c9a5a #4fa05c #4a9558 #3f7a4c #2a4a45 #0d1a20")


@dataclass(frozen=True, slots=True, kw_only=True)
class Thumbnail:
    """The picture of one moment of the day."""

    number: int

    @property
    def share(self) -> float:
        """The part of the day that has passed, from 0 to 1."""
        return (_FIRST + (self.number - 1) / COUNT) % 1

    @property
    def name(self) -> str:
        """The name in the bucket."""
        return f"{FOLDER}/{self.number:04}.jpg"

    @property
    def title(self) -> str:
        """The time of day."""
        minutes = int(self.share * 24 * 60)
        return f"{minutes // 60:02}:{minutes % 60:02}"

    def jpeg(self) -> bytes:
        """Draw the picture and return it as a JPEG file of one to two kilobytes."""
        side = SIDE * 2
        zenith, horizon = ramp(_ZENITH, self.share), ramp(_HORIZON, self.share)
        column = Image.new("RGB", (1, 3))
        column.putdata([zenith, mix(zenith, horizon, 0.45), horizon])
        picture = column.resize((side, side), Image.Resampling.BILINEAR)
        pen = ImageDraw.Draw(picture)
        self._draw_light(pen, side, horizon)
        self._draw_hills(pen, side, horizon)
        file = io.BytesIO()
        picture.resize((SIDE, SIDE), Image.Resampling.BOX).save(file, "JPEG", quality=82)
        return file.getvalue()

    def _draw_light(self, pen: ImageDraw.ImageDraw, side: int, horizon: RGB) -> None:
        """Let the sun cross the sky from six to six, and the moon in the other half."""
        is_day = 0.25 <= self.share < 0.75
        way = ((self.share - 0.25) if is_day else (self.share - 0.75) % 1) / 0.5
        x = side * (0.08 + 0.84 * way)
        y = side * (0.74 - 0.54 * math.sin(math.pi * way))
        if not is_day:
            chance = seeded(5)
            for _ in range(14):
                star = chance.uniform(0, side), chance.uniform(0, side * 0.55)
                bright = mix(horizon, _MOON, math.sin(math.pi * way) * chance.uniform(0.4, 1))
                pen.ellipse((*star, star[0] + 2, star[1] + 2), fill=bright)
        radius = side * (0.105 if is_day else 0.075)
        colour = _SUN if is_day else _MOON
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)

    def _draw_hills(self, pen: ImageDraw.ImageDraw, side: int, horizon: RGB) -> None:
        """Draw three lines of hills, which walk slowly by as the day does."""
        green = ramp(_GREEN, self.share)
        for depth in range(3):
            walk = self.share * math.tau * (depth + 1)
            outline = [
                (
                    float(x),
                    side
                    * (
                        0.66
                        + 0.11 * depth
                        + 0.05 * math.sin(x / side * (3.1 + depth) + walk + depth * 2.2)
                        + 0.025 * math.sin(x / side * 8.3 - walk + depth)
                    ),
                )
                for x in range(0, side + 8, 8)
            ]
            colour = mix(mix(horizon, green, 0.5 + 0.22 * depth), _GROUND, 0.1 * depth)
            pen.polygon([(0.0, float(side)), *outline, (float(side), float(side))], fill=colour)


THUMBNAILS = tuple(Thumbnail(number=number) for number in range(1, COUNT + 1))
