"""Print who AWS takes the caller for, then the buckets, through aiobotocore."""
# ruff: noqa: T201 - what it prints is its result

import asyncio

from aiobotocore.session import get_session


async def main() -> None:
    session = get_session()
    async with session.create_client("sts") as sts:
        print((await sts.get_caller_identity())["Arn"])
    async with session.create_client("s3") as s3:
        print(*(each["Name"] for each in (await s3.list_buckets())["Buckets"]))


asyncio.run(main())
