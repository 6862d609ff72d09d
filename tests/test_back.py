"""Back leads to what was chosen before: an address that no longer says a choice has taken it back."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def script() -> None:
    import streamlit as st

    from dashboard import address
    from dashboard.controls.kept import kept_option
    from dashboard.controls.words import field

    st.session_state.setdefault("page", "compare")
    address.opened(st.session_state["page"])
    st.caption(f"{kept_option('beside', 'B is', ['a copy', 'a file'])}, {field('against', 'Against', 'nothing')}")


def shown(test: AppTest) -> str:
    assert not test.exception
    return test.caption[0].value


def test_back_takes_a_choice_back_and_forward_makes_it_again() -> None:
    test = AppTest.from_function(script).run()
    assert shown(test) == "a copy, nothing"
    test.session_state["beside"] = "a file"
    assert shown(test.run()) == "a file, nothing" and test.query_params["beside"] == "a file"
    del test.query_params["beside"]
    assert shown(test.run()) == "a copy, nothing" and "beside" not in test.query_params
    test.query_params["beside"] = "a file"
    assert shown(test.run()) == "a file, nothing"


def test_a_change_of_page_drops_the_address_and_nothing_that_was_chosen() -> None:
    test = AppTest.from_function(script).run()
    test.session_state["page"] = "memory"
    test.run()
    test.text_input[0].set_value("he").run()
    assert shown(test) == "a copy, he" and test.query_params["against"] == "he"
    test.session_state["page"] = "gates"
    del test.query_params["against"]
    assert shown(test.run()) == "a copy, he" and test.query_params["against"] == "he"
    test.session_state["page"] = "memory"
    test.run()
    del test.query_params["against"]
    assert shown(test.run()) == "a copy, nothing"
