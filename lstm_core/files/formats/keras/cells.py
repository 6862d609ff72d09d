"""The cell of a layer: from its options, the shapes of its weights, what the caller says, and which Keras wrote it."""

from __future__ import annotations

from dataclasses import dataclass, field

from lstm_core.cells import CELLS
from lstm_core.cells.base import Cell
from lstm_core.files.formats.keras import functions
from lstm_core.files.formats.keras.kernels import Kernel
from lstm_core.files.formats.keras.recurrent import CellOf
from lstm_core.files.formats.keras.stored import Version
from lstm_core.files.options import Options
from lstm_core.say import Said, say
from lstm_core.variant import Activation, variant

RESET_AFTER = (2, 1, 5)  # the first Keras whose GRU has the option
SIGMOID = (2, 3)  # the first whose LSTM and GRU have sigmoid gates by default, not hard_sigmoid


@dataclass
class Chooser:
    """What one cell is. gru: which GRU, if neither its bias nor its options say.

    After ``cell`` has run, defaults: the options that nobody stated, each with what was taken; doubts: what is not
    certain for another reason.
    """

    of: CellOf
    kernel: Kernel
    options: Options
    version: Version
    gru: str | None = None
    defaults: dict[str, str] = field(default_factory=dict)
    doubts: list[Said] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """What Keras calls it, "LSTM", "GRU" or "SimpleRNN": by the configuration, else by the shapes of the kernel."""
        return self.of.kind or self.kernel.kind

    @property
    def open(self) -> bool:
        """Whether nothing says which GRU it is: weights alone, without a bias, of a Keras that has both."""
        known = self.kernel.two_biases is not None or self.options.reset_after is not None
        return self.kind == "GRU" and self.of.options is None and not known and not self.version.before(*RESET_AFTER)

    def cell(self) -> type[Cell]:
        """Raises ValueError for a function that is not supported, and where ``reset_after`` contradicts the bias."""
        if (self.of.options or {}).get("use_bias") is True and "bias" not in self.kernel.arrays:
            self.doubts.append(say("its bias is missing, which its configuration says it has, and zeros stand for it"))
        shown = self._function("activation", "tanh")
        if self.kind == "SimpleRNN":
            return CELLS["rnn_relu"] if shown.name == "relu" else variant(CELLS["rnn"], shown=shown)
        gates = self._function("recurrent_activation", self._usual_gates())
        if self.kind == "LSTM":
            return variant(CELLS["lstm"], gates, shown, shown)
        after = self._reset_after()
        return variant(CELLS[(self.gru or "gru_cho") if after is None else "gru" if after else "gru_cho"], gates, shown)

    def _usual_gates(self) -> str:
        """What Keras takes for the gates if it is not told. TensorFlow 2.0 and 2.1 say that they are Keras 2.2.4, and
        have sigmoid gates already; their GRU has two biases, and their paths name the cell."""
        named = any(part.endswith("_cell") for part in self.kernel.parts)
        modern = self.version.tensorflow and (named or self.kernel.two_biases is True)
        old = self.version.before(*SIGMOID) and not modern and not self.kernel.cudnn
        return functions.HARD_SIGMOID if old else "sigmoid"

    def _function(self, key: str, usual: str) -> Activation:
        asked = getattr(self.options, key)
        stated = (self.of.options or {}).get(key, usual) if asked is None else asked
        found, doubts = functions.stated(stated, key, self.version.old)
        self.doubts += doubts
        if asked is None and self.of.options is None and not self.kernel.cudnn:
            self.defaults[key] = usual
        if stated == functions.HARD_SIGMOID and not self.version.numbers:
            version = "2" if self.version.old else "3"
            text = say(
                "hard_sigmoid is that of Keras {version}: the file does not say which version wrote it", version=version
            )
            self.doubts.append(text)
        return found

    def _reset_after(self) -> bool | None:
        """Whether a GRU's reset acts after the product; None if nothing says so. The shape of a bias is proof."""
        shape, asked, options = self.kernel.two_biases, self.options.reset_after, self.of.options
        stated = None if options is None else options.get("reset_after", False)
        if shape is None:
            return asked if asked is not None else None if stated is None else bool(stated)
        if asked not in (None, shape):
            found = self.kernel.arrays["bias"].shape
            raise ValueError(
                say("its bias is {found}, which does not fit reset_after={value}", found=found, value=asked)
            )
        if options is not None and "reset_after" in options and bool(stated) != shape:
            text = say("reset_after is {value}, as its bias has it; its configuration says the opposite", value=shape)
            self.doubts.append(text)
        return shape
