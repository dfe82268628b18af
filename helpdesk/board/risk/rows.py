"""Estimates of risk as they were learned, each with how well it did: the newest promoted one speaks."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped

from helpdesk.database import Row


class RiskModel(Row):
    __tablename__ = "risk_model"

    fit: Mapped[dict[str, Any]]
    """As `fitted.Fit` writes it: coefficients, calibration, usual times."""
    measures: Mapped[dict[str, Any]]
    """On moments that it was not learned from: as `judging.Judged` writes it, beside those of the one before."""
    promoted_at: Mapped[datetime | None]
    """Since when it speaks, if it ever did."""
    because: Mapped[str]
    """Why it speaks, or not, in words."""
