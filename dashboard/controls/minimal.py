"""A minimal pair of a text: the same with one word changed, so that what becomes different is due to that word.

Changed is a person to one of the other gender, else a country to another, a noun to its other number, a pronoun to the
other: the first of them, of the words that the models are taught with.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache

from dashboard.figures.meaning import HAN, PRONOUNS, WORDS
from lab.tasks import chinese, english
from lab.tasks.lexicon import lexicon

KIN = (
    "妈妈 爸爸|姐姐 哥哥|妹妹 弟弟|奶奶 爷爷|外婆 外公|阿姨 叔叔|女儿 儿子|妻子 丈夫|女王 国王|公主 王子|孙女 孙子|"
    "母亲 父亲|皇后 皇帝|新娘 新郎|大姐 大哥|姑娘 小伙子|女士 先生|小姐 先生|太太 先生"
)
"""Chinese counterparts that are not told by 女 and 男; a word's first one counts."""
FIRST = {english.FEMALE: ("mary", "anna"), english.MALE: ("john", "tom")}
"""Names that are proposed before the others."""


def minimal_pair(text: str, known: Callable[[str], bool] = bool) -> str:
    """``text`` with one word changed to its counterpart; empty where no counterpart is known. known: whether a word may
    be proposed, such as one that a model can read."""
    for kind in (_persons(), _countries(), _numbers(), _pronouns()):
        for match in _found(text, kind):
            others = [_as(match[0], other) for other in kind[match[0].lower()]]
            there = {one.group().lower() for one in _found(text, kind)}
            fresh = [other for other in others if other.lower() not in there]
            for other in fresh if len(others) > 1 else others:  # of many, one that is nobody else's in the text
                if known(other):
                    return text[: match.start()] + other + text[match.end() :]
    return ""


Counterparts = Mapping[str, tuple[str, ...]]
"""By word, in small letters, what may stand in its place, the first that suits is taken."""


def _found(text: str, kind: Counterparts) -> Iterator[re.Match[str]]:
    """Words of a kind: Latin ones whole, names with a capital where the text has any; of Chinese ones the longest."""
    small = text == text.lower()
    for match in re.finditer(_pattern(tuple(word for word in kind if HAN.search(word))), text):
        word = match[0].lower()
        capital = small or match[0][0].isupper() and match[0] not in WORDS
        if word in kind and (capital or word not in _names()):
            yield match


@cache
def _pattern(chinese: tuple[str, ...]) -> str:
    """Chinese words stand without spaces."""
    return "|".join([*sorted(chinese, key=len, reverse=True), f"[^\\W\\d_{HAN.pattern[1:-1]}]+"])


def _as(word: str, other: str) -> str:
    return other.upper() if word.isupper() and len(word) > 1 else other.title() if word[:1].isupper() else other


@cache
def _names() -> Mapping[str, str]:
    """Gender by name."""
    return {name: gender for gender, names in english.lexicon()["names"].items() for name in names}


@cache
def _persons() -> Counterparts:
    female, male = english.lexicon()["nouns"][english.FEMALE], english.lexicon()["nouns"][english.MALE]
    found = _both(zip(female, male, strict=False))
    found |= _both(pair.split() for pair in KIN.split("|"))
    of = chinese.lexicon()["nouns"]
    found |= _both(("女" + noun[1:], noun) for noun in of[english.MALE] if noun.startswith("男"))
    for name, gender in _names().items():
        of_other = english.other(gender)
        found.setdefault(name, (*FIRST[of_other], *english.lexicon()["names"][of_other]))
    return found


@cache
def _countries() -> Counterparts:
    found = {}
    for at, language in ((0, 1), (2, 3)):
        rows = lexicon()["countries"]
        for row in rows:
            others = tuple(one[at] for one in rows if one[language] != row[language])
            found[row[at].lower()] = tuple(one.lower() if at == 0 else one for one in others)
    return found


@cache
def _numbers() -> Counterparts:
    return _both(lexicon()["nouns"])


@cache
def _pronouns() -> Counterparts:
    return _both(PRONOUNS)


def _both(pairs: Iterable[Sequence[str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for one, other in pairs:
        found.setdefault(one, (other,))
        found.setdefault(other, (one,))
    return found
