"""Pictures of places: mountains, sea, sand and the sky above them."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from demo_project.pictures.canvas import (
    RGB,
    Point,
    Size,
    below,
    blurred,
    glow,
    mix,
    noise,
    palette,
    ramp,
    rgb,
    ridge,
    shifted,
    values,
    vertical,
    wave,
)


def mountains_at_dawn(size: Size, chance: random.Random) -> Image.Image:
    """Draw seven ridges that sink into the morning mist under a low sun."""
    width, height = size
    picture = vertical(size, palette("#28406b #6f7fa8 #e9a98a #fbd9a6 #fdeccb"))
    centre = (width * 0.64, height * 0.47)
    picture.paste(rgb("#fff1cf"), mask=glow(size, centre, height * 0.8))
    radius = height * 0.052
    box = (centre[0] - radius, centre[1] - radius, centre[0] + radius, centre[1] + radius)
    ImageDraw.Draw(picture).ellipse(box, fill=rgb("#fffaf0"))
    for index in range(7):
        depth = index / 6
        line = ridge(width, chance, height=height * (0.085 + 0.055 * depth), roughness=0.53)
        mask = below(size, shifted(line, height * (0.47 + 0.42 * depth)))
        colour = ramp(palette("#d9a795 #a97f8d #6f638a #3f4a76 #1d2a4d #0d1630"), depth)
        mist = mix(colour, rgb("#fbe3c4"), 0.55 - 0.4 * depth)
        picture.paste(vertical(size, [colour, colour, mist]), mask=mask)
    return picture


def northern_lights(size: Size, chance: random.Random) -> Image.Image:
    """Draw curtains of green and violet light above a line of firs."""
    width, height = size
    picture = vertical(size, palette("#050a1c #0a1a33 #0f2f44 #124047"))
    pen = ImageDraw.Draw(picture)
    for _ in range(420):
        x, y, radius = (
            chance.uniform(0, width),
            chance.uniform(0, height * 0.8),
            chance.choice((1, 1, 2, 3)),
        )
        pen.ellipse(
            (x, y, x + radius, y + radius),
            fill=mix(rgb("#3a4f6e"), rgb("#ffffff"), chance.random()),
        )
    for base, tall, codes in (
        (0.52, 0.34, "#b565d8 #46d6a6 #7dffb0"),
        (0.64, 0.44, "#7a4fd0 #27c498 #8affc0"),
        (0.47, 0.24, "#e06aa8 #4fb7d8 #5cf0c0"),
    ):
        light = _curtain(size, chance, base=base, tall=tall)
        glowing = vertical(size, palette(codes))
        picture = ImageChops.screen(
            picture, Image.composite(glowing, Image.new("RGB", size), light)
        )
    ground = below(size, shifted(ridge(width, chance, height=height * 0.03), height * 0.87))
    picture.paste(rgb("#04101a"), mask=ground)
    _firs(picture, chance)
    return picture


def _curtain(size: Size, chance: random.Random, *, base: float, tall: float) -> Image.Image:
    """Return the mask of one curtain of light; `base` and `tall` are shares of the height."""
    columns, rows = 360, 240
    pixels = bytearray(columns * rows)
    fold = wave(columns * 8, chance, height=rows * 0.07, waves=1.2)
    strength = values(noise((columns, 1), chance, cells=46, octaves=2))
    for x in range(columns):
        foot = rows * base + fold[x][1]
        bright = max(0.0, strength[x] * 1.9 - 0.45)
        length = rows * tall * (0.55 + 0.6 * bright)
        for y in range(max(0, math.ceil(foot - length)), min(rows, math.floor(foot))):
            share = (foot - y) / length
            shine = bright * (1 - share) ** 1.4 * min(1, share * 9)
            pixels[y * columns + x] = min(255, int(255 * shine))
    mask = Image.frombytes("L", (columns, rows), bytes(pixels))
    return mask.resize(size, Image.Resampling.BICUBIC).filter(
        ImageFilter.GaussianBlur(size[0] / 260)
    )


def _firs(picture: Image.Image, chance: random.Random) -> None:
    width, height = picture.size
    pen = ImageDraw.Draw(picture)
    for _ in range(150):
        x, foot = chance.uniform(0, width), height * chance.uniform(0.9, 1.02)
        tall = height * chance.uniform(0.06, 0.17)
        for tier in range(6):
            top, half = foot - tall * (1 - tier * 0.14), tall * (0.04 + 0.028 * tier)
            pen.polygon(
                [(x, top), (x - half, top + tall * 0.26), (x + half, top + tall * 0.26)],
                fill=rgb("#030b12"),
            )


def moon_over_the_sea(size: Size, chance: random.Random) -> Image.Image:
    """Draw a full moon and its broken path of light on dark water."""
    width, height = size
    horizon = round(height * 0.56)
    picture = Image.new("RGB", size)
    picture.paste(vertical((width, horizon), palette("#0b1430 #1c2c5c #44558c #8f8bb0 #e3b9a8")))
    picture.paste(
        vertical((width, height - horizon), palette("#6f7098 #2f3f6e #14204a #080e26")),
        (0, horizon),
    )
    centre, radius = (width * 0.5, height * 0.3), width * 0.105
    halo = glow(size, centre, width * 0.9).point(lambda value: round(value * 0.55))
    picture.paste(rgb("#ffe9cf"), mask=halo)
    pen = ImageDraw.Draw(picture)
    pen.ellipse(
        (centre[0] - radius, centre[1] - radius, centre[0] + radius, centre[1] + radius),
        fill=rgb("#fff6e4"),
    )
    y = float(horizon)
    while y < height:
        nearness = (y - horizon) / (height - horizon)
        thick = 2 + nearness * height * 0.006
        for _ in range(round(3 + 7 * nearness)):
            spread = width * (0.05 + 0.20 * nearness)
            x = chance.gauss(centre[0], spread)
            long = width * chance.uniform(0.01, 0.09) * (0.5 + nearness)
            shine = max(0.0, 1 - abs(x - centre[0]) / (spread * 2.4))
            colour = mix(
                ramp(palette("#6f7098 #2f3f6e #14204a #080e26"), nearness),
                rgb("#ffe6c4"),
                0.12 + 0.8 * shine,
            )
            pen.ellipse((x - long, y, x + long, y + thick), fill=colour)
        y += thick * 1.7 + 2
    return picture


def dunes(size: Size, chance: random.Random) -> Image.Image:
    """Draw sand dunes with a lit and a shaded side, one behind the other."""
    width, height = size
    picture = vertical(size, palette("#2a6f97 #6fb1c8 #f1dfc0 #f8e7c8"))
    for index in range(6):
        depth = index / 5
        level = height * (0.36 + 0.46 * depth)
        crest = shifted(
            wave(
                width, chance, height=height * (0.035 + 0.05 * depth), waves=0.9 + 0.5 * (1 - depth)
            ),
            level,
        )
        lit = vertical(
            size,
            [
                ramp(palette("#f3cf9b #eeb26c #df8d45"), depth),
                ramp(palette("#e0a86e #cf7f3f #a7521f"), depth),
            ],
        )
        shade = ramp(palette("#c98d62 #a35c38 #6b2f1a"), depth)
        mask = below(size, crest)
        picture.paste(lit, mask=mask)
        _shaded_side(
            picture, crest, peak=chance.uniform(0.1, 0.6) * width, drop=height * 0.3, colour=shade
        )
    return picture


def _shaded_side(
    picture: Image.Image, crest: Sequence[Point], *, peak: float, drop: float, colour: RGB
) -> None:
    """Shade a dune from its peak (in pixels) to the right, deeper by `drop` at the far side."""
    edge = [point for point in crest if point[0] >= peak]
    reach = picture.width - peak
    foot = [(x, y + drop * ((x - peak) / reach) ** 0.7) for x, y in edge]
    shadow = Image.new("L", picture.size, 0)
    ImageDraw.Draw(shadow).polygon([*edge, *reversed(foot)], fill=215)
    softened = blurred(shadow, picture.width / 400)
    picture.paste(colour, mask=ImageChops.multiply(softened, below(picture.size, crest)))
