"""Made text says what it should, weighs what it should, and shares no phrase with the sentences that measure it."""

import json
import re
from pathlib import Path
from random import Random

import numpy as np
import pytest

from lab.general.made.abroad import Abroad
from lab.general.made.chinese import SUBJECT, Chinese
from lab.general.made.everyday import Everyday
from lab.general.made.kin import Kin
from lab.general.made.marked import ANSWER, NAME, OTHER, lines, masked, plain
from lab.general.made.natural import Natural, feminine
from lab.general.made.number import Number
from lab.general.made.people import People
from lab.general.made.places import Places
from lab.general.made.words import GENDERS, made_up, name, names, words
from lab.general.phase2 import LED, SENTENCES, Sentences, Writers, made
from lab.general.pieces import build

FRAME = {"with", "that", "their", "when", "from", "them", "they"}
FREE = Path(__file__).parent / "free_sentences"
TOM_MARY = [
    "Tom had breakfast.",
    "Mary is asleep.",
    "Tom said he lost his hat.",
    "Tom saw Mary.",
    "Mary said she knew Tom.",
]
ENGLISH = [
    "He went home.",
    "She sold her car.",
    "It is raining.",
    "We like tea.",
    "He met her.",
    "That is all!",
    "I know that we like it.",
    "Sami left us.",
]
ABROAD = [
    "Tom went to Japan.",
    "I like Paris.",
    "She speaks French well.",
    "What is that in German?",
    "French bread is good.",
]
OF_ONE = ["He lost his hat.", "She lost her hat.", "He saw himself and laughed.", "He saw her."]
ABROAD_ZH = ["他住在法国。", "我会说英语。", "日本人说日语。"]
TOM_MARY_ZH = ["汤姆有一只狗。", "玛丽在家。", "汤姆说他很忙。"]
CHINESE = ["他走了。", "她很高兴。", "今天天气很好。", "我们喜欢喝茶。"]
OF_HIM, OF_HER = {"he", "him", "his", "himself", "他"}, {"she", "her", "hers", "herself", "她"}


def genders_named(marked: str) -> list[set[str]]:
    """The genders of the lists that each masked first name stands in."""
    given = [one.split()[0] for one in re.findall("<([^>]*)>", marked)]
    return [{g for held in names().values() for g in GENDERS if word in held[g]} for word in given]


def answers(marked: str) -> set[str]:
    return {word.lower() for word in re.findall(r"\[([^\]]*)\]", marked)}


def test_marks_are_taken_off_and_become_weights() -> None:
    assert plain("<Hiroshi> left, so [he] won.") == ("Hiroshi left, so he won.", [(0, 7, NAME), (17, 19, ANSWER)])
    tokenizer = build(["Hiroshi left, so he won."] * 30, ["我走，他也走了。"], size=400)
    held = lines(["<Hiroshi> left, so [he] won.", "我[他]走"], tokenizer)
    assert held.weights is not None and len(held.weights) == len(held.ids) == held.starts[-1]
    by_weight: dict[float, str] = {}
    for id, weight in zip(held.ids[: held.starts[1]].tolist(), held.weights.tolist(), strict=False):
        by_weight[round(weight, 3)] = by_weight.get(round(weight, 3), "") + (tokenizer.id_to_token(id) or "")
    assert by_weight == {NAME: "▁Hiroshi", ANSWER: "▁he", OTHER: "▁left,▁so▁won."}
    assert held.weights[held.starts[1] :].tolist() == pytest.approx([OTHER, ANSWER, OTHER])


def test_a_listed_name_is_of_one_gender_and_one_of_both_tells_nothing() -> None:
    cultures = [held for culture, held in names().items() if culture != "either"]
    female, male = ({word for held in cultures for word in held[gender]} for gender in GENDERS)
    assert not female & male and not (female | male) & set(names()["either"]["female"])
    assert len(female) > 500 and len(male) > 500 and len(cultures) > 15
    rng = Random(0)
    drawn = [name(rng, "female") for _ in range(4000)]
    assert len(set(drawn) & female) > 450
    assert 0.13 < np.mean([word not in female for word in drawn]) < 0.22, "one in seven is nobody's"
    nobody = {made_up(rng) for _ in range(2000)}
    assert not nobody & {"", "He", "She"} and not nobody & (female | male) and len(nobody) > 1900
    ends, starts = ({word[part].lower() for word in nobody} for part in (slice(-2, None), slice(2)))
    assert len(ends) > 100 and len(starts) > 100, "no ending of theirs says that a name is nobody's"


def test_a_pronoun_is_that_of_the_person() -> None:
    people, checked = People(Random(1), ENGLISH[2:4]), 0
    for _ in range(4000):
        marked = people.sentence()
        if len(named := genders_named(marked)) != 1 or len(named[0]) != 1 or "'s" in marked:
            continue
        others = re.sub(r"<[^>]*>|\[[^\]]*\]", "", marked).lower()
        held = words("people")
        nouns = {w for g in GENDERS for w in (*held["nouns"][g].split(), *held["kin"][g])} | {
            "mr",
            "mrs",
            "miss",
            "sister",
        }
        if (
            nouns & set(re.findall("[a-z]+", others))
            or OF_HIM | OF_HER & set(others.split())
            and " her " in f" {others} "
        ):
            continue
        if re.search(
            r"\b(he|she|him|her|his|father|uncle|king|queen|lady|sir|lord|ms|aunt|brother|madame|monsieur)\b", others
        ):
            continue
        assert answers(marked) <= (OF_HIM if named[0] == {"male"} else OF_HER), marked
        checked += 1
    assert checked > 500


def test_who_is_called_by_what_they_are_to_the_family_is_of_their_gender() -> None:
    called, people, seen = words("people")["called"], People(Random(11), ENGLISH[2:4]), set()
    assert not set(called["female"]) & set(called["male"])
    for gender in GENDERS * 1500:
        said = re.fullmatch("<([^>]*)>", people.person(gender))
        seen |= {said[1]} if said and said[1] in (*called["female"], *called["male"]) else set()
        assert not said or said[1] not in called["male" if gender == "female" else "female"]
    assert seen == {*called["female"], *called["male"]}


def test_of_two_or_several_it_is_they_and_with_me_among_them_we() -> None:
    people, seen = People(Random(12), ENGLISH[2:4]), set()
    for _ in range(1500):
        marked = people.several()
        (found,) = answers(marked)
        group = plain(marked.split("[")[0])[0]
        several = [word for word in words("people")["several"]["words"] if re.match(rf"\w+ {word}\b", group)]
        assert " and " in group or several, marked
        assert found in ({"we", "our"} if re.search(r" and I\b", group) else {"they", "their"}), marked
        assert not re.search(r"\] (was|is|likes|lives)\b", marked) and plain(marked)[0][0].isupper(), marked
        seen.add(found)
    assert seen == {"we", "our", "they", "their"}


def test_tom_and_mary_become_other_people_with_their_pronouns() -> None:
    natural, seen = Natural(Random(2), TOM_MARY, ENGLISH), set()
    for _ in range(400):
        marked = natural.renamed("Tom said he lost his hat.")
        assert not re.search(r"\b(Tom|Mary)\b", re.sub("<[^>]*>", "", marked))
        found = answers(marked)
        assert found in ({"he", "his"}, {"she", "her"})
        for gender in genders_named(marked):
            if len(gender) == 1:
                assert (gender == {"female"}) == (found == {"she", "her"})
        seen |= found
    assert seen == {"he", "his", "she", "her"}
    assert "[" not in natural.renamed("Mary met Tom when she left.")  # of whom a pronoun speaks is not certain
    assert feminine("He saw himself in his car, which was his.") == "She saw herself in her car, which was hers."


def test_two_real_sentences_are_about_the_same_person() -> None:
    natural = Natural(Random(3), TOM_MARY, ENGLISH)
    assert natural.first == ["Tom had breakfast.", "Mary is asleep."]
    assert natural.after == {"male": ["He went home."], "female": ["She sold her car."]}
    assert natural.fillers == [*ENGLISH[2:4], *ENGLISH[5:7]]
    stories = [natural.story() for _ in range(200)]
    assert any(len(re.findall("[.!]", story)) > 8 for story in stories)
    for story in stories:
        assert len({word in OF_HER for word in answers(story)}) == 1 and "Sami left" not in story
        assert sum(story.count(after) for after in ("[He] went home.", "[She] sold [her] car.")) >= 1
    for story in (natural.long_story() for _ in range(200)):
        assert len({word in OF_HER for word in answers(story)}) == 1
        before = re.split(r"\[(?:He|She)\]", story)[0]
        assert len(re.findall("[.!]", before)) > 10, "somebody, and ten sentences about nobody or more"
    for _ in range(300):
        marked = natural.chain()
        for gender in genders_named(marked):
            if len(gender) == 1:
                assert answers(marked) <= (OF_HIM if gender == {"male"} else OF_HER), marked


def test_the_first_of_two_pronouns_becomes_somebody() -> None:
    natural = Natural(Random(8), TOM_MARY, [*ENGLISH, *OF_ONE])
    assert natural.pronounced["male"] == [OF_ONE[0], OF_ONE[2]]
    assert natural.pronounced["female"] == ["She sold her car.", OF_ONE[1]]
    seen = {"male": 0, "female": 0}
    for _ in range(400):
        marked = natural.of_one()
        assert not re.search(r"\b(?:He|She)\b", re.sub("<[^>]*>", "", marked)) and answers(marked), marked
        for gender in genders_named(marked):
            if len(gender) == 1:
                assert answers(marked) <= (OF_HIM if gender == {"male"} else OF_HER), marked
        seen["male" if answers(marked) <= OF_HIM else "female"] += 1
    assert 0.4 < seen["male"] / 400 < 0.6


def test_real_sentences_meet_in_a_country_and_its_language() -> None:
    abroad = Abroad(Random(9), ABROAD, ENGLISH[2:4])
    assert abroad.there == ABROAD[:2] and abroad.spoken == ABROAD[2:4]
    chinese = Chinese(Random(9), TOM_MARY_ZH, [*CHINESE, *ABROAD_ZH])
    assert chinese.there == ABROAD_ZH[:1] and chinese.spoken == ABROAD_ZH[1:2]
    countries = words("places")["country"]
    for _ in range(300):
        marked = abroad.sentence()
        (language,) = re.findall(r"\[([^\]]*)\]", marked)
        of = {place for c in countries if c[1] == language for place in (c[0], *c[4])}
        assert any(place in marked.split("[")[0] for place in of) and "Tom" not in re.sub("<[^>]*>", "", marked), marked
        marked = chinese.abroad()
        spoken = re.sub(r"[\[\]]", "", marked.split("。")[-2])
        assert any(c[6] in spoken and any(p in marked for p in (c[5], *c[7])) for c in countries), marked


def test_the_language_is_that_of_the_country() -> None:
    places, chinese = Places(Random(4), ENGLISH[2:4]), Chinese(Random(4), TOM_MARY_ZH, CHINESE)
    countries, loved = words("places")["country"], 0
    for _ in range(1500):
        marked = places.sentence()
        (answer,) = re.findall(r"\[([^\]]*)\]", marked)  # the language, or the country that is loved or missed
        places_of = {place for c in countries if answer in c[:2] for place in (c[0], c[2], c[3], *c[4])}
        assert any(place in marked.replace(f"[{answer}]", "") for place in places_of), marked
        loved += answer in {c[0] for c in countries}
        marked = chinese.place()
        (start,) = re.findall(r"\[([^\]]*)\]", marked)
        assert any(
            place in marked.replace("[", "").replace("]", "")
            for c in countries
            if start in (c[5][0], c[6][0])
            for place in (c[5], *c[7])
        ), marked
    assert loved > 60


def test_what_is_found_outside_of_marks_is_not_to_be_predicted() -> None:
    found = masked("Lyon is in France, <Lyon Smith> said, not in [France].", re.compile("France|Lyon"))
    assert found == "<Lyon> is in <France>, <Lyon Smith> said, not in [France]."


def test_most_made_text_has_real_text_before_it_and_no_country_to_be_predicted() -> None:
    real = Sentences(TOM_MARY, TOM_MARY_ZH, [*ENGLISH, *OF_ONE, *ABROAD], [*CHINESE, *ABROAD_ZH])
    writers, led = Writers(Random(8), real), 0
    countries = words("places")["country"]
    for kind, count in [("places", 300), ("abroad", 300), ("places_zh", 300), ("abroad_zh", 300), ("number", 300)]:
        for _ in range(count):
            marked = writers.led(kind)
            led += marked.startswith(tuple(writers.natural.fillers) + tuple(writers.chinese.fillers))
            open_ = re.sub(r"<[^>]*>|\[[^\]]*\]\w*", "", marked)
            names_of = {c[5 if kind.endswith("_zh") else 0] for c in countries}
            assert kind == "number" or not any(re.search(rf"{name}\b", open_) for name in names_of), marked
    assert led / 1500 == pytest.approx(LED, abs=0.06)


def test_what_everybody_knows_ends_in_its_answer_and_is_in_both_languages() -> None:
    everyday, seen = Everyday(Random(9), ["It is raining."]), set()
    for _ in range(2000):
        marked = everyday.sentence()
        assert re.search(r"\[\w[\w-]*\]\.$", marked) and not marked[0].islower(), marked
        assert len(answers(everyday.sentence_zh())) == 1
        seen.add(marked)
    assert any(s.endswith("The clouds are in the [sky].") for s in seen) and any("It is raining. " in s for s in seen)


def test_nothing_that_everybody_knows_is_what_is_asked_to_measure() -> None:
    """None has the answer of one of those sentences after a word (two characters of Chinese) of it."""
    for language in ("english", "chinese"):
        asked = json.loads((FREE / f"{language}.json").read_text(encoding="utf-8"))["an expected word"]
        for fact in Everyday(Random(0), ["."]).held[language]:
            (answer,) = re.findall(r"\[([^\]]*)\]", fact)
            before = fact.split("[")[0]
            for text, expected in asked:
                if language == "english":
                    both = {w for w in re.findall("[a-z]{4,}", before.lower()) if w in text.lower().split()} - FRAME
                    assert answer not in expected or not both, (fact, text)
                else:
                    pairs = {before[k : k + 2] for k in range(len(before) - 1)} - {"我们"}
                    shared = [pair for pair in pairs if pair in text]
                    assert not any(one.startswith(answer) for one in expected) or not shared, (fact, text)


def test_the_verb_agrees_with_the_first_noun() -> None:
    number = Number(Random(5))
    one, more = zip(*number.pairs, strict=True)
    counts = {True: 0, False: 0}
    for _ in range(1500):
        marked = number.sentence()
        subject = marked.split("[")[0]
        for before in sorted(number.held["before"], key=len, reverse=True):
            subject = subject.removeprefix(before)
        first = next(word for word in re.findall(r"[\w-]+", subject) if word in (*one, *more))
        (verb,) = re.findall(r"\[([^\]]*)\]", marked)
        assert (verb in ("are", "were", "have", "don't")) == (first in more), marked
        counts[first in more] += 1
    assert min(counts.values()) > 600


def test_a_chinese_pronoun_is_that_of_the_person() -> None:
    chinese = Chinese(Random(6), TOM_MARY_ZH, CHINESE)
    assert chinese.first == ["汤姆有一只狗。", "玛丽在家。"] and chinese.fillers == ["今天天气很好。", "我们喜欢喝茶。"]
    for way, first in (
        (chinese._joined, True),
        (chinese._suffered, True),
        (chinese._told, True),
        (chinese._to_somebody, True),
    ):
        for gender in GENDERS * 50:
            assert answers(way(gender)) == ({"他"} if gender == "male" else {"她"}), first
    assert answers(chinese.renamed("汤姆说他很忙。")) == {"他"}
    assert not re.search("汤姆|玛丽", re.sub("<[^>]*>", "", chinese.renamed("玛丽在家。")))


def test_a_chinese_pronoun_is_that_of_who_is_somebody_s_and_of_several_theirs() -> None:
    kin, chinese = Kin(Random(8), TOM_MARY_ZH, CHINESE), words("chinese")["kin"]
    assert not set(chinese["female"].split()) & set(chinese["male"].split())
    read_before, several = 0, set()
    for way in (kin._what_is, kin._comes, kin._said, kin._fronted, kin._joined):
        for gender in GENDERS * 60:
            marked = way(gender)
            assert answers(marked) == {SUBJECT[gender]}, marked
            read_before += SUBJECT["male" if gender == "female" else "female"] in marked.split("[")[0]
    assert read_before > 60
    for _ in range(600):
        marked = kin.several()
        (found,), group = answers(marked), plain(marked.split("[")[0])[0]
        two = re.split("[和跟]", group)
        assert len(two) == 2 or any(group.startswith(one) for key in ("groups", "sisters") for one in kin.more[key])
        assert (found == "我们") == group.startswith("我和"), marked
        several.add(found)
    assert several == {"我们", "他们", "她们"}


def test_the_same_seed_gives_the_same_text() -> None:
    tokenizer = build(ENGLISH * 20, CHINESE, size=500)
    real = Sentences(TOM_MARY, TOM_MARY_ZH, [*ENGLISH, *OF_ONE, *ABROAD], [*CHINESE, *ABROAD_ZH])
    first, again, other = (made(real, tokenizer, seed, share=0.002) for seed in (1, 1, 2))
    assert list(first) == [*(f"made/{kind}" for kind in SENTENCES), "renamed/english", "renamed/chinese"]
    assert all((first[kind].ids == again[kind].ids).all() for kind in first)
    assert len(first["made/people"]) == 80 and not np.array_equal(first["made/people"].ids, other["made/people"].ids)


def test_no_frame_is_that_of_a_sentence_that_measures() -> None:
    """No five words of a sentence in a row (eight characters of Chinese) of them are ever made."""
    rng = Random(7)
    people, places, number = People(rng, ["."]), Places(rng, ["."]), Number(rng)
    chinese = Chinese(rng, TOM_MARY_ZH, CHINESE)
    everyday = Everyday(rng, ["."])
    ways = [people.sentence, people.several, places.sentence, number.sentence, everyday.sentence]
    ways_zh = [chinese.sentence, chinese.place, Kin(rng, TOM_MARY_ZH, CHINESE).sentence, everyday.sentence_zh]
    runs = {run for way in ways for _ in range(4000) for run in five_words(plain(way())[0])}
    runs_zh = {run for way in ways_zh for _ in range(4000) for run in eight(plain(way())[0])}
    shared = set()
    for language, found, cut in (("english", runs, five_words), ("chinese", runs_zh, eight)):
        for group in json.loads((FREE / f"{language}.json").read_text(encoding="utf-8")).values():
            for cases in group.values() if isinstance(group, dict) else ():
                shared |= {run for text, *_ in cases for run in cut(text)} & found
    assert shared <= {"我是中国人，我爱"}  # which was asked for


def five_words(text: str) -> set[str]:
    """Those that no end of a sentence parts: which sentence stands before which is drawn."""
    sentences = [re.findall(r"[\w']+", one.lower()) for one in re.split("[.!?]", text)]
    return {" ".join(cut[k : k + 5]) for cut in sentences for k in range(len(cut) - 4)}


def eight(text: str) -> set[str]:
    return {text[k : k + 8] for k in range(len(text) - 7)}
