"""Evaluations that were ordered in the console, in the models' process but not in the way of messages."""

from functools import partial

from ai.evaluation.running import evaluate_wanted
from helpdesk.desk import Desk
from helpdesk.ports import Embedder
from workers import jobs
from workers.jobs import Crew


def crew(desk: Desk, embedder: Embedder) -> Crew:
    return Crew(desk, jobs.EVALUATIONS, {jobs.EVALUATE: partial(evaluate_wanted, desk, embedder)}, at_once=1)
