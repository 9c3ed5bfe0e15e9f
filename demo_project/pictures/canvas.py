"""What every picture is drawn with: seeded chance, colours, gradients and smooth noise."""

from __future__ import annotations

import itertools
import math
import random
from array import array
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFilter, ImageMath

RGB = tuple[int, int, int]
Size = tuple[int, int]
Point = tuple[float, float]

# Pictures are drawn at twice their size and scaled down, which smooths every edge.
OVERSAMPLING = 2


def seeded(seed: int) -> random.Random:
    """Return a source of chance that repeats itself on every machine."""
    return random.Random(seed)  # noqa: S311 - a picture, not a secret


def rgb(code: str) -> RGB:
    """Return the colour of a code such as `"#1b1d22"`."""
    value = code.lstrip("#")
    return int(value[0:2], 16), int(value[2:4], 16), int(value[4:6], 16)


def palette(codes: str) -> list[RGB]:
    """Return the colours of codes that are separated by spaces."""
    return [rgb(code) for code in codes.split()]


def mix(first: RGB, second: RGB, share: float) -> RGB:
    """Return the colour that lies `share` (0 to 1) of the way from the first to the second."""
    share = min(1.0, max(0.0, share))
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def ramp(colours: Sequence[RGB], share: float) -> RGB:
    """Return the colour at `share` (0 to 1) along a row of evenly spaced colours."""
    position = min(1.0, max(0.0, share)) * (len(colours) - 1)
    index = min(int(position), len(colours) - 2)
    return mix(colours[index], colours[index + 1], position - index)


def vertical(size: Size, colours: Sequence[RGB]) -> Image.Image:
    """Return a picture that runs through the colours from top to bottom."""
    column = Image.new("RGB", (1, 256))
    column.putdata([ramp(colours, row / 255) for row in range(256)])
    return column.resize(size, Image.Resampling.BICUBIC)


def fade(size: Size, top: int, bottom: int) -> Image.Image:
    """Return a mask whose opacity runs from `top` to `bottom` (0 to 255)."""
    column = Image.new("L", (1, 256))
    column.putdata([round(top + (bottom - top) * row / 255) for row in range(256)])
    return column.resize(size, Image.Resampling.BICUBIC)


def glow(size: Size, centre: Point, radius: float) -> Image.Image:
    """Return a mask that is brightest at the centre and gone at the radius (in pixels)."""
    mask = Image.new("L", size, 0)
    diameter = round(radius * 2)
    # Pillow's gradient reaches 181 in the middle of each side, and 255 only in the corners.
    disc = Image.radial_gradient("L").point(lambda value: round(255 * max(0, 1 - value / 181) ** 2))
    disc = disc.resize((diameter, diameter), Image.Resampling.BICUBIC)
    mask.paste(disc, (round(centre[0] - radius), round(centre[1] - radius)))
    return mask


def noise(size: Size, chance: random.Random, *, cells: int, octaves: int = 3) -> Image.Image:
    """Return smooth noise as floats of about 0 to 1; `cells` counts the hills across."""
    width, height = size
    total = Image.new("F", size, 0.0)
    weights = sum(0.5**octave for octave in range(octaves))
    for octave in range(octaves):
        columns = cells * 2**octave
        rows = max(2, round(columns * height / width))
        layer = Image.new("F", (columns, rows))
        share = 0.5**octave / weights
        layer.putdata([chance.random() * share for _ in range(columns * rows)])
        smooth = layer.resize(size, Image.Resampling.BICUBIC)
        total = ImageMath.lambda_eval(lambda bands: bands["a"] + bands["b"], a=total, b=smooth)
    return total


def values(field: Image.Image) -> array[float]:
    """Return the floats of a noise field, row by row."""
    return array("f", field.tobytes())


def blurred(picture: Image.Image, radius: float) -> Image.Image:
    """Return a soft copy, blurred at a quarter of its size, which is much faster."""
    small = picture.reduce(4).filter(ImageFilter.GaussianBlur(radius / 4))
    return small.resize(picture.size, Image.Resampling.BICUBIC)


def below(size: Size, points: Sequence[Point]) -> Image.Image:
    """Return the mask of everything below a line of points that crosses the picture."""
    mask = Image.new("L", size, 0)
    width, height = size
    outline = [(0.0, float(height)), *points, (float(width), float(height))]
    ImageDraw.Draw(mask).polygon(outline, fill=255)
    return mask


def ridge(
    width: int, chance: random.Random, *, height: float, roughness: float = 0.5, steps: int = 8
) -> list[Point]:
    """Return a mountain line by midpoint displacement: `2**steps + 1` points around y = 0."""
    heights = [chance.uniform(-height, height), chance.uniform(-height, height)]
    spread = height
    for _ in range(steps):
        refined = [heights[0]]
        for left, right in itertools.pairwise(heights):
            refined += [(left + right) / 2 + chance.uniform(-spread, spread), right]
        heights = refined
        spread *= roughness
    gap = width / (len(heights) - 1)
    return [(index * gap, value) for index, value in enumerate(heights)]


def wave(width: int, chance: random.Random, *, height: float, waves: float) -> list[Point]:
    """Return a smooth line of three added sine waves around y = 0."""
    parts = [
        (chance.uniform(0.7, 1.3) * waves * factor, chance.uniform(0, math.tau), height / factor)
        for factor in (1, 1.9, 3.3)
    ]
    return [
        (
            x,
            sum(
                math.sin(x / width * math.tau * rate + phase) * size for rate, phase, size in parts
            ),
        )
        for x in range(0, width + 8, 8)
    ]


def shifted(points: Sequence[Point], down: float) -> list[Point]:
    """Return the line moved down by so many pixels."""
    return [(x, y + down) for x, y in points]
