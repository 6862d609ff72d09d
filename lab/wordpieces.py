"""The general model's tokenizer: any Unicode string becomes words, pieces of words and bytes.

A text is split into words, digits in a row, single Chinese or Japanese characters and other single characters. A
frequent word is one token. Any other is spelled in pieces, greedily the longest known first (WordPiece, Schuster &
Nakajima 2012): `##ing` continues the word before it. Under the pieces lie the bytes of UTF-8, written in GPT-2's byte
alphabet, so nothing is unknown. Case is folded and curly quotation marks become straight ones.

The vocabulary is written by hand from word counts, not learned: words that a template needs are in it for certain.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from tokenizers.trainers import WordPieceTrainer

CONTINUED = "##"
BYTES = pre_tokenizers.ByteLevel.alphabet()  # the 256 characters that stand for bytes in the vocabulary
CJK = r"\p{Han}\p{Hiragana}\p{Katakana}"
# A word with an apostrophe inside is one word; at most 40 letters, so that a very long one costs no quadratic time.
WORD = (
    rf"[{CJK}]\p{{M}}{{0,8}}"
    rf"|(?:(?![{CJK}])[\p{{L}}\p{{M}}]){{1,40}}(?:'(?:(?![{CJK}])[\p{{L}}\p{{M}}]){{1,40}})?"
    r"|\p{N}{1,20}"
    r"|[^\s\p{L}\p{N}][\p{M}\x{200d}]{0,8}"
)


def splitter(vocabulary: dict[str, int]) -> Tokenizer:
    """A tokenizer with this vocabulary (token -> id), in the byte alphabet."""
    tokenizer = Tokenizer(
        models.WordPiece(
            vocab=vocabulary, unk_token="", max_input_chars_per_word=1000, continuing_subword_prefix=CONTINUED
        )
    )
    quotes = [
        normalizers.Replace(a, b) for a, b in (("\u2019", "'"), ("\u2018", "'"), ("\u201c", '"'), ("\u201d", '"'))
    ]
    tokenizer.normalizer = normalizers.Sequence([normalizers.Lowercase(), *quotes])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(WORD), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def split(text: str, tokenizer: Tokenizer) -> list[str]:
    """The words of a text, in the byte alphabet."""
    assert tokenizer.normalizer and tokenizer.pre_tokenizer
    return [word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(tokenizer.normalizer.normalize_str(text))]


def build(counts: Iterable[tuple[str, float]], certain: Iterable[str], words: int, pieces: int) -> Tokenizer:
    """The tokenizer for these texts.

    counts   texts, each with the weight of its words in the counts
    certain  texts whose words must be tokens
    words    how many whole words and characters, about `pieces` pieces and 300 bytes come on top
    """
    cutter = splitter({})
    total: Counter[str] = Counter()
    for text, weight in counts:
        for word in split(text, cutter):
            total[word] += weight  # type: ignore[assignment]
    sure = list(dict.fromkeys(word for text in certain for word in split(text, cutter)))
    common = [word for word, _ in total.most_common(words)]
    whole = list(dict.fromkeys([*sure, *common]))[: max(words, len(sure))]

    known = set(whole)
    rare = {word: count for word, count in total.items() if word not in known and word.isascii()}
    spelling = Tokenizer(models.WordPiece(unk_token=""))
    trainer = WordPieceTrainer(vocab_size=pieces, continuing_subword_prefix=CONTINUED, show_progress=False)
    spelling.train_from_iterator((word for word, count in rare.items() for _ in range(round(count))), trainer)
    learned = sorted(spelling.get_vocab(), key=spelling.get_vocab().__getitem__)

    tokens = dict.fromkeys([*_letters(), *whole, *learned])
    return splitter({token: k for k, token in enumerate(tokens)})


def _letters() -> list[str]:
    """Every byte that can begin a word, and every one that can continue it."""
    cutter = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    ascii_characters = [cutter.pre_tokenize_str(chr(k))[0][0] for k in range(128) if not chr(k).isupper()]
    beyond = sorted(set(BYTES) - {cutter.pre_tokenize_str(chr(k))[0][0] for k in range(128)})
    inside = [*"abcdefghijklmnopqrstuvwxyz0123456789'", *beyond]
    return [*ascii_characters, *beyond, *(CONTINUED + c for c in inside)]
