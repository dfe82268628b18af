"""Whatever colour a brand has, what stands in it and on it can be read: 4.5 to 1, in light and in dark (WCAG 1.4.3)."""

import re
from itertools import product
from math import cos, radians, sin

import pytest

from helpdesk.portal import colours

INKS = {"white": (1.0, 0.0, 0.0), "black": (0.0, 0.0, 0.0)}
BACK = {"light": (0.992, 0.003, 260.0), "dark": (0.20, 0.012, 264.0)}
ON_ACCENT = {"light": (0.99, 0.0, 0.0), "dark": (0.15, 0.02, 264.0)}
"""`--canvas` and `--accent-ink` of web/static/css/tokens.css."""
Colour = tuple[float, float, float]


def luminance(colour: Colour) -> float:
    """Of a colour in oklch, cut to what screens show; after https://bottosson.github.io/posts/oklab/."""
    lightness, chroma, hue = colour
    a, b = chroma * cos(radians(hue)), chroma * sin(radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    red = 4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short
    green = -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short
    blue = -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short
    r, g, b = (min(1.0, max(0.0, part)) for part in (red, green, blue))
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: Colour, other: Colour) -> float:
    dark, bright = sorted((luminance(one), luminance(other)))
    return (bright + 0.05) / (dark + 0.05)


def shades(token: str) -> dict[str, Colour]:
    light, dark = re.findall(r"oklch\(([\d.]+)% ([\d.]+) ([\d.]+)\)", token)
    return {
        "light": (float(light[0]) / 100, float(light[1]), float(light[2])),
        "dark": (float(dark[0]) / 100, float(dark[1]), float(dark[2])),
    }


def test_every_colour_can_be_read() -> None:
    steps = ("00", "33", "66", "99", "cc", "ff")
    for parts in product(steps, steps, steps):
        colour = "#" + "".join(parts)
        found = colours.accent(colour)
        brand = (found.lightness, found.chroma, found.hue)
        assert contrast(brand, INKS[found.ink]) >= 4.5, colour
        accent, text, soft = (
            shades(found.tokens[name]) for name in ("--accent", "--accent-text", "--accent-soft")
        )
        for theme in ("light", "dark"):
            assert contrast(accent[theme], ON_ACCENT[theme]) >= 4.5, (colour, theme)
            assert contrast(text[theme], BACK[theme]) >= 4.5, (colour, theme)
            assert contrast(text[theme], soft[theme]) >= 4.5, (colour, theme)


def test_only_colours_are_colours() -> None:
    assert colours.read(" #ABC ") == "#aabbcc"
    for wrong in ("red", "#12345", "#1234567", "url(x)", "", "#ggg"):
        with pytest.raises(colours.NoColour):
            colours.read(wrong)
    assert colours.accent("red;} body{}") == colours.accent(colours.USUAL)
