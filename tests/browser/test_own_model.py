"""A visitor's own model in a real browser: uploaded, drawn, asked about, refused, with no error in the console."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
from playwright.sync_api import Page, expect

from lstm_core import trace
from tests.browser.gates import Gates, address, found, rested
from tests.uploads import HOSTILE, SENTENCE, WORDS, onnx_lstm, saved, tagger

Open = Callable[..., Gates]


@pytest.fixture
def own(open_gates: Open) -> Gates:
    """The page with "Your model" chosen on the left, and nothing uploaded."""
    gates = open_gates({"text": SENTENCE})
    gates.page.get_by_test_id("gs-left").select_option("yours")
    expect(gates.page.get_by_test_id("stFileUploader")).to_be_visible()
    return gates


def upload(page: Page, data: bytes, name: str = "model.pt") -> None:
    """Into the uploader that is last on the page: those of an open popover come after the others. An empty one takes
    its place when the file has been read."""
    rested(page)  # what is about to be drawn anew takes no file
    file = {"name": name, "mimeType": "application/octet-stream", "buffer": data}
    field = page.locator("input[type=file]").last.element_handle()
    field.set_input_files(file)  # type: ignore[arg-type]
    found(page, "field => !field.isConnected", field)


def fields(page: Page, kind: str) -> None:
    """Open the fields of what the model reads, and among them those of one kind."""
    page.get_by_role("button", name=re.compile("^It reads")).click()
    page.get_by_text(kind, exact=True).click()


def test_a_language_model_and_its_vocabulary(own: Gates) -> None:
    page, module = own.page, tagger()
    upload(page, saved(module))
    own.has(steps=60)
    expect(page.get_by_test_id("gs-next-0")).to_contain_text("reads numbers here")
    fields(page, "the sentence")
    expect(page.get_by_text("Its vocabulary", exact=True)).to_be_visible()
    upload(page, "\n".join(WORDS).encode(), "vocabulary.txt")
    expect(page.get_by_role("button", name="It reads the sentence above")).to_be_visible()
    own.has(steps=len(SENTENCE.split()))
    assert own.words() == SENTENCE.split()
    ids = torch.tensor([WORDS.index(word.lower()) for word in SENTENCE.split()])
    with torch.no_grad():
        expected = trace(module.rnn, module.embed(ids)[:, None]).sel("f", layer=0, direction=0, batch=0).T
        likeliest = WORDS[int(module(ids[:, None])[-1, 0].argmax())]
    np.testing.assert_allclose(own.panel("keep"), expected, atol=1e-6)
    own.stage.focus()
    page.keyboard.press("End")
    expect(page.get_by_test_id("gs-next-0").locator(".gs-bar-word").first).to_have_text(likeliest)
    expect(page.get_by_test_id("gs-quiet")).to_contain_text("largest difference from its own runtime")
    page.get_by_role("link", name="Health", exact=True).click()
    expect(page.get_by_test_id("gc-summary0")).to_contain_text("LSTM (yours)")
    expect(page.get_by_test_id("gc-bias0")).to_contain_text("Forget bias, b_f, on the average")
    page.get_by_role("link", name="Memory", exact=True).click()
    expect(page.get_by_test_id("gc-writers0")).to_contain_text(re.compile(r"LSTM: who wrote unit \d"))


def test_an_onnx_file_on_a_probe_and_on_numbers(own: Gates) -> None:
    page = own.page
    upload(page, onnx_lstm(name="<img src=x onerror=alert(1)>"), "model.onnx")
    own.has(steps=60)
    assert page.locator("img[src=x]").count() == 0
    fields(page, "a file of numbers")
    upload(page, b"1,2\n3,4\n", "two.csv")
    expect(page.get_by_test_id("stAlert")).to_have_text(
        "two.csv: line 1 has 2 columns; the block reads 3 numbers a step."
    )
    own.has(steps=60)
    rested(page)
    if not page.locator("input[type=file]").count():  # a slow rerun closes the fields
        page.get_by_role("button", name=re.compile("^It reads")).click()
    page.get_by_text("a file of numbers", exact=True).click()  # is chosen already, and stays so
    rested(page)
    expect(page.get_by_role("radio", name="a file of numbers")).to_be_checked()
    upload(page, b"1,2,3\n" * 12, "three.csv")
    expect(page.get_by_role("button", name="It reads your 12 steps")).to_be_visible()
    own.has(steps=12)
    expect(page.get_by_test_id("stAlert")).to_have_count(0)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Remove", exact=True).click()
    expect(page.get_by_test_id("stFileUploader")).to_be_visible()
    expect(page.get_by_test_id("gs-notice")).to_contain_text("No model of yours is in this tab")


def test_files_are_refused_in_words_asked_about_or_drawn_and_no_link_carries_one(own: Gates, open_gates: Open) -> None:
    """One after another in one session. All kinds of hostile ones: tests/test_your_pages.py."""
    page = own.page
    for name in ("a pickle with code", "wrong shapes"):
        make, said = HOSTILE[name]
        file = f"{name.replace(' ', '-')}.pt"
        upload(page, make(), file)
        alert = page.get_by_test_id("stAlert")
        expect(alert).to_contain_text(f"{file}: ")
        expect(alert).to_have_text(re.compile(said))
    upload(page, saved(torch.nn.RNN(3, 4)), "rnn.pt")
    expect(page.get_by_text("does not say which cell it holds").first).to_be_visible()
    page.get_by_test_id("stSelectbox").locator("input").last.click()
    page.get_by_role("option", name="RNN (ReLU)").click()
    page.get_by_role("button", name="Open it").click()
    own.has(steps=60)
    expect(page.get_by_test_id("gs-next-0")).to_contain_text("RNN (ReLU) expects next")
    expect(page.get_by_test_id("stAlert")).to_have_count(0)
    page.get_by_role("button", name="Remove", exact=True).click()
    expect(page.get_by_test_id("gs-notice")).to_contain_text("No model of yours is in this tab")
    upload(page, saved(torch.nn.LSTM(3, 8, proj_size=2)))
    own.has(steps=60)
    assert own.panel("keep").shape == (8, 60) and own.panel("hidden").shape == (2, 60)
    own.click_unit(5, "keep")
    own.has(unit=5)
    shown = page.get_by_test_id("gs-next-0").locator(".gs-values dt").all_text_contents()
    assert "c" in shown and "h" not in shown
    own.click_unit(1, "hidden")
    own.has(unit=1)
    other = open_gates(address(page, left="yours"))
    expect(other.page.get_by_test_id("gs-notice")).to_contain_text("No model of yours is in this tab")
    other.has(steps=len(SENTENCE.split()))
    own.has(steps=60)
