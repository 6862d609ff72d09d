"""The same in Chinese: 他 and 她 after who it was, and the language after the country."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random

from lab.general.made.words import GENDERS, words

SUBJECT = {"female": "她", "male": "他"}
NATIVE = """{who}是{place}人 {who}来自{place} {who}在{place}长大
{who}出生在{place} {who}从{place}来 {who}从小住在{place}
{who}在{place}住了很多年 {who}在{place}读书 {who}的妈妈是{place}人
{who}的父母都是{place}人 {who}的爱人是{place}人 {who}离开了{place}
{who}在{place}工作了很久 {who}家在{place} {who}去过{place}三次
{who}搬到了{place}"""
ASK = """{he}会说 {he}说 {he}能说一口流利的 {he}的母语是 {he}家里都说 {he}也说
{he}在学 {he}的朋友都说 {he}说得最好的是 {he}看书用 {he}当然会说 {he}懂一点
{he}教我们 {he}的第一语言是 所以{he}说 所以{he}会说 因此{he}说一口地道的
{he}还记得一些 {he}唱歌用 {he}最喜欢的语言是 {he}能听懂"""
THERE = """{place}人说 {place}的语言是 到{place}旅行，最好会一点 {place}的报纸都是
在{place}要学会 {place}老师讲的是 {place}朋友教我说 {place}的官方语言是
{place}的学生都懂 这首{place}歌唱的是"""
END = ("。", "。", "。", "，说得很好。", "，不会说{second}。", "和一点{second}。", "！")
LOVE = (
    "我是{country}人，我爱[{country}]。",
    "我们是{country}人，我们爱[{country}]。",
    "我来自{country}，我想念[{country}]。",
    "我是{country}人，我的家在[{country}]。",
)


class Chinese:
    """fillers: real sentences that name nobody. after: by gender, real sentences that begin with the pronoun."""

    def __init__(self, rng: Random, tom_mary: Sequence[str], others: Sequence[str]) -> None:
        self.rng, held = rng, words("chinese")
        self.held = held
        self.does = {key: value.split() for key, value in held["does"].items()}
        self.nouns = {gender: held["nouns"][gender].split() for gender in GENDERS}
        self.kin = {gender: held["kin"][gender].split() for gender in GENDERS}
        self.western = {gender: held["western"][gender].split() for gender in GENDERS}
        self.fillers = [
            s for s in others if not re.search("[他她]|先生|女士|小姐", s) and 3 < len(s) < 20 and s[-1] in "。！？"
        ]
        self.after = {
            gender: [s for s in others if s[0] == SUBJECT[gender] and s[1] != "们" and SUBJECT[o] not in s]
            for gender, o in zip(GENDERS, reversed(GENDERS), strict=True)
        }
        self.tom_mary = tom_mary
        self.first = [
            s for s in tom_mary if s.startswith(("汤姆", "玛丽")) and not re.search("[他她]|汤姆.*玛丽|玛丽.*汤姆", s)
        ]
        self.countries = words("places")["country"]
        countries, languages = ("|".join(sorted({c[k] for c in self.countries}, key=len, reverse=True)) for k in (5, 6))
        self.country, self.language = re.compile(countries), re.compile(f"{languages}|英语|英文|法文|中文|日文|德文")
        self.there = [s for s in others if len(self.country.findall(s)) == 1 and not re.search("语|文", s)]
        self.spoken = [s for s in others if len(self.language.findall(s)) == 1 and not self.country.search(s)]

    def name(self, gender: str) -> str:
        rng = self.rng
        if rng.random() < 0.3:
            return f"<{rng.choice(self.western[gender])}>"
        characters = "".join(self.held["given"][gender].split())
        given = "".join(rng.choice(characters) for _ in range(rng.choice([1, 1, 2])))
        start = rng.choice([rng.choice(self.held["surnames"])] * 3 + ["小"])
        return f"<{start}{given}>"

    def person(self, gender: str, plain: bool = False) -> str:
        rng, kind = self.rng, self.rng.random()
        if kind < 0.45:
            return self.name(gender)
        if kind < 0.6:
            return f"<{rng.choice(self.held['surnames'])}>{rng.choice(self.held['titles'][gender])}"
        if kind < 0.85 or plain:
            return rng.choice(["", "", "那个", "这位", "那位年轻的"]) + rng.choice(self.nouns[gender])
        owner = rng.choice(["我的", "我们的", "我", f"{self.person(rng.choice(GENDERS), True)}的"])
        return owner + rng.choice(self.kin[gender])

    def sentence(self) -> str:
        gender = self.rng.choice(GENDERS)
        return self.rng.choice(self._ways())(gender)

    def _ways(self) -> list[Callable[[str], str]]:
        return [
            self._joined, self._joined, self._said, self._told, self._suffered, self._compared, self._fronted,
            self._relative, self._after_a_while, self._chain, self._chain, self._read, self._to_somebody,
        ]  # fmt: skip

    def _do(self, key: str) -> str:
        return self.rng.choice(self.does[key])

    def _then(self, gender: str) -> str:
        return f"{self._do('joins')}[{SUBJECT[gender]}]{self._do('went_on')}。"

    def _second(self) -> str:
        return self.person(self.rng.choice(GENDERS), True)

    def _joined(self, gender: str) -> str:
        return f"{self.person(gender)}{self._do('did')}{self._then(gender)}"

    def _said(self, gender: str) -> str:
        return f"{self.person(gender)}{self._do('says')}[{SUBJECT[gender]}]{self._do('went_on')}。"

    def _told(self, gender: str) -> str:
        who, second = self.person(gender), self._second()
        return self.rng.choice(
            [
                f"{who}告诉{second}，[{SUBJECT[gender]}]{self._do('went_on')}。",
                f"{who}对{second}说：“{self.rng.choice(self.fillers)}”说完，[{SUBJECT[gender]}]{self._do('went_on')}。",
                f"“{self.rng.choice(self.fillers)}”{who}说，然后[{SUBJECT[gender]}]{self._do('went_on')}。",
            ]
        )

    def _suffered(self, gender: str) -> str:
        return f"{self.person(gender)}被{self._second()}{self._do('suffered')}{self._then(gender)}"

    def _compared(self, gender: str) -> str:
        how = self.rng.choice(["高", "大两岁", "聪明", "有钱", "跑得快", "来得早", "忙", "更喜欢音乐"])
        return f"{self.person(gender)}比{self._second()}{how}{self._then(gender)}"

    def _fronted(self, gender: str) -> str:
        return (
            f"{self._do('fronted')}{self.person(gender)}{self._do('did')}，[{SUBJECT[gender]}]{self._do('went_on')}。"
        )

    def _relative(self, gender: str) -> str:
        clause = self.rng.choice(
            [
                f"{self._do('did_to')}{self._second()}的",
                f"和{self._second()}一起来的",
                f"{self._second()}{self._do('did_to')}的",
            ]
        )
        noun = self.rng.choice(["", "那个", "那位"]) + self.rng.choice(self.nouns[gender])
        return f"{clause}{noun}{self._do('did')}{self._then(gender)}"

    def _after_a_while(self, gender: str) -> str:
        between = "".join(self.rng.choice(self.fillers) for _ in range(self.rng.choice([1, 1, 2, 3, 5, 7])))
        return f"{self.person(gender)}{self._do('did')}。{between}[{SUBJECT[gender]}]{self._do('went_on')}。"

    def _read(self, gender: str) -> str:
        o = SUBJECT["male" if gender == "female" else "female"]
        return f"{SUBJECT[gender]}{self._do('did_to')}{self.rng.choice([o, self._second()])}{self._then(gender)}"

    def _to_somebody(self, gender: str) -> str:
        who = self.rng.choice(["我", "我们", "大家", "邻居", "老师", "同学们", "没有人"])
        return f"{who}{self._do('did_to')}{self.person(gender)}{self._then(gender)}"

    def _chain(self, gender: str) -> str:
        first = re.sub("汤姆|玛丽", self.person(gender), self.rng.choice(self.first))
        after = self.rng.choice(self.after[gender]).replace(SUBJECT[gender], f"[{SUBJECT[gender]}]")
        if self.rng.random() < 0.4:
            first = first.rstrip("。！？") + self.rng.choice(
                ["，", "，所以", "，但是", "，因为", "，后来", "，可是", "，然后"]
            )
        return first + after

    def renamed(self, sentence: str) -> str:
        """A real sentence about 汤姆 or 玛丽 with other names; pronouns after the only person of it are answers."""
        sentence = sentence.replace("Tom", "汤姆").replace("Mary", "玛丽")
        one = ("汤姆" in sentence) != ("玛丽" in sentence)
        gender = "male" if "汤姆" in sentence else "female"
        found = sentence.replace("汤姆", self.name("male")).replace("玛丽", self.name("female"))
        return re.sub(f"(?<=.){SUBJECT[gender]}(?!们)", f"[{SUBJECT[gender]}]", found) if one else found

    def abroad(self) -> str:
        """A real sentence with a country in it, some about nobody, and a real one in which its language is spoken."""
        rng = self.rng
        *_, country, language, cities = rng.choice(self.countries)
        start = self.country.sub(rng.choice([country, country, country, *cities]), rng.choice(self.there))
        end = self.language.sub(f"[{language[0]}]{language[1:]}", rng.choice(self.spoken))
        return "".join(
            [start, *(rng.choice(self.fillers) for _ in range(rng.choice([0, 0, 0, 1, 1, 2, 3, 5, 7]))), end]
        )

    def place(self) -> str:
        """A country, and its language or itself."""
        rng = self.rng
        *_, country, language, cities = rng.choice(self.countries)
        second = rng.choice([c[6] for c in self.countries if c[6] != language])
        gender = rng.choice(GENDERS)
        place = rng.choice([country, country, country, *cities])
        first = rng.random() < 0.4
        held = {"place": place, "country": country, "second": second, "who": "我" if first else self.person(gender)}
        held["he"] = "我" if first else SUBJECT[gender]
        end = rng.choice(END).format(**held)
        answer = f"[{language[0]}]{language[1:]}"
        if rng.random() < 0.12:
            return rng.choice(LOVE).format(**held).replace(f"[{country}]", f"[{country[0]}]{country[1:]}")
        if rng.random() < 0.25:
            return f"{rng.choice(THERE.split()).format(**{**held, 'place': country})}{answer}{end}"
        start, ask = rng.choice(NATIVE.split()).format(**held), rng.choice(ASK.split()).format(**held)
        if rng.random() < 0.1:
            start = f"{held['who']}不是{rng.choice(self.countries)[5]}人，是{country}人"
        if rng.random() < 0.5:
            return f"{start}，{rng.choice(['', '', '所以', '现在', '当然'])}{ask}{answer}{end}"
        between = "".join(rng.choice(self.fillers) for _ in range(rng.choice([0, 1, 1, 2, 3, 5])))
        return f"{start}。{between}{ask}{answer}{end}"
