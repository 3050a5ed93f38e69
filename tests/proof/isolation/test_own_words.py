"""What the victim sees. It is apart from the other tests, because readings are events, and the victim's rows must not change
there."""

from __future__ import annotations

from tests.proof.isolation.answers import answer
from tests.proof.isolation.parties import Party
from tests.proof.isolation.routes import routes
from tests.support.admin_pages import OPERATORS_ONLY


def test_the_victim_sees_their_own_words(victim: Party):
    """Otherwise, their absence in other responses would prove nothing."""
    browser = victim.person.client
    pages = [(route, route.model) for route in routes() if route.template.endswith("/change/")]
    changes = [(route, model) for route, model in pages if model and model not in OPERATORS_ONLY]
    speaking = [
        model
        for route, model in changes
        if answer(browser.get(route.address(pk=victim.id_of(model)))).mentions(victim)
    ]
    assert len(speaking) > len(changes) * 0.8
