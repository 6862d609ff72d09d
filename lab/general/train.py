"""Phase 1: read real text. Everything that is needed to go on lies in one checkpoint, written every few minutes."""

from __future__ import annotations

import fcntl
import math
import os
import signal
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from lab.general.data import Made, Texts, Windows, as_read, collect, end_of, epoch
from lab.general.loss import sampled_loss, tied_loss
from lab.general.model import Reader, State
from lab.general.pronouns import Pronouns
from lab.learning.recipe import Watch

CHECKPOINT, LOG_EVERY, SAVE_SECONDS = "checkpoint.pt", 25, 180.0
ROWS = 16
MEASURED = 10_000
"""Tokens of each held-out text that are read at every measurement."""


@dataclass(frozen=True)
class Plan:
    """What is trained; a checkpoint goes on only under the plan that began it."""

    cell: str = "lstm"
    seed: int = 0
    tokens: int = 60_000_000
    batch: int = 128
    time: int = 70
    rate: float = 3e-3
    warm_up: int = 200
    last: float = 0.03
    decay: float = 0.02
    clip: float = 1.0
    dropout: float = 0.25
    made: float = 0.0
    """Share of the rows that read made text."""
    long: int = 0
    """How many units begin as long memories (see ``Reader.hold``), ..."""
    economy: float = 0.0
    """... and the price on what they write and forget (see ``Reader.price``)."""
    pronouns: float = 0.0
    """Weight of which of he and she comes, where one of them does (see ``Pronouns``)."""
    rest: int = 0
    """Against how many pieces that no place of a window expects those that it does are weighed (see ``sampled_loss``);
    0: against all."""
    bounded: float = 1e-3
    """Weight of what keeps an LSTM's cell state small (see ``excess``)."""

    @property
    def steps(self) -> int:
        return math.ceil(self.tokens / (self.batch * self.time))

    def rate_at(self, step: int) -> float:
        """A straight warm-up, then half a cosine down to ``last`` of the rate."""
        if step < self.warm_up:
            return self.rate * (step + 1) / self.warm_up
        done = min(1.0, (step - self.warm_up) / max(1, self.steps - self.warm_up))
        return self.rate * (self.last + (1 - self.last) * (1 + math.cos(math.pi * done)) / 2)


def excess(state: State) -> Tensor | float:
    """The mean of (|c| - 4)^2 of the units of an LSTM beyond 4; nothing for a cell whose state is bounded.

    Nothing else holds c: where words come in an order that was never read it grows from step to step, to 200, and the
    network never finds its way back.
    """
    return (state[1].abs() - 4).clamp_min(0).square().mean() if len(state) == 2 else 0.0


class Run:
    """A training under way. ``step`` windows of it are done."""

    def __init__(self, plan: Plan, texts: Texts, device: str, hidden: int | None = None) -> None:
        torch.manual_seed(plan.seed)
        self.plan, self.texts, self.device = plan, texts, torch.device(device)
        self.model = Reader(plan.cell, texts.tokenizer.get_vocab_size(), hidden, dropout=plan.dropout).to(self.device)
        self.optimiser = torch.optim.AdamW(
            self.model.parameters(), lr=plan.rate, betas=(0.9, 0.98), weight_decay=plan.decay, fused=True
        )
        self.step, self.epoch, self.in_epoch, self.loss, self.seconds = 0, -1, 0, math.nan, 0.0
        self.state = self.model.start(plan.batch)
        self.windows: Windows | None = None
        self.made_rows = round(plan.made * plan.batch)
        self.made = Made(texts.made, end_of(texts.tokenizer), plan.time, self.made_rows) if self.made_rows else None
        self.pronouns = Pronouns(texts.tokenizer, self.device)
        self.history: list[dict[str, Any]] = []

    def _turn(self, number: int) -> Windows:
        plan = self.plan
        read = epoch(self.texts.train, end_of(self.texts.tokenizer), np.random.default_rng([plan.seed, number]))
        return Windows(read, plan.batch - self.made_rows, plan.time)

    def _window(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of the real text, and beside it of the made text."""
        assert self.windows is not None
        rng = np.random.default_rng([self.plan.seed, self.epoch, self.in_epoch])
        ids, weights, anew = self.windows.next(rng)
        if self.made is None:
            return ids, weights, anew
        made = self.made.next(rng)
        return np.hstack([ids, made[0]]), np.hstack([weights, made[1]]), np.append(anew, made[2])

    def advance(self) -> float:
        """One window: read, learn, and the loss in nats a token."""
        plan, model = self.plan, self.model
        if self.windows is None or self.in_epoch >= self.windows.count:
            self.epoch, self.in_epoch, self.state = self.epoch + 1, 0, model.start(plan.batch)
            self.windows = self._turn(self.epoch)
        ids, weights, anew = self._window()
        row = torch.from_numpy(ids).to(self.device)
        goes_on = torch.from_numpy(~anew).to(self.device).float()[:, None]
        for group in self.optimiser.param_groups:
            group["lr"] = plan.rate_at(self.step)
        model.train()
        before = tuple(value * goes_on for value in self.state)
        x, h, after = model.run(row[:-1], before)
        self.state = tuple(value.detach() for value in after)
        read = model.read(h).flatten(0, 1)
        weight = torch.from_numpy(weights).to(self.device).flatten()
        readout = read, model.embedding.weight, model.bias, row[1:].flatten()
        loss = sampled_loss(*readout, weight, plan.rest) if plan.rest else tied_loss(*readout, weight)
        loss = loss / weight.sum()
        self.optimiser.zero_grad()
        whole = loss + plan.bounded * excess(after)
        if plan.pronouns:
            whole = whole + plan.pronouns * self.pronouns.loss(*readout) / weight.sum()
        if plan.economy:
            whole = whole + plan.economy * model.price(x, h, before[0][0], plan.long)
        whole.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), plan.clip)
        self.optimiser.step()
        self.step, self.in_epoch = self.step + 1, self.in_epoch + 1
        return float(loss.detach())

    def save(self, path: Path) -> None:
        """Whole or not at all: written beside and then moved."""
        assert self.windows is not None
        beside = path.with_suffix(".new")
        torch.save(
            {
                "plan": asdict(self.plan),
                "model": self.model.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "state": self.state,
                "at": torch.from_numpy(self.windows.at.copy()),
                "made_at": torch.from_numpy(self.made.at.copy()) if self.made else None,
                "where": (self.step, self.epoch, self.in_epoch, self.loss),
                "random": torch.get_rng_state(),
                "cuda": torch.cuda.get_rng_state_all() if self.device.type == "cuda" else [],
                "history": self.history,
                "seconds": self.seconds,
            },
            beside,
        )
        os.replace(beside, path)

    def resume(self, path: Path) -> None:
        """Go on from a checkpoint. Raises ValueError if another plan began it, or another version of this file."""
        kept = torch.load(path, map_location=self.device, weights_only=True)
        what_to_do = "remove its folder, or choose another --out"
        if kept["plan"] != asdict(self.plan):
            raise ValueError(f"{path} was begun with {kept['plan']}, not with {asdict(self.plan)}; {what_to_do}")
        try:
            self._take(kept)
        except (KeyError, ValueError, RuntimeError) as error:
            reason = f"{type(error).__name__}: {error}"
            raise ValueError(
                f"{path} was begun by another version of Gatescope ({reason}): go on with that one, or {what_to_do}"
            ) from error

    def _take(self, kept: dict[str, Any]) -> None:
        """What ``save`` wrote."""
        self.model.load_state_dict(kept["model"])
        self.optimiser.load_state_dict(kept["optimiser"])
        self.step, self.epoch, self.in_epoch, self.loss = kept["where"]
        self.state, self.history = tuple(kept["state"]), kept["history"]
        self.seconds = kept.get("seconds", 0.0)
        self.windows = self._turn(self.epoch)
        self.windows.at = kept["at"].cpu().numpy()
        if self.made:
            self.made.at = kept["made_at"].cpu().numpy()
        torch.set_rng_state(kept["random"].cpu())
        if kept["cuda"] and self.device.type == "cuda":
            torch.cuda.set_rng_state_all([state.cpu() for state in kept["cuda"]])


@torch.no_grad()
def bits_per_character(model: Reader, texts: Texts, device: torch.device, most: int | None = None) -> dict[str, float]:
    """Bits of the held-out texts, case, spaces and ends of paragraphs coded, by characters. Each text is read in
    ``ROWS`` parts side by side, each from the state zero.

    most: only so many ids of each text are read.
    """
    model.eval()
    end, found = end_of(texts.tokenizer), {}
    for file, lines in texts.held_out.items():
        whole = as_read(lines, end)
        ids = torch.from_numpy(whole[:most]).to(device)
        steps = -(-(len(ids) - 1) // ROWS)
        places = torch.arange(ROWS * steps, device=device).reshape(ROWS, steps).T
        inside = places < len(ids) - 1
        places = places * inside
        read, _ = model(ids[places], model.start(ROWS))
        targets, weights = ids[places + 1].flatten(), inside.flatten().float()
        loss = tied_loss(read.flatten(0, 1), model.embedding.weight, model.bias, targets, weights)
        share = (len(ids) - 1) / (len(whole) - 1)
        found[file] = float(loss) / math.log(2) / (share * texts.characters[file])
    return found


def gathered(texts: Path, out: Path) -> Texts:
    """The texts as ids, with the pieces that lie in ``out`` once they have been built."""
    out.mkdir(parents=True, exist_ok=True)
    pieces = out / "tokenizer.json"
    found = collect(texts, Tokenizer.from_file(str(pieces)) if pieces.exists() else None)
    if not pieces.exists():
        found.tokenizer.save(str(pieces))
    return found


def only_one(out: Path) -> IO[str]:
    """The lock of a training's folder, held while it is open. Raises ValueError if another training holds it: the two
    would write over each other's checkpoints."""
    lock = open(out / "lock", "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise ValueError(f"another training is under way in {out}; a stopped one counts, too") from error
    return lock


def train(
    plan: Plan,
    texts: Texts,
    out: Path,
    device: str = "cpu",
    begin: Reader | None = None,
    measure_every: int = 5_000_000,
    watch: Watch = lambda steps, first: steps,
    tell: Callable[[str], None] = lambda line: print(line, flush=True),
) -> Run:
    """Train to the end of the plan, going on from the checkpoint in ``out`` if there is one.

    begin: what to start from the weights of. watch: wrapped round the steps (a progress bar).
    tell: is given a line about every two hundred thousand tokens. Ctrl-C and SIGTERM end it after the step under
    way, with a checkpoint.
    """
    with only_one(out):
        run, path = Run(plan, texts, device, begin.hidden if begin else None), out / CHECKPOINT
        if path.exists():
            run.resume(path)
            tell(f"goes on at {run.step * plan.batch * plan.time / 1e6:.1f} M tokens")
        elif begin is not None:
            run.model.load_state_dict(begin.state_dict())
        stopped = False

        def stop(*_: Any) -> None:
            nonlocal stopped
            stopped = True

        for kind in (signal.SIGTERM, signal.SIGINT):
            signal.signal(kind, stop)
        window, saved, begun, since = plan.batch * plan.time, time.monotonic(), time.monotonic(), run.step
        measure_steps = max(1, measure_every // window)
        before, start = run.seconds, time.monotonic()
        for _ in watch(iter(range(run.step, plan.steps)), run.step):
            if stopped:
                break
            loss = run.advance()
            run.seconds = before + time.monotonic() - start
            run.loss = loss if math.isnan(run.loss) else 0.98 * run.loss + 0.02 * loss
            if run.step % measure_steps == 0 or run.step == plan.steps:
                measured = bits_per_character(run.model, run.texts, run.device, MEASURED)
                run.history.append({"tokens": run.step * window, "loss": run.loss, "bits": measured})
                tell("bits a character: " + ", ".join(f"{k.split('/')[-1]} {v:.3f}" for k, v in measured.items()))
            if run.step % LOG_EVERY == 0:
                now = time.monotonic()
                speed = (run.step - since) * window / (now - begun)
                end = datetime.now() + timedelta(seconds=(plan.steps - run.step) * window / speed)
                done, all_of_it = run.step * window / 1e6, plan.steps * window / 1e6
                tell(
                    f"{datetime.now():%H:%M:%S}  {done:.2f} of {all_of_it:.1f} M tokens  "
                    f"loss {run.loss:.3f}  {speed:,.0f} tokens/s  ends {end:%d %b %H:%M}"
                )
                begun, since = now, run.step
            if time.monotonic() - saved > SAVE_SECONDS:
                run.save(path)
                saved = time.monotonic()
        if run.windows is not None:
            run.save(path)
    return run


def scores(model: Reader, read: Tensor) -> Tensor:
    """(..., vocabulary) in float32."""
    return read @ model.embedding.weight.T + model.bias
