"""CloudTrail and the bucket that it writes to."""

import json
from typing import Any, Final

from sidecar.errors import UpstreamError
from sidecar.provision.account import Account
from sidecar.provision.kinds.kind import Found, Kind, Wanted

_NO_TRAIL: Final = "TrailNotFoundException"
_NO_BUCKET: Final = "NoSuchBucket"
_NO_POLICY: Final = ("NoSuchBucketPolicy", "NoSuchBucket")
_NO_TAGS: Final = "NoSuchTagSet"
_BLOCK: Final = "PublicAccessBlockConfiguration"
_LIFECYCLE: Final = "LifecycleConfiguration"
_SELECTORS: Final = "EventSelectors"
_FIRST_REGION: Final = "us-east-1"
# S3 deletes so many objects by one call.
_BATCH: Final = 1000
_MEMBERS: Final = (
    "S3BucketName",
    "IsMultiRegionTrail",
    "IncludeGlobalServiceEvents",
    "EnableLogFileValidation",
)


def _find_trail(account: Account, wanted: Wanted) -> Found | None:
    name = wanted.properties["TrailName"]
    held = account.find(_NO_TRAIL, "cloudtrail", "get_trail", Name=name)
    if held is None:
        return None
    trail = held["Trail"]
    arn = trail["TrailARN"]
    tags = account.ask("cloudtrail", "list_tags", ResourceIdList=[arn])["ResourceTagList"]
    status = account.ask("cloudtrail", "get_trail_status", Name=arn)
    properties = {
        **trail,
        "TrailName": name,
        "EnableLogFileValidation": trail.get("LogFileValidationEnabled"),
        "IsLogging": status["IsLogging"],
        _SELECTORS: _selectors(account, arn),
    }
    owned = any(account.owns(each.get("TagsList", ())) for each in tags)
    return Found(name, {"Arn": arn}, properties, owned)


def _selectors(account: Account, trail: str) -> list[Any]:
    reply = account.ask("cloudtrail", "get_event_selectors", TrailName=trail)
    return list(reply.get(_SELECTORS, ()))


def _trail_members(wanted: Wanted) -> dict[str, Any]:
    properties = wanted.properties
    return {"Name": properties["TrailName"], **{name: properties[name] for name in _MEMBERS}}


def _create_trail(account: Account, wanted: Wanted) -> None:
    # The bucket's policy may have been put a moment ago.
    lagging = (("InsufficientS3BucketPolicyException", ""),)
    account.patiently(
        lagging, "cloudtrail", "create_trail", TagsList=account.tags(), **_trail_members(wanted)
    )


def _update_trail(account: Account, wanted: Wanted, found: Found, changed: frozenset[str]) -> None:
    if changed - {"IsLogging", _SELECTORS}:
        account.ask("cloudtrail", "update_trail", **_trail_members(wanted))
    if _SELECTORS in changed:
        account.ask(
            "cloudtrail",
            "put_event_selectors",
            TrailName=found.ref,
            EventSelectors=wanted.properties[_SELECTORS],
        )
    if "IsLogging" in changed:
        verb = "start" if wanted.properties["IsLogging"] in (True, "true") else "stop"
        account.ask("cloudtrail", f"{verb}_logging", Name=found.ref)


def _delete_trail(account: Account, found: Found) -> None:
    account.find(_NO_TRAIL, "cloudtrail", "delete_trail", Name=found.ref)


def _find_bucket(account: Account, wanted: Wanted) -> Found | None:
    name = wanted.properties["BucketName"]
    tags = _bucket_tags(account, name)
    if tags is None:
        return None
    ours = account.owns(tags)
    properties = {"BucketName": name, **(_settings(account, name) if ours else {})}
    attributes = {"Arn": f"arn:{account.place.partition}:s3:::{name}"}
    kept = _kept_by(account, name) if ours else ()
    return Found(name, attributes, properties, ours, "everything in it", kept)


def _kept_by(account: Account, bucket: str) -> tuple[str, ...]:
    """Say that there is something in it, unless that may be deleted too."""
    if account.may_delete.objects:
        return ()
    held = account.ask("s3", "list_objects_v2", MaxKeys=1, **_owned(account, bucket))
    if not held.get("Contents"):
        return ()
    hint = "it holds the trail's log: --empty-buckets deletes that too"
    return f"bucket {bucket} is not empty", hint


def _owned(account: Account, bucket: str) -> dict[str, str]:
    """Name a bucket, and whose it must be: its name can be guessed, and taken by anybody before.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
    """
    return {"Bucket": bucket, "ExpectedBucketOwner": account.place.account}


def _bucket_tags(account: Account, bucket: str) -> list[Any] | None:
    """Give a bucket's tags; None where there is no bucket."""
    try:
        held = account.find(_NO_TAGS, "s3", "get_bucket_tagging", **_owned(account, bucket))
    except UpstreamError as exc:
        if exc.code == _NO_BUCKET:
            return None
        raise
    return [] if held is None else list(held["TagSet"])


def _settings(account: Account, bucket: str) -> dict[str, Any]:
    whose = _owned(account, bucket)
    absent = "NoSuchPublicAccessBlockConfiguration"
    block = account.find(absent, "s3", "get_public_access_block", **whose)
    absent = "NoSuchLifecycleConfiguration"
    lifecycle = account.find(absent, "s3", "get_bucket_lifecycle_configuration", **whose)
    rules = [] if lifecycle is None else lifecycle["Rules"]
    return {
        _BLOCK: block and block[_BLOCK],
        _LIFECYCLE: {"Rules": [_expiry(each) for each in rules]},
    }


def _expiry(rule: Any) -> dict[str, Any]:
    """Give a rule in CloudFormation's shape; only expiry after days is known here."""
    return {
        "Id": rule.get("ID"),
        "Status": rule["Status"],
        "ExpirationInDays": rule.get("Expiration", {}).get("Days"),
    }


def _create_bucket(account: Account, wanted: Wanted) -> None:
    region = account.place.region
    configuration: dict[str, Any] = {"Tags": account.tags()}
    if region != _FIRST_REGION:  # which must not be said
        configuration["LocationConstraint"] = region
    account.ask(
        "s3",
        "create_bucket",
        Bucket=wanted.properties["BucketName"],
        CreateBucketConfiguration=configuration,
    )


def _update_bucket(account: Account, wanted: Wanted, found: Found, changed: frozenset[str]) -> None:
    bucket, properties = _owned(account, found.ref), wanted.properties
    if _BLOCK in changed:
        block = {_BLOCK: properties[_BLOCK]}
        account.ask("s3", "put_public_access_block", **block, **bucket)
    if _LIFECYCLE in changed:
        rules = [
            {
                "ID": each["Id"],
                "Status": each["Status"],
                "Filter": {"Prefix": ""},
                "Expiration": {"Days": int(each["ExpirationInDays"])},
            }
            for each in properties[_LIFECYCLE]["Rules"]
        ]
        lifecycle = {"LifecycleConfiguration": {"Rules": rules}}
        account.ask("s3", "put_bucket_lifecycle_configuration", **lifecycle, **bucket)


def _delete_bucket(account: Account, found: Found) -> None:
    if account.may_delete.objects and _bucket_tags(account, found.ref) is not None:
        _empty(account, found.ref)
    account.find(_NO_BUCKET, "s3", "delete_bucket", **_owned(account, found.ref))


def _empty(account: Account, bucket: str) -> None:
    held = account.calls.listed("s3", "list_objects_v2", "Contents", **_owned(account, bucket))
    keys = [{"Key": each["Key"]} for each in held]
    for start in range(0, len(keys), _BATCH):
        batch = {"Objects": keys[start : start + _BATCH]}
        account.ask("s3", "delete_objects", Delete=batch, **_owned(account, bucket))


def _find_bucket_policy(account: Account, wanted: Wanted) -> Found | None:
    bucket = wanted.properties["Bucket"]
    held = account.find(_NO_POLICY, "s3", "get_bucket_policy", **_owned(account, bucket))
    if held is None:
        return None
    return Found(bucket, {}, {"Bucket": bucket, "PolicyDocument": json.loads(held["Policy"])})


def _put_bucket_policy(account: Account, wanted: Wanted, *_: object) -> None:
    document = json.dumps(wanted.properties["PolicyDocument"])
    bucket = wanted.properties["Bucket"]
    account.ask("s3", "put_bucket_policy", Policy=document, **_owned(account, bucket))


def _delete_bucket_policy(account: Account, found: Found) -> None:
    account.find(_NO_POLICY, "s3", "delete_bucket_policy", **_owned(account, found.ref))


KINDS: Final = {
    "AWS::CloudTrail::Trail": Kind(
        "TrailName", _find_trail, _create_trail, _update_trail, _delete_trail
    ),
    "AWS::S3::Bucket": Kind(
        "BucketName", _find_bucket, _create_bucket, _update_bucket, _delete_bucket
    ),
    "AWS::S3::BucketPolicy": Kind(
        "",
        _find_bucket_policy,
        _put_bucket_policy,
        _put_bucket_policy,
        _delete_bucket_policy,
        needs=("Bucket",),
    ),
}
