"""The list of likely duplicates, and the way to a person's data: what an agent presses beside a contact."""

from html import unescape

from tests.web.served import Console
from tests.web.test_contacts import sent, wrote


async def test_the_desks_likely_duplicates_are_merged_or_called_different(console: Console):
    ticket = await wrote(console, "marta.reyes@lumen.example")
    other = await wrote(console, "marta.reyes+shop@lumen.example", text="From the shop")
    third = await wrote(console, "marta.reyes+home@lumen.example", text="From home")
    ada = await console.person("Ada")
    assert 'href="/contacts/duplicates"' in (await ada.look("/contacts")).text
    page = (await ada.look("/contacts/duplicates")).text
    assert page.count("are the same mailbox") == 3
    first, second = ticket.contact_id, other.contact_id
    look = f"/contacts/{first}/merges?other={second}&amp;then=duplicates"
    assert look in page
    assert 'name="then" value="duplicates"' in (await ada.look(unescape(look))).text
    merged = await sent(ada, f"/contacts/{first}/merges", other=second, then="duplicates")
    assert merged.headers["location"] == "/contacts/duplicates"
    assert (await ada.look("/contacts/duplicates")).text.count("are the same mailbox") == 1
    apart = await sent(ada, f"/contacts/{first}/differences", other=third.contact_id, then="duplicates")
    assert apart.headers["location"] == "/contacts/duplicates"
    assert "No duplicates" in (await ada.look("/contacts/duplicates")).text
    elsewhere = await sent(
        ada, f"/contacts/{first}/differences", other=third.contact_id, then="//evil.example"
    )
    assert elsewhere.status_code == 400


async def test_a_persons_data_is_one_press_away_for_whoever_may(console: Console):
    ticket = await wrote(console)
    ada, liam = await console.person("Ada"), await console.person("Liam")
    way = f'href="/contacts/{ticket.contact_id}/erasure"'
    assert way in (await ada.look(f"/contacts/{ticket.contact_id}")).text
    assert way not in (await liam.look(f"/contacts/{ticket.contact_id}")).text
