"""Errors in each protocol's own shape."""

import json
from xml.etree import ElementTree as ET

import pytest

from sidecar.emulator.error_shapes import AwsError, Protocol, render_error
from sidecar.emulator.refusals import NotLetIn, Refusal, as_aws_error

ERROR = AwsError(403, "SomeCode", "some <message>", {"BucketName": "b&b"})
XML = {
    Protocol.QUERY: "Error",
    Protocol.REST_XML: "Error",
    Protocol.EC2: "Errors/Error",
    Protocol.S3: ".",
}


@pytest.mark.parametrize("protocol", XML)
def test_xml_errors_hold_code_and_message(protocol: Protocol) -> None:
    response = render_error(ERROR, protocol)
    found = ET.fromstring(response.body).find(XML[protocol])
    assert found is not None
    assert (found.findtext("Code"), found.findtext("Message")) == ("SomeCode", "some <message>")
    assert response.status == 403


@pytest.mark.parametrize("protocol", [Protocol.JSON, Protocol.REST_JSON])
def test_json_errors_hold_code_and_message(protocol: Protocol) -> None:
    response = render_error(ERROR, protocol)
    assert json.loads(response.body)["message"] == "some <message>"
    assert response.headers["x-amzn-ErrorType"] == "SomeCode"


def test_only_json_rpc_names_the_code_in_the_body() -> None:
    assert json.loads(render_error(ERROR, Protocol.JSON).body)["__type"] == "SomeCode"
    assert "__type" not in json.loads(render_error(ERROR, Protocol.REST_JSON).body)


def test_s3_adds_details() -> None:
    root = ET.fromstring(render_error(ERROR, Protocol.S3).body)
    assert root.findtext("BucketName") == "b&b"


@pytest.mark.parametrize(("status", "fault"), [(400, "Sender"), (500, "Receiver")])
def test_query_errors_say_whose_fault_it_is(status: int, fault: str) -> None:
    body = render_error(AwsError(status, "Code", "message"), Protocol.QUERY).body
    assert ET.fromstring(body).findtext("Error/Type") == fault


@pytest.mark.parametrize("protocol", Protocol)
@pytest.mark.parametrize("refusal", Refusal)
def test_every_refusal_has_a_form_in_every_protocol(refusal: Refusal, protocol: Protocol) -> None:
    error = as_aws_error(NotLetIn(refusal), protocol)
    assert error.status in {400, 401, 403}
    assert error.message
    assert as_aws_error(NotLetIn(refusal, "detail"), protocol).message == "detail"
