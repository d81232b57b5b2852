"""For whom AWS is asked: true within a block, and for what is begun there."""

import asyncio

from sidecar.aws.asker import asker, asking_for


def test_outside_of_every_block_it_is_the_sidecar_itself() -> None:
    with asking_for("web"):
        assert asker() == "web"
        with asking_for("batch"):
            assert asker() == "batch"
        assert asker() == "web"
    assert asker() == ""


async def test_what_was_begun_for_an_app_goes_on_for_it() -> None:
    async def whose() -> str:
        await asyncio.sleep(0)
        return asker()

    with asking_for("web"):
        begun = asyncio.ensure_future(whose())
    assert await begun == "web"
    assert await whose() == ""
