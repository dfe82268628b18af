"""A short day of the simulated desk: every breach, every warning and every number of the board, counted again.

The whole day, 100 agents and 4,000 tickets, is run by hand: `python -m tests.bench.day`.
"""

from datetime import timedelta

from helpdesk.desk import Desk
from tests.bench.day.simulated import simulated


async def test_a_simulated_day_is_as_the_model_and_the_recount_say(desk: Desk):
    report = await simulated(
        desk, agents=5, tickets=120, start=3, hours=3, seed=7, count_every=timedelta(minutes=30)
    )
    assert report.wrong == [], report.stories
    assert report.numbers["tickets"] >= 120
    assert report.numbers["breaches"] > 4
    assert report.numbers["warnings"] > 4
    assert report.numbers["assignments"] > 20
    assert report.numbers["double assignments"] == 0
    assert report.numbers["latest warning, seconds"] < 1
