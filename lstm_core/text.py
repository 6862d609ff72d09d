"""str -> tokens that know where in the text they were read. The work is done by the Hugging Face ``tokenizers``
library."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lstm_core.kinds import kinds
from lstm_core.say import say

UNKNOWN = "<unk>"
SPACES = (" ", "\N{LOWER ONE EIGHTH BLOCK}", "\N{LATIN CAPITAL LETTER G WITH DOT ABOVE}")
"""How vocabularies spell the space that a piece may begin with: as it is, SentencePiece's way, and GPT-2's."""

SURROGATES = re.compile("[\ud800-\udfff]")
"""Halves of characters, which are none."""


@dataclass(frozen=True)
class Token:
    """One input of the network. ``text`` is what stands at ``start:end`` of the sentence, in characters of Python's
    ``str``; of what is read before every text (``BEGINS``), at 0:0, that.

    ``id`` is what the network reads. ``known`` is False where the vocabulary has no entry and the network reads
    ``<unk>``. ``word`` numbers the words of the sentence: the pieces of one word share it. ``piece`` is the
    vocabulary's own spelling.
    """

    text: str
    start: int
    end: int
    id: int
    piece: str
    known: bool
    word: int


CHARACTERS, BEGINS = "Characters", "Begins"
"""Normalizers of our own, before those of the library. ``{"type": "Characters", "from": "漢國", "to": "汉国"}`` reads
each character of one text as that in the same place of the other: the library has nothing of the kind but a rule for
each character. ``{"type": "Begins", "with": "\\n"}`` has a piece read before each text, as one was in training."""


class Tokenizer:
    """A ``tokenizers.Tokenizer``, kept as its JSON text so that it travels in a model's header.

    The text may hold two rules more than the library knows, ``CHARACTERS`` and ``BEGINS``.
    rows: how many ids there are, if more than the tokenizer has; one that it has no piece for is called "#17".
    by: "word" or "character" where a text could be cut either way. assumed: what was taken for granted of it.

    Raises ValueError if ``json`` is not a tokenizer.
    """

    by: str | None = None
    assumed: tuple[str, ...] = ()

    def __init__(self, json: str, rows: int = 0) -> None:
        """json: a ``tokenizers.Tokenizer`` as its text. rows: as in the class."""
        self.json, self.rows = json, rows
        self._shown: dict[int, str] = {}  # by id: the same words are read and expected again and again
        from tokenizers import Tokenizer as HuggingFaceTokenizer

        try:
            own, standard = _own_rules(json)
            self._read_as = _characters(own)
            self._tokenizer = HuggingFaceTokenizer.from_str(standard)
            self._begin = self._beginning(own)
        except BaseException as error:
            if not _is_the_librarys(error):
                raise
            raise ValueError(
                say("this is not a tokenizer of the tokenizers library: {error}", error=str(error))
            ) from error

    @property
    def size(self) -> int:
        """How many ids there are."""
        return max(self.rows, self._tokenizer.get_vocab_size())

    @cached_property
    def pieces(self) -> tuple[str, ...]:
        """The vocabulary in the order of its ids."""
        return tuple(map(self._piece, range(self.size)))

    def _piece(self, id: int) -> str:
        return self._tokenizer.id_to_token(id) or f"#{id}"

    @kinds
    def id(self, piece: str) -> int:
        """The id of a word that is one piece, or of a piece; ValueError if the vocabulary does not hold it.

        Where pieces begin with the space before a word, "he" is the word and not what goes on another ("t" + "he").
        A mark or a digit is what is read of it where a text begins: of the general models, which put a space there, '"'
        is the one that opens a quotation. The one that closes it is known by its place in ``pieces``.
        """
        found = None
        if not SURROGATES.search(piece):
            ways = (self._tokenizer.token_to_id, self._nameless, self._alone)
            ways = (self._word, *ways) if self.marks_words else ways
            found = next((id for way in ways if (id := way(piece)) is not None), None)
        if found is None:
            raise ValueError(say("{piece!r} is not in this model's vocabulary of {size}", piece=piece, size=self.size))
        return found

    @cached_property
    def marks_words(self) -> bool:
        """Whether the space before a word stands at the beginning of its first piece."""
        return any(piece.startswith(SPACES) and len(piece) > 1 for piece in self.pieces)

    @cached_property
    def spells_spaces(self) -> bool:
        """Whether spaces are read: at the beginning of pieces, or as one."""
        return self.marks_words or " " in self.pieces

    def _word(self, text: str) -> int | None:
        """The id of a text that is read as one piece and is no spelling of the vocabulary's own."""
        if text.startswith(SPACES[1:]):
            return None
        found = self._alone(text)
        goes_on = found is not None and text[:1].isalpha() and self._piece(found)[:1] == text[:1]
        spaced = self._alone(f" {text}") if goes_on else None  # where only a space that is written begins a word
        if spaced is not None and self._piece(spaced).startswith(SPACES) and len(self._piece(spaced)) > 1:
            return spaced
        return found

    def _alone(self, text: str) -> int | None:
        """The id of a text that is read as one piece, which is known."""
        try:
            ids = self._tokenizer.encode(text.translate(self._read_as), add_special_tokens=False).ids
        except BaseException as error:
            if not _is_the_librarys(error):
                raise
            return None
        return ids[0] if len(ids) == 1 and ids[0] != self._unknown else None

    @cached_property
    def _unknown(self) -> int | None:
        """The id that is read where the vocabulary has no entry."""
        model: Any = self._tokenizer.model
        if type(model).__name__ == "Unigram":  # which says its number alone, and that in its text alone
            return json.loads(self._tokenizer.to_str())["model"].get("unk_id")
        return self._tokenizer.token_to_id(getattr(model, "unk_token", None) or UNKNOWN)

    def _nameless(self, piece: str) -> int | None:
        """The id that is called "#17" for want of a piece."""
        number = re.fullmatch("#([0-9]{1,9})", piece)
        id = int(number[1]) if number else self.size
        return id if id < self.size and self._piece(id) == piece else None

    @kinds
    def display(self, id: int) -> str:
        """A piece as shown to a reader: without the marks and the byte spelling that the vocabulary uses inside."""
        if id not in self._shown:
            self._shown[id] = self._display(id)
        return self._shown[id]

    def _display(self, id: int) -> str:
        piece, text = self._piece(id), self.decode([id])
        # Half a character's bytes decode to nothing that can be read; they are shown as numbers then.
        return _bytes(piece) if "\N{REPLACEMENT CHARACTER}" in text else text.removeprefix("##") or piece

    def decode(self, ids: Sequence[int]) -> str:
        """The text that these ids spell, without what the vocabulary uses inside; an id without a piece spells nothing.

        Raises ValueError for an id that there is not.
        """
        given, size = list(ids), self.size
        for id in given:
            if not 0 <= id < size:
                told = {"number": id, "count": size}
                raise ValueError(say("there is no word {number}; there are {count:,}, from 0 on", **told))
        return self._tokenizer.decode(given, skip_special_tokens=False)

    @kinds
    def encode(self, text: str, begins: bool = True) -> tuple[Token, ...]:
        """The tokens of ``text``, in order; what lies between their spans is white space or characters of no meaning.

        A character that is spelled in bytes gives several tokens with the same span. Where something is read before
        every text (``BEGINS``), the first token is that, at (0, 0); not before an empty text.

        begins: whether the text is a whole one; False for a word, or for a part that something was read before.
        Raises ValueError for a text that the tokenizer cannot read.
        """
        text = text.encode("utf-8", "replace").decode("utf-8")  # half a surrogate pair is no character
        try:
            encoding: Any = self._tokenizer.encode(text.translate(self._read_as), add_special_tokens=False)
        except BaseException as error:
            if not _is_the_librarys(error):
                raise
            raise ValueError(say("the tokenizer cannot read this text: {error}", error=str(error))) from error
        unknown = self._unknown
        tokens: list[Token] = []
        stop, last = len(text), (-1, -1)
        for id, piece, span, word in zip(
            *map(reversed, (encoding.ids, encoding.tokens, encoding.offsets, encoding.word_ids)), strict=True
        ):
            # Where accents change places in the tokenizer's reading, spans overlap: a letter belongs to the later one.
            start, end = span[0], max(span[0], min(span[1], stop)) if span != last else span[1]
            word = -1 if word is None else word
            put_in = piece in SPACES and text[start:end] == "\n"  # before what begins a line
            if tokens and (span == last or start == end or put_in):
                # Another byte of the same character; or a space that the tokenizer put in, which stands where the word
                # begins.
                start, end = tokens[-1].start, tokens[-1].end
                word = tokens[-1].word if span != last else word
            else:
                last = span
                if piece[0] in SPACES:  # the reader is shown the word, not the space before it
                    start = end - len(text[start:end].lstrip() or text[start:end])
                while end < stop and unicodedata.combining(text[end]):  # accents that were put on the letter
                    end += 1
            stop = start
            tokens.append(Token(text[start:end], start, end, id, piece, id != unknown, word))
        tokens.reverse()
        return (*self._begin, *tokens) if begins and tokens else tuple(tokens)

    def _beginning(self, own: Mapping[str, Any]) -> tuple[Token, ...]:
        """What ``BEGINS`` says. Raises ValueError if the vocabulary does not hold it."""
        if BEGINS not in own:
            return ()
        piece = own[BEGINS].get("with")
        id = self._tokenizer.token_to_id(piece) if isinstance(piece, str) else None
        if id is None:
            raise ValueError(f"{BEGINS} is no piece of the vocabulary")
        return (Token(piece, 0, 0, id, piece, True, -1),)

    def __eq__(self, other: object) -> bool:
        """Equal if their JSON texts are: they then cut every text alike."""
        return isinstance(other, Tokenizer) and self.json == other.json

    def __hash__(self) -> int:
        """Of the JSON text, so that a reading can be cached by its tokenizer."""
        return hash(self.json)


def _own_rules(text: str) -> tuple[dict[str, Any], str]:
    """The rules of our own with which the normalizers of a tokenizer's JSON text begin, by type, and the text without
    them."""
    if not any(f'"{kind}"' in text for kind in (CHARACTERS, BEGINS)):
        return {}, text
    content = json.loads(text)
    rule = content.get("normalizer") if isinstance(content, dict) else None
    rules = rule.get("normalizers", [rule]) if isinstance(rule, dict) else []
    rules, own = list(rules) if isinstance(rules, list) else [], {}
    while rules and isinstance(rules[0], dict) and rules[0].get("type") in (CHARACTERS, BEGINS):
        first = rules.pop(0)
        own[first["type"]] = first
    if not own:
        return {}, text
    content["normalizer"] = {"type": "Sequence", "normalizers": rules}
    return own, json.dumps(content)


def _characters(own: Mapping[str, Any]) -> dict[int, str]:
    """What ``CHARACTERS`` says, as ``str.translate`` takes it. Raises ValueError if these are not two texts of one
    length."""
    if CHARACTERS not in own:
        return {}
    these, those = own[CHARACTERS].get("from"), own[CHARACTERS].get("to")
    if not (isinstance(these, str) and isinstance(those, str)):
        raise ValueError(f"{CHARACTERS} goes from one text to another")
    return {ord(one): other for one, other in zip(these, those, strict=True)}


def _is_the_librarys(error: BaseException) -> bool:
    """The library raises bare Exception, and where its own code fails a PanicException, which is not even one."""
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


def _bytes(piece: str) -> str:
    """The bytes of a piece, as "0xE4 0xBA"; a piece that is not spelled in the letters for bytes is shown as it is."""
    if re.fullmatch("<0x[0-9A-F]{2}>", piece):  # how a vocabulary with byte fallback spells one
        return piece[1:-1]
    letters = piece.removeprefix("##")
    bytes_only = BYTE_LETTERS.keys() >= set(letters)
    return " ".join(f"0x{BYTE_LETTERS[letter]:02X}" for letter in letters) if bytes_only else piece


_PRINTED = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
_OTHERS = [byte for byte in range(0x100) if byte not in _PRINTED]
BYTE_LETTERS = {chr(byte): byte for byte in _PRINTED} | {chr(0x100 + k): byte for k, byte in enumerate(_OTHERS)}
"""The letter that stands for each byte in byte-level vocabularies, GPT-2's and those after it."""
