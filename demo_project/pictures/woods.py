"""A picture of a wood in autumn."""

from __future__ import annotations

import random

from PIL import Image, ImageDraw

from demo_project.pictures.canvas import RGB, Size, fade, glow, mix, palette, rgb, vertical


def birch_wood(size: Size, chance: random.Random) -> Image.Image:
    """Draw birches that fade into an autumn mist, the nearest last."""
    width, height = size
    picture = vertical(size, palette("#f3d9a0 #efc277 #dd9a4e #b4662f #6c3b1f"))
    picture.paste(rgb("#fff3d2"), mask=glow(size, (width * 0.42, height * 0.38), height * 0.9))
    for layer in range(5):
        depth = layer / 4
        haze = mix(rgb("#f2cf95"), rgb("#f7efe2"), depth)
        for _ in range(round(26 - 16 * depth)):
            x, half = chance.uniform(-0.02, 1.02) * width, width * (0.0022 + 0.0105 * depth**1.5)
            _birch(
                picture,
                chance,
                x=x,
                half=half,
                bark=haze,
                marks=mix(haze, rgb("#2d2320"), 0.2 + 0.7 * depth),
            )
        veil = fade(size, round(20 * (1 - depth)), round(80 * (1 - depth)))
        picture.paste(rgb("#eeb873"), mask=veil)
        _leaves(picture, chance, depth)
    return picture


def _birch(
    picture: Image.Image,
    chance: random.Random,
    *,
    x: float,
    half: float,
    bark: RGB,
    marks: RGB,
) -> None:
    height = picture.height
    pen = ImageDraw.Draw(picture)
    lean = chance.uniform(-1.2, 1.2) * half
    pen.polygon(
        [
            (x - half + lean, 0),
            (x + half + lean, 0),
            (x + half * 1.3, height),
            (x - half * 1.3, height),
        ],
        fill=bark,
    )
    pen.polygon(
        [
            (x + half * 0.45 + lean, 0),
            (x + half + lean, 0),
            (x + half * 1.3, height),
            (x + half * 0.6, height),
        ],
        fill=mix(bark, marks, 0.28),
    )
    y = chance.uniform(0, half * 6)
    while y < height:
        reach = half * chance.uniform(0.4, 1.7)
        left = x - half + lean * (1 - y / height)
        thick = half * chance.uniform(0.1, 0.42)
        pen.polygon([(left, y), (left + reach, y + thick * 0.4), (left, y + thick)], fill=marks)
        y += half * chance.uniform(1.6, 8)


def _leaves(picture: Image.Image, chance: random.Random, depth: float) -> None:
    width, height = picture.size
    pen = ImageDraw.Draw(picture)
    colours = palette("#f6c453 #e8912d #c8551b #f2a65a #a63c12")
    for _ in range(round(90 + 160 * depth)):
        x, y = chance.uniform(0, width), height * abs(chance.gauss(0, 0.16))
        size = width * (0.002 + 0.0042 * depth) * chance.uniform(0.6, 1.5)
        pen.ellipse(
            (x - size, y - size * 0.6, x + size, y + size * 0.6),
            fill=mix(chance.choice(colours), rgb("#f2cf95"), 0.6 * (1 - depth)),
        )
