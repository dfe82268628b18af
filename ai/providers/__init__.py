"""Language models, each behind the one port `helpdesk.ports.LanguageModel`. The desk works without any.

model = await language_model(session, settings, Purpose.draft, ticket_id=ticket.id)
if model:
    answer = await written(model, Prompt(system=…, user=…))

purposes.py     what a model may be asked for
connections.py  which servers and models the desk can ask, and which serves what
choosing.py     the model of a purpose, or why there is none
hiding.py       whose names and which fields do not leave
metered.py      the way to each: masked, within its budget, on record
calls.py        what was asked, what it cost, what left
openai.py       any OpenAI-compatible server
local.py        a model on this machine, in the models' process
vectors.py      calls for vectors of another machine, on record like the others
scripted.py     a model for tests
"""

from ai.providers.choosing import TRIAL, Standing, language_model, standing, tried
from ai.providers.connections import Connection, Kind, Served, serving
from ai.providers.metered import BudgetReached, MeteredModel, Paused
from ai.providers.purposes import Purpose
from ai.providers.scripted import SCRIPTS, ScriptedModel, script

__all__ = [
    "SCRIPTS",
    "TRIAL",
    "BudgetReached",
    "Connection",
    "Kind",
    "MeteredModel",
    "Paused",
    "Purpose",
    "ScriptedModel",
    "Served",
    "Standing",
    "language_model",
    "script",
    "serving",
    "standing",
    "tried",
]
