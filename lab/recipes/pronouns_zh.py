"""Chinese pronouns, 他 and 她: the recipe of the English ones on texts whose words are single characters.

The texts come from `lab.general.made.anybody_zh`. A subject is named by one to four characters, over which a cell
may forget bit by bit: what counts is the product of its forget gate over all of them.
"""

from __future__ import annotations

from lab.general.made import anybody_zh
from lab.recipes.pronouns_anybody import Anybody
from lstm_core.cells import CELLS


class ChinesePronouns(Anybody):
    task, language, words = "pronouns_zh", "Chinese", ("他", "她")
    sentences = {"free": "chinese", "free_people": "chinese_people"}
    writer = anybody_zh.AnybodyWriter
    learns_from = anybody_zh.FreeWriter
    vocabulary = tuple(anybody_zh.vocabulary())
    longest = 140  # characters
    price = 1.0  # of writing and of forgetting, for the LSTM: at 0.5 its memory fades from one character to the next
    right = 0.95  # its names are put together of hundreds of characters, of which one alone tells
    wrote = 0.0  # the subject is several characters long, and the ones after it go on writing
    examples = (
        {"label": "A new subject", "text": "昨天王女士去了市场，因为她很饿。后来李先生遇见了小红，他"},
        {"label": "A distractor", "text": "国王爱上了女王，但是"},
        {"label": "Two women, one man", "text": "妈妈把书给了小丽，因为她很高兴。然后王建国回家了，"},
        {
            "label": "A long gap",
            "text": "奶奶住在海边。天气很好。外面下雨了。公共汽车晚点了。市场里有很多人。花开了。天黑了。后来",
        },
        {"label": "Back and forth", "text": "小明笑了。后来小芳哭了。然后张先生睡着了。后来李小姐跳舞，因为"},
        {"label": "The last character tells", "text": "王先生很累。后来王女士来了，"},
        {"label": "When ...", "text": "当姐姐看见爸爸的时候，她很高兴。爸爸回家以后，"},
        {"label": "Characters it does not know", "text": "女医生很忙。然后諸葛亮遇见了小红，"},
    )


RECIPES = tuple(ChinesePronouns(CELLS[name], single=name == "lstm") for name in ("lstm", "gru", "rnn"))
