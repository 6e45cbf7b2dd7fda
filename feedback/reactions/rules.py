"""The rules by which a customer's next message tells what they make of the reply before it: this table alone.

    Rule(reaction, words that say so, words beside which they do not)

English words stand alone and side by side, in any case and without commas; Chinese ones anywhere. The first
rule that fits counts. A question is what somebody goes on with: thanks count before the first question mark
alone ("Where is it? Thanks" thanks for nothing yet), and who gives up asks nothing more.
"""

from typing import NamedTuple

ASKS_PERSON, GIVES_UP, REPEATS, THANKS = "asks_person", "gives_up", "repeats", "thanks"
SILENT, OTHER = "silent", "other"
REACTIONS = (THANKS, REPEATS, ASKS_PERSON, GIVES_UP, SILENT, OTHER)


class ReactionRule(NamedTuple):
    """One row of the table: words in rows, with commas between them."""

    reaction: str
    says: str
    unless: str


RULES = (
    ReactionRule(
        ASKS_PERSON,
        """real person, real human, actual person, actual human, live person, live agent, human agent
        speak to a human, talk to a human, speak with a human, talk with a human, speak to a person
        talk to a person, speak to someone, talk to someone, speak with someone, speak to an agent
        talk to an agent, speak to a representative, talk to a representative, speak to a manager
        your manager, your supervisor, a supervisor
        人工客服, 转人工, 找人工, 要人工, 人工服务, 真人, 活人, 换个人, 你们经理, 你们领导, 你们主管""",
        """sound like, pretending to be
        真人秀, 真人版""",
    ),
    ReactionRule(
        GIVES_UP,
        """never mind, nevermind, forget it, forget about it, i give up, waste of time, thanks for nothing
        you are useless, you're useless, go somewhere else, go elsewhere
        算了, 不问了, 当我没问, 当我没说, 浪费时间, 懒得问, 懒得说, 找别家""",
        """i forget it, always forget it, don't forget it, wouldn't forget it, not forget it
        never mind that, never mind the, never mind my, nevermind the, can you, could you, how about
        i would like, i'd like, just like to, i need, i do need, i just need, looking for, go ahead
        just book, please book, please find, is there, would do, would be, let's, lets, i know this one
        帮我, 请推荐, 还想, 我想, 打算了, 划算了, 结算了, 预算了, 计算了, 换算了, 说话算了, 核算了, 清算了""",
    ),
    ReactionRule(
        REPEATS,
        """as i said, like i said, as i told, as i wrote, i already said, i already told, i already asked
        i already gave, i just told, i just asked, i just said, i told you to, i asked you, i keep asking
        again i asked, not what i asked, not my question, answer my question, you didn't answer
        我说过, 我刚说, 我都说了, 我已经说, 我问的是, 我问的不是, 我是问, 不是问, 没回答我, 答非所问
        说了几遍, 说了多少遍, 问了几遍, 问过了, 我刚问""",
        """i told you so, what i asked you, forgot what, remember what""",
    ),
    ReactionRule(
        THANKS,
        """thank you, thank u, thankyou, thanks, thank, thx, cheers, much appreciated, appreciate it
        appreciate that, appreciate your, appreciate you, very helpful, that helps, that helped
        that worked, it works now, problem solved
        谢谢, 感谢, 多谢, 谢了, 谢啦, 帮大忙, 辛苦了""",
        """no thanks, no thank you, thanks but, thank you but, thanks anyway, thanks anyways
        thank you anyway, thanks in advance, thank you in advance, thank god, thank goodness
        thank heavens
        先谢谢, 谢谢但, 谢谢不过, 谢谢可是, 不用了谢谢, 不用谢谢, 不用谢""",
    ),
)
