"""A notice as a line of CloudWatch's embedded metric format, which its agent makes metrics of."""

from sidecar.notice import Notice
from sidecar.notify.presentable import as_json, document


def line(notice: Notice, namespace: str) -> bytes:
    """Write the line, without a newline: one more of its kind, and one more of its severity.

    Source: CloudWatch user guide, "Specification: Embedded metric format".

    Args:
        notice: what happened.
        namespace: of the metric ``Notices``.

    """
    said = document(notice)
    metric = {
        "Namespace": namespace,
        "Dimensions": [["Kind"], ["Severity"]],
        "Metrics": [{"Name": "Notices", "Unit": "Count"}],
    }
    metadata = {
        "Timestamp": int(notice.at.timestamp() * 1000),
        "CloudWatchMetrics": [metric],
    }
    values = {"Kind": said.pop("kind"), "Severity": said.pop("severity"), "Notices": 1}
    return as_json({"_aws": metadata, **values, **said}).encode("ascii")
