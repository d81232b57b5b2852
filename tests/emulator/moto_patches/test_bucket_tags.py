"""A bucket can be made with its tags, so that none is ever without them."""

from collections.abc import Callable
from typing import Any

_TAGS = [{"Key": "team", "Value": "billing"}]


def test_a_bucket_made_with_tags_has_them(
    connect: Callable[..., Any], fresh_name: Callable[[str], str]
) -> None:
    s3, name = connect("s3"), fresh_name("tagged")
    place = {"LocationConstraint": "ap-northeast-2", "Tags": _TAGS}
    s3.create_bucket(Bucket=name, CreateBucketConfiguration=place)
    assert s3.get_bucket_tagging(Bucket=name)["TagSet"] == _TAGS


def test_a_bucket_made_without_tags_has_none(
    connect: Callable[..., Any], fresh_name: Callable[[str], str], refusal: Any
) -> None:
    s3, name = connect("s3"), fresh_name("plain")
    place = {"LocationConstraint": "ap-northeast-2"}
    s3.create_bucket(Bucket=name, CreateBucketConfiguration=place)
    assert refusal(s3.get_bucket_tagging, Bucket=name)[:2] == (404, "NoSuchTagSet")
