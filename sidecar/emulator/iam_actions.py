"""The IAM action that an API operation needs, where its name is not the operation's own.

Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon S3" and
"… for Amazon SQS", whose batches need the permission for one.
"""

from typing import Final

from sidecar.emulator.addressing import Address

_S3: Final = {
    "ListBuckets": "ListAllMyBuckets",
    "HeadBucket": "ListBucket",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListParts": "ListMultipartUploadParts",
    "HeadObject": "GetObject",
    "GetObjectAttributes": "GetObject",
    "CopyObject": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "UploadPartCopy": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "DeleteObjects": "DeleteObject",
    "DeleteBucketTagging": "PutBucketTagging",
    "DeleteBucketCors": "PutBucketCORS",
    "GetBucketCors": "GetBucketCORS",
    "PutBucketCors": "PutBucketCORS",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
}
_SQS: Final = {
    "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
    "DeleteMessageBatch": "DeleteMessage",
    "SendMessageBatch": "SendMessage",
}
_LAMBDA: Final = {"Invoke": "InvokeFunction"}
_OTHER_NAMES: Final = {"lambda": _LAMBDA, "s3": _S3, "sqs": _SQS}
# IAM prefixes that differ from the signing name.
_PREFIXES: Final = {"monitoring": "cloudwatch", "email": "ses"}


def iam_action(address: Address) -> str:
    """Name the action, such as ``s3:ListAllMyBuckets`` for S3's ListBuckets."""
    prefix = _PREFIXES.get(address.service, address.service)
    name = address.operation
    return f"{prefix}:{_OTHER_NAMES.get(prefix, {}).get(name, name)}"
