"""What the general models are measured on: text they were not trained on, and the units that follow something in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import numpy as np

from lab import corpus
from lab.measures.ngram import KneserNey
from lab.measures.units import best_unit, memory, unit_accuracy
from lab.tasks.english import FEMALE, GENDERS, PRONOUN, other
from lab.tasks.rows import encode, read
from lab.tasks.templates import PRONOUN_CHINESE, Composer, Doc, PhraseWriter, story_doc
from lstm_core.network import Network

BITS_PER_CHARACTER = (
    "Bits of every token of the held-out last twentieth of each of Austen's six novels, pieces of unknown words "
    "included, each read from the state zero, divided by all characters of that text, spaces and ends of paragraphs "
    "included. Case and spacing are not coded. The 5-gram (interpolated Kneser-Ney) codes the same tokens and was "
    "trained on the rest of the novels, as the network was."
)


def log_probabilities(model: Network, h: np.ndarray) -> np.ndarray:
    """(steps, vocabulary), natural logarithm, from h (steps, hidden)."""
    scores = model.predicts.scores(h)
    scores -= scores.max(-1, keepdims=True)
    return scores - np.log(np.exp(scores).sum(-1, keepdims=True))


def bits(model: Network, texts: Sequence[str]) -> float:
    """Bits to code every token of these texts but each text's first, which nothing comes before."""
    rows = encode(model, texts)
    h = read(model, rows)["h"]
    total = 0.0
    for k, row in enumerate(rows):
        for start in range(0, len(row) - 1, 2000):
            stop = min(start + 2000, len(row) - 1)
            logs = log_probabilities(model, h[start:stop, k])
            total -= float(logs[np.arange(stop - start), row[start + 1 : stop + 1]].sum(dtype=np.float64))
    return total / np.log(2)


def five_gram_bits(model: Network, order: int = 5) -> float:
    """`bits` of the held-out novels by an interpolated Kneser-Ney model of the same tokens of the same novels."""
    train, held_out = corpus.austen()
    ngram = KneserNey(encode(model, train), order, model.tokenizer.size)
    return sum(ngram.bits(row, first=1) for row in encode(model, held_out))


def characters(texts: Sequence[str]) -> int:
    """All characters, spaces and ends of paragraphs with them."""
    return sum(map(len, texts))


# -- answers ---------------------------------------------------------------------------------------------------------


def last_answer_right(model: Network, docs: Sequence[Doc]) -> float:
    """Share of texts whose last answer is right: likelier than the wrong one, or likeliest of all if none is given."""
    before = encode(model, [doc.text[: doc.answers[-1][0]] for doc in docs])
    h = read(model, before)["h"]
    right = []
    for k, (row, doc) in enumerate(zip(before, docs, strict=True)):
        logs = log_probabilities(model, h[len(row) - 1, k][None])[0]
        _, answer, wrong = doc.answers[-1]
        (first, *_), second = model.tokenizer.encode(answer), model.tokenizer.encode(wrong)
        right.append(logs[first.id] > logs[second[0].id] if second else logs.argmax() == first.id)
    return float(np.mean(right))


def english_probes(composer: Composer, seed: int, count: int, distance: int = 0) -> list[Doc]:
    """Held-out texts that end with he or she; half have a subject of the other gender before, half a distractor."""
    rng, found = Random(seed), []
    for k in range(count):
        writer = PhraseWriter(rng, held_out=True)
        writer.phrases = composer.phrases
        gender = GENDERS[k % 2]
        story = writer.probe(gender, before=other(gender) if k & 2 else "", distractor=bool(k & 4), distance=distance)
        found.append(story_doc(story))
    return found


def chinese_probes(composer: Composer, count: int, gap: int = 0) -> list[Doc]:
    """The same in Chinese; `gap` sentences between subject and pronoun."""
    found = []
    for k in range(count):
        gender = GENDERS[k % 2]
        genders = [other(gender), gender] if k & 2 else [gender]
        found.append(composer.pronoun_chinese(genders, gap, bool(k & 4)))
    return found


def country_probes(composer: Composer, gap: int, repeats: int = 4, chinese: bool = False) -> list[Doc]:
    """Every country `repeats` times, at least `gap` words or characters of held-out sentences before the language."""
    write: Callable[..., Doc] = composer.country_chinese if chinese else composer.country
    return [write(entry, gap) for entry in composer.words["countries"] for _ in range(repeats)]


def cloud_probes(composer: Composer) -> list[Doc]:
    """The clouds in every frame, after nothing and after a held-out phrase."""
    found = []
    for frame in composer.words["fact_frames"]:
        text = frame.format(thing="clouds", where="in the", place="sky")
        text = text.replace("[sky]", "sky")
        for before in ("", f"{composer._filler()} . "):
            found.append(Doc(before + text, ((len(before) + text.index("sky"), "sky", ""),), "cloze"))
    return found


# -- units -----------------------------------------------------------------------------------------------------------


def gender_samples(model: Network, docs: Sequence[Doc]) -> tuple[np.ndarray, np.ndarray]:
    """The memory just before every pronoun, and whether it is she."""
    rows, places, labels = [], [], []
    she = {PRONOUN[FEMALE], PRONOUN_CHINESE[FEMALE]}
    both = she | {PRONOUN[g] for g in GENDERS} | set(PRONOUN_CHINESE.values())
    for doc in docs:
        tokens = model.tokenizer.encode(doc.text)
        steps = {token.start: k for k, token in enumerate(tokens)}
        for start, answer, _ in doc.answers:
            if answer in both:
                places.append((steps[start] - 1, len(rows)))
                labels.append(answer in she)
        rows.append([token.id for token in tokens])
    time, row = np.array(places).T
    name = memory(model)
    return read(model, rows)[name][time, row], np.array(labels)


def quote_samples(model: Network, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """The memory after every token of novels, and whether it stands inside quotation marks.

    Left out: the marks themselves, and paragraphs with an odd number of marks (a speech that goes on in the next one).
    """
    rows, places, labels = [], [], []
    for k, text in enumerate(texts):
        inside, use, row = False, True, []
        start = 0
        ends = {}
        for paragraph in text.splitlines(keepends=True):
            ends[start] = paragraph.count('"') % 2 == 0
            start += len(paragraph)
        starts, current = sorted(ends), 0
        for step, token in enumerate(model.tokenizer.encode(text)):
            while current < len(starts) and token.start >= starts[current]:
                inside, use = False, ends[starts[current]]
                current += 1
            if token.text == '"':
                inside = not inside
            elif use:
                places.append((step, k))
                labels.append(inside)
            row.append(token.id)
        rows.append(row)
    time, row = np.array(places).T
    name = memory(model)
    return read(model, rows)[name][time, row], np.array(labels)


def find_units(model: Network, composer: Composer) -> dict[str, dict[str, Any]]:
    """The units that follow the subject's gender (both languages) and quotation marks, each scored on other text."""

    def docs(kind: Callable[[], Doc]) -> list[Doc]:
        return [kind() for _ in range(200)]

    def unit(k: int, threshold: float, **more: Any) -> dict[str, Any]:
        return {"layer": 0, "direction": 0, "unit": k, "signal": memory(model), "threshold": threshold, **more}

    chosen, threshold, sign = best_unit(*gender_samples(model, docs(composer.pronoun) + docs(composer.pronoun_chinese)))
    english = unit_accuracy(*gender_samples(model, docs(composer.pronoun)), chosen, threshold, sign)
    chinese = unit_accuracy(*gender_samples(model, docs(composer.pronoun_chinese)), chosen, threshold, sign)
    scores = {"accuracy": min(english, chinese), "accuracy_english": english, "accuracy_chinese": chinese}
    gender = unit(chosen, threshold, meaning="gender of the subject", female_above=sign > 0, **scores)

    held_out = corpus.austen()[1]
    chosen, threshold, sign = best_unit(*quote_samples(model, held_out[::2]))
    accuracy = unit_accuracy(*quote_samples(model, held_out[1::2]), chosen, threshold, sign)
    quote = unit(chosen, threshold, meaning="inside quotation marks", inside_above=sign > 0, accuracy=accuracy)
    return {"gender": gender, "quote": quote}


def measure(model: Network, composer: Composer, seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """(metrics, units), as `Recipe.measure` gives them."""
    held_out = corpus.austen()[1]
    units = find_units(model, composer)
    metrics = {
        "bits_per_character": bits(model, held_out) / characters(held_out),
        "bits_per_character_5_gram": five_gram_bits(model) / characters(held_out),
        **answers(model, composer, seed),
        "gender_unit_english": units["gender"]["accuracy_english"],
        "gender_unit_chinese": units["gender"]["accuracy_chinese"],
        "quote_unit": units["quote"]["accuracy"],
    }
    return {name: round(float(value), 4) for name, value in metrics.items()}, units


def answers(model: Network, composer: Composer, seed: int, count: int = 400) -> dict[str, float]:
    """The shares of right answers, by name."""
    return {
        "pronouns_english": last_answer_right(model, english_probes(composer, seed, count)),
        "pronouns_english_100_words": last_answer_right(model, english_probes(composer, seed, count // 2, 100)),
        "pronouns_chinese": last_answer_right(model, chinese_probes(composer, count)),
        "pronouns_chinese_8_sentences": last_answer_right(model, chinese_probes(composer, count // 2, 8)),
        **{
            f"country_{gap}_words": last_answer_right(model, country_probes(composer, gap)) for gap in (0, 20, 100, 150)
        },
        "country_chinese": last_answer_right(model, country_probes(composer, 0, chinese=True)),
        "country_chinese_60_characters": last_answer_right(model, country_probes(composer, 60, chinese=True)),
        "agreement": last_answer_right(model, [composer.agreement(k % 4) for k in range(count)]),
        "clouds": last_answer_right(model, cloud_probes(composer)),
    }
