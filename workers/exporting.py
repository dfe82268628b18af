"""Make the model's int8 export, then end: `python -m workers.exporting`, settings as JSON on standard input."""

import logging
import sys

import msgspec

from ai.embedding.export import export
from helpdesk.settings import Settings
from workers.child import from_text


def main() -> None:
    logging.basicConfig(level=logging.ERROR)  # the exporter's advice is for programmers
    export(msgspec.json.decode(sys.stdin.buffer.read(), type=Settings, dec_hook=from_text))


if __name__ == "__main__":
    main()
