"""The walk in Chinese, handled as a visitor does: stages, nodes, all units and the exercise."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import expect

from lstm_core import load_model
from tests.browser.gates import Gates

TEXT = "Mary met John"
NAMES = {*TEXT.split(), "LSTM", "RNN", "tanh", "mod", "gru", "pronouns", "peephole", "clockwork", "co"}
SAID = """root => [...root.querySelectorAll(":not(pre, pre *)")].flatMap(node => [
  node.getAttribute("aria-label"), node.getAttribute("title"),
  ...[...node.childNodes].filter(child => child.nodeType === 3).map(child => child.data)]).filter(Boolean)"""


def test_the_walk_speaks_chinese(open_gates: Callable[..., Gates]) -> None:
    unit = load_model("pronouns-peephole").meta["units"]["gender"]["unit"]
    query = {"text": TEXT, "lang": "zh", "left": "pronouns-peephole", "right": "pronouns-clockwork", "unit": str(unit)}
    page = open_gates(query, "step_by_step").page
    walk = page.get_by_test_id("gw")
    expect(walk).to_have_attribute("data-at", "2")
    left: set[str] = set()

    def read() -> None:
        left.update(word for text in walk.evaluate(SAID) for word in re.findall("[A-Za-z]{2,}", text))

    stages = page.get_by_test_id("gw-stages").get_by_role("tab")
    for exercise in (False, True):
        if exercise:
            page.get_by_test_id("gw-exercise").click()
        for stage in stages.all():
            stage.click()
            read()
    page.get_by_role("tab", name=re.compile("输出什么")).click()
    expect(page.get_by_test_id("gw-stage-0")).to_contain_text(
        f"读到“John”时，对于“性别”单元（{unit} 号），o 是打开（大于 0.5）还是关闭？"
    )
    page.get_by_test_id("gw-guess-0-open").click()
    expect(page.get_by_test_id("gw-stage-0")).to_contain_text(re.compile("答对了|不对"))
    for node in walk.locator(".gw-node").all():
        node.dispatch_event("click")
        read()
    expect(page.get_by_test_id("gw-carries-0")).to_have_text(f"“性别”单元（{unit} 号）的 c，逐步传递")
    expect(page.get_by_test_id("gw-status")).to_contain_text("：“John”，第 3 步，共 3 步。")
    page.get_by_test_id("gw-view").click()
    expect(page.get_by_test_id("gw-carries-0")).to_have_text("c，逐步传递：所有单元的均方根")
    read()
    models = [load_model(name) for name in (query["left"], query["right"])]
    expected = {word for model in models for word, _ in model.next_tokens(model.run(TEXT, device="cpu"), 2)}
    assert not left - NAMES - expected - {"he", "she", "softmax", "ReLU", "PyTorch", "GRU"}


def test_on_a_phone_the_buttons_share_a_line_and_a_drawing_that_goes_on_fades(open_gates: Callable[..., Gates]) -> None:
    page = open_gates({"text": TEXT, "lang": "zh"}, "step_by_step").page
    page.set_viewport_size({"width": 390, "height": 844})
    box = page.locator(".gw-drawing-box").first
    expect(box).to_have_class(re.compile("gw-more"))
    buttons = [page.get_by_test_id(name).bounding_box() for name in ("gw-back", "gw-next", "gw-view", "gw-exercise")]
    assert len({round(one["y"]) for one in buttons if one}) == 1
    box.evaluate("box => box.scrollLeft = 1000")
    expect(box).not_to_have_class(re.compile("gw-more"))
