"""Show it in a notebook: the page's figure in a cell, its cursor yours as well, and a file for those without a kernel.

pip install ".[notebook]"
"""

from pathlib import Path

import lstm_core
from lstm_core import analysis

# The cells of `first_trace.ipynb`, one after the other; each figure is the last value of its cell.
model = lstm_core.load_model("pronouns-lstm")
trace = model.run("Mary was late because she", device="cpu")
view = trace.show()
print(f"the cursor stands at step {view.step}, {trace.tokens[view.step].text!r}")
# > the cursor stands at step 4, 'she'

# Both ways: what is set is shown, and what a reader chooses in the figure is told.
view.observe(lambda change: print("now at", trace.tokens[change["new"]].text), "step")
view.step, view.unit = 0, 5
# > now at Mary

# A second figure whose cursor goes with the first one's, and a result with its words.
other = lstm_core.load_model("pronouns-gru").run("Mary was late because she", device="cpu").show()
view.link(other)
view.step = 3
print(other.step)
# > now at because
# > 3
memory = analysis.memory(trace, step=4).show(trace)

# For a page, a mail or a saved notebook: HTML that needs neither a kernel nor a network.
Path("figure.html").write_text(view.html, encoding="utf-8")
print(Path("figure.html").stat().st_size < 2_000_000)
# > True
