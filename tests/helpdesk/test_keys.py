"""Reply tokens cannot be made, moved or guessed; sealed settings open with the same secret only."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpdesk.errors import Misconfigured
from helpdesk.keys import Keys

KEYS = Keys(b"one secret of at least 32 characters")
TICKET = os.urandom(16)


def test_a_token_is_39_characters_of_an_address():
    token = KEYS.reply_token(TICKET, "marta@lumen.example")
    assert len(token) == 39
    assert token == token.lower()
    assert token.isalnum()


def test_a_token_names_its_ticket_and_its_recipient():
    token = KEYS.reply_token(TICKET, "Marta@Lumen.example")
    assert KEYS.ticket_key(token) == TICKET
    assert KEYS.signed_for(token, ["eve@evil.example", "marta@lumen.example"]) == "marta@lumen.example"


def test_a_token_is_worth_nothing_for_others_or_under_another_secret():
    token = KEYS.reply_token(TICKET, "marta@lumen.example")
    assert KEYS.signed_for(token, ["eve@evil.example"]) is None
    assert Keys(b"another secret of 32 characters...").signed_for(token, ["marta@lumen.example"]) is None


@given(st.text(max_size=60))
def test_no_text_is_a_token_by_accident(text: str):
    assert KEYS.signed_for(text, ["marta@lumen.example"]) is None


@given(st.integers(0, 38), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_changing_a_letter_breaks_the_signature(position: int, letter: str):
    token = KEYS.reply_token(TICKET, "marta@lumen.example")
    changed = token[:position] + letter + token[position + 1 :]
    if KEYS.ticket_key(changed) is None or changed == token or position == 38:
        return  # the last letter carries padding bits only in part
    assert KEYS.signed_for(changed, ["marta@lumen.example"]) is None


def test_sealed_settings_open_again_and_show_nothing():
    sealed = KEYS.seal({"password": "hunter2"})
    assert b"hunter2" not in sealed
    assert KEYS.unseal(sealed) == {"password": "hunter2"}


def test_settings_of_another_secret_are_refused_with_the_way_out():
    with pytest.raises(Misconfigured, match="HELPDESK_SECRET"):
        Keys(b"another secret of 32 characters...").unseal(KEYS.seal({}))
