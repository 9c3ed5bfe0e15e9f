"""Pictures without a place: paper, glass, tiles, circles and lines."""

from __future__ import annotations

import math
import random

from PIL import Image, ImageChops, ImageDraw, ImageOps

from demo_project.pictures.canvas import (
    RGB,
    Point,
    Size,
    blurred,
    mix,
    noise,
    palette,
    ramp,
    rgb,
    vertical,
)


def paper_contours(size: Size, chance: random.Random) -> Image.Image:
    """Cut eleven sheets of paper along the contour lines of a hilly field, and stack them."""
    field = ImageOps.autocontrast(
        noise(size, chance, cells=5, octaves=2).point(lambda value: value * 255 + 0).convert("L")
    )
    field = blurred(field, size[0] / 150)
    colours = palette(
        "#102a43 #14506b #1c7c8c #55b3a4 #a8d5ab #f2e3b3 #f4b678 #e9795d #c94057 #7d2450"
    )
    picture = Image.new("RGB", size, colours[0])
    sheets = 11
    drop = size[0] // 130
    for sheet in range(1, sheets):
        level = 255 * (0.12 + 0.78 * sheet / sheets)
        mask = field.point(lambda value, level=level: 255 if value > level else 0)
        soft = blurred(mask, drop * 1.1).point(lambda value: round(value * 0.42))
        shadow = Image.new("L", size)
        shadow.paste(soft, (drop // 2, drop))
        picture.paste(rgb("#06121f"), mask=shadow)
        picture.paste(ramp(colours, sheet / (sheets - 1)), mask=mask)
    return picture


def circle_garden(size: Size, chance: random.Random) -> Image.Image:
    """Pack circles without a touch and draw a ringed flower into each."""
    width, height = size
    picture = Image.new("RGB", size, rgb("#f6efe2"))
    pen = ImageDraw.Draw(picture)
    colours = palette("#264653 #2a9d8f #8ab17d #e9c46a #f4a261 #e76f51 #9b2226")
    placed: list[tuple[float, float, float]] = []
    for _ in range(5200):
        x, y = chance.uniform(0, width), chance.uniform(0, height)
        limit = width * 0.115
        room = min((math.dist((x, y), (a, b)) - r for a, b, r in placed), default=limit)
        radius = min(room - width * 0.004, limit, width * 0.02 + chance.expovariate(18 / width))
        if radius > width * 0.0055:
            placed.append((x, y, radius))
            _flower(pen, chance, (x, y), radius, colours)
    return picture


def _flower(
    pen: ImageDraw.ImageDraw,
    chance: random.Random,
    centre: Point,
    radius: float,
    colours: list[RGB],
) -> None:
    x, y = centre
    rings = max(1, round(radius / 34))
    first = chance.randrange(len(colours))
    for ring in range(rings):
        reach = radius * (1 - ring / rings)
        pen.ellipse(
            (x - reach, y - reach, x + reach, y + reach),
            fill=colours[(first + ring) % len(colours)],
        )
    petals = chance.choice((0, 8, 12, 16))
    if radius < 60 or not petals:
        return
    for petal in range(petals):
        angle = petal / petals * math.tau
        a, b = x + math.cos(angle) * radius * 0.68, y + math.sin(angle) * radius * 0.68
        dot = radius * 0.085
        pen.ellipse((a - dot, b - dot, a + dot, b + dot), fill=rgb("#f6efe2"))


def stained_glass(size: Size, chance: random.Random) -> Image.Image:
    """Lead the cells around scattered points into a window lit from above."""
    width, height = size
    colours = palette("#fff3b0 #f9c74f #f3722c #d62246 #7b2cbf #3a0ca3 #0b2a6f #063b52")
    points = [(chance.uniform(0, width), chance.uniform(0, height)) for _ in range(190)]
    picture = Image.new("RGB", size, rgb("#0b0a12"))
    pen = ImageDraw.Draw(picture)
    focus = (width * 0.5, height * 0.34)
    for point in points:
        cell = _cell(point, points, size)
        distance = math.dist(point, focus) / (height * 0.72)
        colour = ramp(colours, distance + chance.uniform(-0.09, 0.09))
        pen.polygon(cell, fill=mix(colour, rgb("#ffffff"), chance.uniform(0, 0.22)))
        pen.line([*cell, cell[0]], fill=rgb("#0b0a12"), width=width // 130, joint="curve")
    grain = noise(size, chance, cells=60, octaves=2).point(lambda value: value * 110 + 150)
    picture = ImageChops.multiply(picture, Image.merge("RGB", [grain.convert("L")] * 3))
    soft = blurred(picture, width / 40)
    return ImageChops.screen(picture, soft.point(lambda value: round(value * 0.4)))


def _cell(centre: Point, points: list[Point], size: Size) -> list[Point]:
    """Return the polygon of all places that are nearer to the centre than to any other point."""
    width, height = float(size[0]), float(size[1])
    polygon: list[Point] = [(0, 0), (width, 0), (width, height), (0, height)]
    for other in points:
        if other == centre:
            continue
        middle = ((centre[0] + other[0]) / 2, (centre[1] + other[1]) / 2)
        normal = (other[0] - centre[0], other[1] - centre[1])
        sides = [(x - middle[0]) * normal[0] + (y - middle[1]) * normal[1] for x, y in polygon]
        kept: list[Point] = []
        for index, (x, y) in enumerate(polygon):
            before = sides[index - 1]
            if (before < 0) != (sides[index] < 0):
                share = before / (before - sides[index])
                a, b = polygon[index - 1]
                kept.append((a + (x - a) * share, b + (y - b) * share))
            if sides[index] < 0:
                kept.append((x, y))
        polygon = kept
    return polygon


def quarter_tiles(size: Size, chance: random.Random) -> Image.Image:
    """Lay bold tiles of quarter circles, arches and dots, as on a kitchen floor."""
    colours = palette("#f7ede2 #1d3557 #e63946 #f4a825 #2a9d8f #f28482")
    picture = Image.new("RGB", size, colours[0])
    pen = ImageDraw.Draw(picture)
    side = size[0] // 8
    for row in range(math.ceil(size[1] / side)):
        for column in range(8):
            ground, ink, spark = chance.sample(colours, 3)
            x, y = column * side, row * side
            pen.rectangle((x, y, x + side, y + side), fill=ground)
            _tile(pen, chance, (x, y, side), ink, spark)
    return picture


def _tile(
    pen: ImageDraw.ImageDraw,
    chance: random.Random,
    place: tuple[int, int, int],
    ink: RGB,
    spark: RGB,
) -> None:
    x, y, side = place
    corner = chance.choice(((0, 0), (1, 0), (0, 1), (1, 1)))
    a, b = x + corner[0] * side, y + corner[1] * side
    start = {(0, 0): 0, (1, 0): 90, (1, 1): 180, (0, 1): 270}[corner]

    def quarter(radius: float, colour: RGB) -> None:
        pen.pieslice(
            (a - radius, b - radius, a + radius, b + radius), start, start + 90, fill=colour
        )

    def disc(radius: float, colour: RGB) -> None:
        middle = (x + side / 2, y + side / 2)
        pen.ellipse(
            (middle[0] - radius, middle[1] - radius, middle[0] + radius, middle[1] + radius),
            fill=colour,
        )

    match chance.randrange(5):
        case 0:
            quarter(side, ink)
            quarter(side * 0.5, spark)
        case 1:
            for ring in range(4):
                quarter(side * (1 - ring * 0.25), ink if ring % 2 == 0 else spark)
        case 2:
            disc(side * 0.5, ink)
            disc(side * 0.22, spark)
        case 3:
            pen.pieslice((x - side, y, x + side, y + side * 2), 270, 360, fill=ink)
            pen.pieslice((x, y - side, x + side * 2, y + side), 90, 180, fill=spark)
        case _:
            pen.polygon([(x, y), (x + side, y), (x, y + side)], fill=ink)
            disc(side * 0.18, spark)


def facets(size: Size, chance: random.Random) -> Image.Image:
    """Fold a sheet into triangles, each lit by the slope it happens to have."""
    width, height = size
    columns, rows = 17, round(17 * height / width)
    heights = {}
    for row in range(rows + 2):
        for column in range(columns + 2):
            jitter = chance.uniform(-0.36, 0.36), chance.uniform(-0.36, 0.36)
            x, y = (
                (column - 0.5 + jitter[0]) * width / columns,
                (row - 0.5 + jitter[1]) * height / rows,
            )
            heights[column, row] = (x, y, chance.uniform(0, 1))
    picture = Image.new("RGB", size)
    pen = ImageDraw.Draw(picture)
    colours = palette("#03071e #240046 #5a189a #c9184a #ff6b35 #ffba49 #fff3b0")
    for column in range(columns + 1):
        for row in range(rows + 1):
            corners = [heights[column + a, row + b] for a, b in ((0, 0), (1, 0), (0, 1), (1, 1))]
            split = (0, 1, 2), (1, 2, 3)
            if chance.random() < 0.5:
                split = (0, 1, 3), (0, 2, 3)
            for indices in split:
                three = [corners[index] for index in indices]
                x, y = sum(p[0] for p in three) / 3, sum(p[1] for p in three) / 3
                slope = three[0][2] - three[1][2] + (three[0][2] - three[2][2]) * 0.6
                along = 0.12 + 0.36 * x / width + 0.5 * (1 - y / height)
                pen.polygon([p[:2] for p in three], fill=ramp(colours, along + slope * 0.11))
    return picture


def rosette(size: Size, chance: random.Random) -> Image.Image:
    """Wind harmonograph threads of light around one centre."""
    width, height = size
    picture = vertical(size, palette("#0b1026 #161a40 #0b1026"))
    light = Image.new("RGB", size)
    pen = ImageDraw.Draw(light)
    colours = palette("#38bdf8 #818cf8 #e879f9 #fb7185 #fbbf24")
    threads = 34
    for thread in range(threads):
        share = thread / (threads - 1)
        line = []
        for step in range(1441):
            angle = step / 1440 * math.tau
            reach = 0.07 + 0.27 * share + (0.02 + 0.07 * share) * math.sin(angle * 9 + share * 2.6)
            reach += 0.018 * math.sin(angle * 27 - share * 4)
            line.append(
                (
                    width / 2 + math.cos(angle) * reach * width,
                    height / 2 + math.sin(angle) * reach * height,
                )
            )
        pen.line(
            line, fill=mix(rgb("#000000"), ramp(colours, share), 0.75), width=max(2, width // 900)
        )
    halo = blurred(light, width / 90).point(lambda value: min(255, round(value * 1.6)))
    return ImageChops.screen(ImageChops.screen(picture, halo), light)
