"""For whoever watches the desk: it runs, and it can work."""

from typing import Any

from litestar import Request, Response, get
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from helpdesk.access import Action
from web.auth import opened, permits


@get("/health/live", opt=permits(Action.public), sync_to_thread=False)
def live() -> dict[str, str]:
    return {"status": "live"}


@get("/health/ready", opt=permits(Action.public))
async def ready(request: Request[Any, Any, Any]) -> Response[dict[str, str]]:
    try:
        await opened(request).execute(text("SELECT 1"))
    except (SQLAlchemyError, OSError):
        return Response({"status": "unavailable", "because": "the database does not answer"}, status_code=503)
    return Response({"status": "ready"})
