"""Pictures of light and movement: a city at night, wind, rain on a window, a pond."""

from __future__ import annotations

import math
import random

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from demo_project.pictures.canvas import (
    RGB,
    Size,
    blurred,
    glow,
    mix,
    noise,
    palette,
    ramp,
    rgb,
    values,
    vertical,
)


def city_by_the_river(size: Size, chance: random.Random) -> Image.Image:
    """Light the windows of a city and let the river repeat them."""
    width, height = size
    shore = round(height * 0.66)
    city = vertical((width, shore), palette("#0a0f2c #26225c #6b2f75 #d65a6f #ffb37a"))
    for layer in range(3):
        depth = layer / 2
        wall = ramp(palette("#5d3a78 #2a2352 #0b0d24"), depth)
        x = -width * 0.02
        while x < width:
            wide = width * chance.uniform(0.028, 0.075)
            tall = (
                shore
                * chance.uniform(0.26 - 0.12 * depth, 0.86 - 0.46 * depth)
                * (1 - abs(x / width - 0.56) * 0.5)
            )
            _tower(city, chance, (x, shore - tall, x + wide, shore), wall, depth)
            x += wide * chance.uniform(0.75, 1.15)
    picture = Image.new("RGB", size)
    picture.paste(city)
    picture.paste(_reflection(city, height - shore, chance), (0, shore))
    return picture


def _tower(
    city: Image.Image,
    chance: random.Random,
    box: tuple[float, float, float, float],
    wall: RGB,
    depth: float,
) -> None:
    pen = ImageDraw.Draw(city)
    pen.rectangle(box, fill=wall)
    left, top, right, bottom = box
    pane = city.width * (0.0026 + 0.0014 * depth)
    lit = palette("#ffe7a8 #ffd27a #ffb765 #bfe3ff")
    chances = chance.uniform(0.12, 0.5)
    y = top + pane * 2
    while y < bottom - pane * 2:
        x = left + pane * 1.4
        while x < right - pane * 1.8:
            if chance.random() < chances:
                colour = mix(wall, chance.choice(lit), 0.35 + 0.6 * depth * chance.random() + 0.05)
                pen.rectangle((x, y, x + pane, y + pane * 1.5), fill=colour)
            x += pane * 2.1
        y += pane * 3


def _reflection(city: Image.Image, height: int, chance: random.Random) -> Image.Image:
    """Return the city upside down, pulled sideways line by line as water does."""
    flipped = city.transpose(Image.Transpose.FLIP_TOP_BOTTOM).crop((0, 0, city.width, height))
    flipped = flipped.filter(ImageFilter.BoxBlur(city.width / 700))
    water = Image.new("RGB", flipped.size)
    band = 4
    for y in range(0, height, band):
        nearness = y / height
        reach = city.width * (0.0012 + 0.007 * nearness)
        pull = round(
            math.sin(y / (7 + 40 * nearness)) * reach + chance.uniform(-reach, reach) * 0.4
        )
        water.paste(flipped.crop((0, y, city.width, y + band)), (pull, y))
        if pull:
            edge = (0, y) if pull > 0 else (city.width + pull, y)
            start = 0 if pull > 0 else city.width + pull
            water.paste(flipped.crop((start, y, start + abs(pull), y + band)), edge)
    dark = vertical(water.size, palette("#c9b8d8 #6a6a9a #34345f"))
    return ImageChops.multiply(water, dark)


def wind(size: Size, chance: random.Random) -> Image.Image:
    """Let two thousand strokes follow a field of wind."""
    width, height = size
    picture = vertical(size, palette("#fdf6e9 #f7ead3"))
    pen = ImageDraw.Draw(picture)
    field = noise((240, round(240 * height / width)), chance, cells=4, octaves=2)
    directions = values(field)
    colours = palette("#0d3b66 #1b6ca8 #3fa7d6 #59cd90 #fac05e #f79d84 #ee6352")
    for _ in range(2000):
        x, y = chance.uniform(-0.1, 1.0) * width, chance.uniform(-0.05, 1.05) * height
        colour = ramp(colours, y / height + chance.gauss(0, 0.09))
        line = [(x, y)]
        for _ in range(chance.randrange(30, 85)):
            column = min(field.width - 1, max(0, int(x / width * field.width)))
            row = min(field.height - 1, max(0, int(y / height * field.height)))
            angle = (directions[row * field.width + column] - 0.5) * 5.2
            x, y = x + math.cos(angle) * width / 240, y + math.sin(angle) * width / 240
            line.append((x, y))
        pen.line(line, fill=colour, width=chance.choice((4, 6, 6, 9, 13)), joint="curve")
    return picture


def rain_on_the_window(size: Size, chance: random.Random) -> Image.Image:
    """Blur the lamps of a street behind a wet pane, with drops that gather them."""
    width, height = size
    picture = vertical(size, palette("#0b1524 #13263b #24314a #3a2f45 #1a1626"))
    lamps = palette("#ff9f43 #ffd166 #ef476f #4cc9f0 #f8f9fa #ff6b6b #06d6a0")
    for layer in range(3):
        light = Image.new("RGB", size)
        pen = ImageDraw.Draw(light)
        for _ in range(26):
            x, y = chance.uniform(0, width), chance.gauss(height * 0.52, height * 0.2)
            radius = width * chance.uniform(0.03, 0.085) * (0.6 + 0.35 * layer)
            colour = mix(rgb("#000000"), chance.choice(lamps), chance.uniform(0.18, 0.6))
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
        picture = ImageChops.screen(picture, blurred(light, width / (60 + 80 * layer)))
    lens = picture.transpose(Image.Transpose.FLIP_TOP_BOTTOM).resize((width // 4, height // 4))
    for _ in range(330):
        _drop(picture, lens, chance)
    return picture


def _drop(picture: Image.Image, lens: Image.Image, chance: random.Random) -> None:
    radius = picture.width * min(0.024, 0.0035 + chance.expovariate(190))
    x, y = chance.uniform(0, picture.width), chance.uniform(0, picture.height)
    wide, tall = round(radius * 2), round(radius * chance.uniform(2.0, 2.7))
    left = min(lens.width - wide, max(0, round(x / 4 - wide / 2)))
    top = min(lens.height - tall, max(0, round(y / 4 - tall / 2)))
    inside = lens.crop((left, top, left + wide, top + tall))
    inside = Image.blend(inside, Image.new("RGB", inside.size, rgb("#eaf4ff")), 0.12)
    mask = Image.new("L", inside.size)
    ImageDraw.Draw(mask).ellipse((0, 0, wide - 1, tall - 1), fill=235)
    place = (round(x - wide / 2), round(y - tall / 2))
    picture.paste(
        rgb("#05080f"),
        (place[0], place[1] + round(radius * 0.25)),
        mask.point(lambda value: value // 3),
    )
    picture.paste(inside, place, mask)
    pen = ImageDraw.Draw(picture)
    spark = radius * 0.3
    a, b = x - radius * 0.35, y - tall * 0.27
    pen.ellipse((a - spark, b - spark, a + spark, b + spark * 0.6), fill=rgb("#f4fbff"))


def lily_pond(size: Size, chance: random.Random) -> Image.Image:
    """Float lily pads and a few flowers on still, green water."""
    width, height = size
    deep = noise(size, chance, cells=4, octaves=3).point(lambda value: value * 255 + 0).convert("L")
    water = Image.composite(
        vertical(size, palette("#2d7f86 #1b5a6b #123a52")),
        vertical(size, palette("#4fa58c #2c7a78 #174e5e")),
        deep,
    )
    water.paste(
        rgb("#d9f2e6"),
        mask=glow(size, (width * 0.3, height * 0.1), width * 0.7).point(lambda v: v // 3),
    )
    placed: list[tuple[float, float, float]] = []
    for _ in range(900):
        radius = width * chance.uniform(0.03, 0.1)
        x, y = chance.uniform(0, width), chance.uniform(0, height)
        if all(math.dist((x, y), (a, b)) > (radius + r) * 0.93 for a, b, r in placed):
            placed.append((x, y, radius))
    for x, y, radius in placed[:58]:
        _pad(water, chance, x, y, radius)
    for x, y, radius in placed[:58:5]:
        _lily(water, chance, x, y, radius * 0.62)
    return water


def _pad(water: Image.Image, chance: random.Random, x: float, y: float, radius: float) -> None:
    pen = ImageDraw.Draw(water, "RGBA")
    drop = radius * 0.12
    notch = chance.uniform(0, 360)
    shade = (6, 30, 40, 110)
    pen.pieslice(
        (x - radius + drop, y - radius + drop, x + radius + drop, y + radius + drop),
        notch + 17,
        notch + 343,
        fill=shade,
    )
    leaf = ramp(palette("#2f7d4f #58a45b #93bf5c #c2cf73"), chance.random())
    pen.pieslice(
        (x - radius, y - radius, x + radius, y + radius), notch + 14, notch + 346, fill=leaf
    )
    vein = (*mix(leaf, rgb("#f2f7d5"), 0.45), 170)
    for index in range(11):
        angle = math.radians(notch + 30 + index * 30)
        end = (x + math.cos(angle) * radius * 0.86, y + math.sin(angle) * radius * 0.86)
        pen.line([(x, y), end], fill=vein, width=max(2, round(radius / 45)))


def _lily(water: Image.Image, chance: random.Random, x: float, y: float, radius: float) -> None:
    pen = ImageDraw.Draw(water, "RGBA")
    tint = chance.choice(palette("#f7a8c4 #fbd3e0 #ffffff #f48fb1"))
    for ring, (reach, petals) in enumerate(((1.0, 10), (0.72, 8), (0.46, 6))):
        for petal in range(petals):
            angle = (petal + ring * 0.5) / petals * math.tau
            length, half = radius * reach, radius * reach * 0.23
            tip = (x + math.cos(angle) * length, y + math.sin(angle) * length)
            middle = (x + math.cos(angle) * length * 0.5, y + math.sin(angle) * length * 0.5)
            side = (-math.sin(angle) * half, math.cos(angle) * half)
            outline = [
                (x, y),
                (middle[0] + side[0], middle[1] + side[1]),
                tip,
                (middle[0] - side[0], middle[1] - side[1]),
            ]
            pen.polygon(
                outline,
                fill=(*mix(tint, rgb("#ffffff"), 0.25 * ring), 240),
                outline=(*mix(tint, rgb("#b0406e"), 0.4), 150),
            )
    core = radius * 0.17
    pen.ellipse((x - core, y - core, x + core, y + core), fill=rgb("#ffd54a"))
