"""Every route of this folder."""

from typing import Any

from web.knowledge import arranging, deciding, editing, findings, importing, reading

KNOWLEDGE: list[Any] = [
    reading.Knowledge,
    editing.Editing,
    deciding.Deeds,
    arranging.Shelves,
    importing.Imports,
    findings.Findings,
]
