"""The Chinese of the catalogue is Chinese: its marks are full-width, its words those of docs/glossary.md."""

import re
from pathlib import Path

import pytest

from feedback import translations

ROOT = Path(__file__).resolve().parents[3]
CHINESE = "\u3400-\u9fff\u3000-\u303f\uff00-\uffef"
VALUE = re.compile(r"%\(\w+\)s|`[^`]*`")  # what stands for a value or is code counts as a Chinese word
STOP_OR_COMMA = re.compile(r"(?<!\d)[,;]|[,;](?!\d)|(?<!\w)\.|\.(?!\w)", re.ASCII)
BESIDE = re.compile(rf"(?<=[{CHINESE}])\s?[:?!()\[\].,;]|[:?!()\[\].,;]\s?(?=[{CHINESE}])")
# What a word was before the glossary fixed it, or what the field says and we do not.
OTHER_WORDS = {
    "顾客": "客户",
    "对话": "会话",
    "把关": "准入检查",
    "关卡": "准入检查",
    "试用": "灰度",
    "金丝雀": "灰度",
    "转为正式": "转为线上",
    "正式使用": "线上",
    "溯源": "来源与后续产物",
    "基座": "基础模型",
    "训练运行": "训练任务",
    "纳特": "奈特",
    "威尔逊": "Wilson",
    "模型服务器": "模型服务",
}


def list_half_width(text: str) -> list[str]:
    """The ASCII marks of a Chinese sentence that should be full-width ones; none in other texts."""
    if not re.search(f"[{CHINESE}]", text):
        return []
    words = VALUE.sub("值", text)
    return [found.group().strip() for rule in (STOP_OR_COMMA, BESIDE) for found in rule.finditer(words)]


def list_chinese() -> list[str]:
    said = [message.string for message in translations.read_catalogue() if message.id]
    return [text for texts in said for text in (texts if isinstance(texts, tuple | list) else (texts,))]


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("模型没有回复,正在重启。", True),
        ("已保存.", True),
        ("以 %(name)s 的身份登录?", True),
        ("参考：Shipping, 未命名", True),
        ("还没有(无)。", True),
        ("用时: %(count)s 秒", True),
        ("请看 %(name)s.", True),
        ("%(count)s 秒后重试；0.05 与 1,000 不变。", False),
        ("请看 `runs/%(run)s/log.txt`，再等。", False),
        ("Sent. Thank you, goodbye!", False),
    ],
)
def test_ascii_marks_of_a_chinese_sentence_are_found(text: str, marks: bool) -> None:
    assert bool(list_half_width(text)) == marks


def test_chinese_sentences_have_full_width_marks() -> None:
    texts = list_chinese()
    assert len(texts) > 600
    assert {text: marks for text in texts if (marks := list_half_width(text))} == {}


@pytest.mark.parametrize(("other", "ours"), OTHER_WORDS.items())
def test_chinese_texts_use_the_words_of_the_glossary(other: str, ours: str) -> None:
    texts = [*list_chinese(), (ROOT / "README.zh.md").read_text(encoding="utf-8")]
    assert [text for text in texts if re.search(other, text)] == [], f"we say {ours}"


@pytest.mark.parametrize(
    "path", sorted((translations.PACKAGE / "templates").rglob("*.html")), ids=lambda path: path.name
)
def test_no_template_puts_an_english_mark_between_words(path: Path) -> None:
    """It would stand in a Chinese sentence, too: marks come from the catalogue, as in `_(": ")`."""
    shown = re.sub(r"\{[%#].*?[%#]\}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    words = re.sub(r"\{\{.*?\}\}", "值", shown, flags=re.DOTALL)
    assert re.findall(r".{20}[值>]\s*[:,;.!)](?=[\s<值])|\(值.{20}", words) == []


def test_no_template_puts_a_blank_behind_a_chinese_colon() -> None:
    """The blank belongs to the colon of `_(": ")`, which has one in English alone."""
    paths = sorted((translations.PACKAGE / "templates").rglob("*.html"))
    behind = re.compile(r"""_\(["'][^"']*:["'][^}]*\}\}(?:</\w+>)* \S""")
    assert behind.search('{{ _("It waits:") }} {{ words }}') and len(paths) > 20
    found = {path.name: behind.findall(path.read_text(encoding="utf-8")) for path in paths}
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_no_script_or_view_joins_words_by_an_english_mark() -> None:
    sources = [
        *(translations.PACKAGE / "static").rglob("*.js"),
        *(translations.PACKAGE / "console").glob("*.py"),
    ]
    assert len(sources) > 20
    for path in sources:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"""join\(["'][,;:] |["'][,;:] ["']\.join""", text), path.name


def test_a_prompt_is_one_word_and_no_hint() -> None:
    """提示 alone is to point something out, which pages do, too."""
    prompts = [message for message in translations.read_catalogue() if "prompt" in str(message.id).lower()]
    assert len(prompts) > 10
    for message in prompts:
        assert not re.search("提示(?!词)", str(message.string)), message.id


def test_a_pick_and_a_choice_are_two_words() -> None:
    words = translations.read_catalogue()
    assert (words["picks of the base"].string, words["Choices"].string) == ("选中基础模型", "偏好记录")
    for message in words:
        english = str(message.id).lower()
        if "choice" in english and "pick" not in english:
            assert "选择" not in str(message.string), message.id
        if "pick" in english and "choice" not in english:
            assert "偏好记录" not in str(message.string), message.id
