"""Words that mean the same, typing errors, and writing without spaces."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.errors import Invalid
from kb.articles import Article
from kb.grams import pairs
from kb.index import index_changed, weigh_lexemes
from kb.readers import Reader
from kb.search import Hit, search
from kb.words import WordGroup, telling_words
from tests.kb.hashing import Hashing

TEXTS = {
    ("Sign in on a new device", "en"): "Open the page and type the code that we mailed to you.",
    ("Invoices for your accountant", "en"): "Each invoice is a PDF. Send them on with one click.",
    ("如何重置密码", "zh"): "打开登录页面,点击忘记密码,我们会给您发送电子邮件。",
    ("退款需要多长时间", "zh"): "退款将在五个工作日内到达您的银行卡。",
    ("비밀번호 재설정", "ko"): "로그인 페이지에서 비밀번호를 잊으셨나요를 누르세요.",
}


@pytest.fixture
async def articles(session: AsyncSession) -> None:
    for (title, locale), body in TEXTS.items():
        article = Article.write(title, body, locale=locale)
        article.publish()
        session.add(article)
    await session.flush()
    await index_changed(session, Hashing())
    await weigh_lexemes(session)


async def asked(session: AsyncSession, question: str, locale: str = "en") -> Hit:
    return (await search(session, Hashing(), question, reader=Reader.public(), locale=locale))[0]


async def test_a_group_finds_by_every_word_of_it(session: AsyncSession, articles: None):
    assert not (await asked(session, "login impossible")).words
    session.add(WordGroup.of(["Login", "log in", "sign in"]))
    await session.flush()
    for question in ("login impossible", "I cannot log in"):
        best = await asked(session, question)
        assert best.title == "Sign in on a new device", question
        assert best.lexical > 0


async def test_one_way_is_not_the_other_way_round(session: AsyncSession, articles: None):
    session.add(WordGroup.of(["bill", "invoice"], one_way=True))
    session.add(WordGroup.of(["pdf", "zebra"], one_way=True))
    await session.flush()
    assert (await asked(session, "bill")).title == "Invoices for your accountant"
    assert len((await telling_words(session, "zebra", locale="en")).all[0].terms) == 1


async def test_a_typing_error_is_understood_and_said(session: AsyncSession, articles: None):
    best = await asked(session, "acountant")
    assert best.title == "Invoices for your accountant"
    assert best.reasons == ("account",)


async def test_a_code_is_never_taken_for_another(session: AsyncSession, articles: None):
    (word,) = (await telling_words(session, "prt09x", locale="en")).all
    assert not word.meant


@pytest.mark.parametrize(
    ("question", "locale", "title"),
    [
        ("忘记密码怎么办", "zh", "如何重置密码"),
        ("多久能收到退款", "zh", "退款需要多长时间"),
        ("비밀번호가 기억나지 않아요", "ko", "비밀번호 재설정"),
    ],
)
async def test_what_is_written_without_spaces_is_found_by_its_pairs(
    session: AsyncSession, articles: None, question: str, locale: str, title: str
):
    best = await asked(session, question, locale)
    assert best.title == title
    assert best.words


def test_pairs():
    assert pairs("重置 a 密") == "重置 密"
    assert pairs("パスワード") == "パス スワ ワー ード"
    assert pairs("password") == ""


@pytest.mark.parametrize(
    "words", [["one"], ["same", "Same "], ["!", "?"], ["x" * 61, "y"], list("abcdefghijklmnopqrstu")]
)
def test_what_is_no_group_is_refused(words: list[str]):
    with pytest.raises(Invalid):
        WordGroup.of(words)


async def test_words_that_are_everywhere_do_not_widen_the_search(session: AsyncSession, articles: None):
    words = await telling_words(session, "invoice page mail", locale="en")
    assert words.rare(1000).count("'") == 6
    assert words.rare(1).count("'") == 2
