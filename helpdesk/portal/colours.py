"""One colour of a brand, made into all that a page needs: lightness is ours, so that contrast always passes.

The hue and the chroma are the brand's; the lightness of text and buttons is that of the desk's own accent
(`web/static/css/tokens.css`). Where the very colour is shown, what stands on it is black or white, whichever is
read better. OKLab after https://bottosson.github.io/posts/oklab/.
"""

import re
from dataclasses import dataclass
from math import atan2, cbrt, degrees, hypot

from helpdesk.errors import Invalid
from helpdesk.i18n import _

HEX = re.compile(r"#[0-9a-f]{6}")
USUAL = "#4f5bd5"


class NoColour(Invalid):
    message = _("A colour is # and six digits or letters from a to f, such as #4f5bd5.")


@dataclass(frozen=True)
class Accent:
    """In oklch: lightness 0 to 1, chroma, hue in degrees; the ink is `black` or `white`."""

    lightness: float
    chroma: float
    hue: float
    ink: str

    @property
    def tokens(self) -> dict[str, str]:
        """Custom properties for a style sheet; nothing that somebody typed stands in them."""
        hue = f"{self.hue:.1f}"

        def pair(light: tuple[float, float], dark: tuple[float, float]) -> str:
            (day, strong), (night, soft) = light, dark
            return (
                f"light-dark(oklch({day}% {min(self.chroma, strong):.3f} {hue}), "
                f"oklch({night}% {min(self.chroma, soft):.3f} {hue}))"
            )

        return {
            "--brand": f"oklch({self.lightness * 100:.1f}% {self.chroma:.3f} {hue})",
            "--brand-ink": "oklch(100% 0 0)" if self.ink == "white" else "oklch(0% 0 0)",
            "--brand-away": "oklch(0% 0 0)" if self.ink == "white" else "oklch(100% 0 0)",
            "--accent": pair((49, 0.17), (70, 0.14)),
            "--accent-hover": pair((43, 0.17), (76, 0.12)),
            "--accent-soft": pair((95.8, 0.024), (29, 0.058)),
            "--accent-text": pair((43, 0.16), (82, 0.105)),
        }


def read(colour: str) -> str:
    """As it is kept: `#4f5bd5`. Raises NoColour."""
    found = colour.strip().lower()
    if re.fullmatch(r"#[0-9a-f]{3}", found):
        found = "#" + "".join(2 * each for each in found[1:])
    if not HEX.fullmatch(found):
        raise NoColour
    return found


def accent(colour: str) -> Accent:
    """What cannot be read, as of a row that somebody else wrote, is the desk's own colour."""
    found = colour if HEX.fullmatch(colour) else USUAL
    red, green, blue = (_linear(int(found[at : at + 2], 16) / 255) for at in (1, 3, 5))
    long = cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
    middle = cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
    short = cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
    lightness = 0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short
    a = 1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short
    b = 0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    ink = "white" if 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.05 else "black"
    return Accent(min(1.0, max(0.0, lightness)), hypot(a, b), degrees(atan2(b, a)) % 360, ink)


def _linear(part: float) -> float:
    return float(part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4)
