"""Draw a report's picture, then end: `python -m workers.picture`, what to draw as JSON on standard input, PNG out.

A process of its own, because the library that draws takes 100 MB and a second to load: the desk's stays small.
"""

import asyncio
import io
import sys

import msgspec
import structlog

from helpdesk.reports.sending import Drawn

LONGEST = 60.0  # seconds
BLUE, GREY = "#3f57c9", "#6b7280"

log = structlog.get_logger(__name__)


async def picture(drawn: Drawn) -> bytes | None:
    """None where it cannot be drawn: a mail without its picture is better than none."""
    made = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "workers.picture",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(LONGEST):
            out, trouble = await made.communicate(msgspec.json.encode(drawn))
    except BaseException as error:
        made.kill()
        await made.wait()
        if not isinstance(error, TimeoutError):
            raise
        log.warning("picture not drawn", because="it took too long")
        return None
    if made.returncode or not out.startswith(b"\x89PNG"):
        log.warning("picture not drawn", because=trouble.decode(errors="replace")[-500:])
        return None
    return out


def draw(drawn: Drawn) -> bytes:
    import matplotlib as mpl  # only in the process that draws

    mpl.use("Agg")
    from matplotlib import pyplot

    mpl.rcParams.update({"text.parse_math": False, "font.size": 9})
    values = [float("nan") if value is None else value for value in drawn.values]
    high = 3.2 if drawn.over_time else 1.0 + 0.32 * len(values)
    figure, axes = pyplot.subplots(figsize=(8, high), dpi=110, layout="constrained")
    places = list(range(len(values)))
    if drawn.over_time:
        axes.plot(places, values, color=BLUE, linewidth=2, marker="o", markersize=3)
        step = max(1, len(places) // 8)
        axes.set_xticks(places[::step], [label[5:] for label in drawn.labels[::step]])
        axes.set_ylim(bottom=0)
        axes.set_ylabel(drawn.unit)
    else:
        axes.barh(places, values, color=BLUE)
        axes.set_yticks(places, [label[:40] for label in drawn.labels])
        axes.invert_yaxis()
        axes.set_xlabel(drawn.unit)
    axes.set_title(drawn.title, loc="left", fontsize=10)
    axes.tick_params(colors=GREY)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y" if drawn.over_time else "x", color="#e5e7eb")
    axes.set_axisbelow(True)
    out = io.BytesIO()
    figure.savefig(out, format="png", facecolor="white")
    return out.getvalue()


if __name__ == "__main__":
    sys.stdout.buffer.write(draw(msgspec.json.decode(sys.stdin.buffer.read(), type=Drawn)))
