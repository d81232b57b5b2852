"""A bucket that is made with tags has them from its first moment.

moto leaves the ``Tags`` of ``CreateBucketConfiguration`` unread.
"""

from contextlib import AbstractContextManager
from typing import Any, Final

from moto.s3.responses import S3Response, xmltodict

from sidecar.emulator.moto_patches.replacing import replaced

_PUT: Final = S3Response._bucket_response_put  # noqa: SLF001 - where moto makes a bucket


def applied() -> AbstractContextManager[None]:
    """Tag buckets as they are made."""
    return replaced(S3Response, "_bucket_response_put", _put)


def _put(self: Any, request: Any, bucket_name: str, querystring: dict[str, Any]) -> Any:
    answer = _PUT(self, request, bucket_name, querystring)
    if not querystring and (tags := _tags(self.body)):
        self.backend.put_bucket_tagging(bucket_name, tags)
    return answer


def _tags(body: bytes) -> dict[str, str]:
    if not body:
        return {}
    parsed = xmltodict.parse(body, force_list={"Tag"})
    held = (parsed.get("CreateBucketConfiguration") or {}).get("Tags") or {}
    return {each["Key"]: each["Value"] or "" for each in held.get("Tag", ())}
