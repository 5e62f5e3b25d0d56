"""The flag by which workers hear of a stop: questions that wait for news."""

import asyncio

import pytest

from search.executor import stop_flag
from search.executor.stop_flag import StopFlag

NOTHING = (False, set())


@pytest.fixture
def flag():
    """A flag without the process that it has in Ray."""
    return StopFlag.__ray_metadata__.modified_class()


async def answers(flag, questions, *news):
    """Asks, lets the questions wait, tells the news, and returns the answers."""
    waiting = [asyncio.ensure_future(flag.read(num_known)) for num_known in questions]
    await asyncio.sleep(0)
    assert not any(one.done() for one in waiting)
    for one in news:
        await one
    return await asyncio.wait_for(asyncio.gather(*waiting), 60)


def test_questions_wait_until_a_stop_is_told(flag):
    found = asyncio.run(answers(flag, [0, 0], flag.stop_attempt(3, 1)))
    assert found == [(False, {(3, 1)})] * 2
    found = asyncio.run(answers(flag, [1], flag.raise_flag()))
    assert found == [(True, {(3, 1)})]


def test_who_does_not_know_yet_is_told_at_once(flag):
    asyncio.run(flag.stop_attempt(3, 1))
    assert asyncio.run(flag.read(0)) == (False, {(3, 1)})
    asyncio.run(flag.raise_flag())
    assert asyncio.run(flag.read(1)) == (True, {(3, 1)})


def test_without_news_the_answer_comes_all_the_same(flag, monkeypatch):
    monkeypatch.setattr(stop_flag, "_NEWS_SECONDS", 0.001)
    assert asyncio.run(flag.read(0)) == NOTHING


def test_it_knows_where_an_attempt_began(flag):
    assert asyncio.run(flag.start_of(3, 1)) is None
    asyncio.run(flag.note_start(3, 1, "node"))
    node, seconds = asyncio.run(flag.start_of(3, 1))
    assert node == "node"
    assert seconds >= 0
