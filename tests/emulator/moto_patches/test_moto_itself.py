"""What moto itself does, unpatched: when one of these changes, a patch or a reason has gone."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ANSWERS = {
    # mended in sidecar/emulator/moto_patches, one module each
    "current_version": "old",
    "version_immutability": "let in",
    "batch_get": "value",
    "managed_policies": "NoSuchEntity",
    "secret_values": "Secrets Manager can't find the specified secret.",
    "staging_labels": "['AWSPREVIOUS']",
    "list_filters": 0,
    "creation_dates": 0,
    "rotation_descriptions": "{'AutomaticallyAfterDays': 0}",
    "version_lists": 2,
    "label_moves": "let in",
    "access_keys": "sts",
    "unreachable_endpoints": "ConnectionError",
    "unconfirmed_endpoints": "false",
    "queues_that_let_nobody_send": 1,
    # replaced by sidecar/emulator/events
    "sources_of_services": 0,
    "deliveries_of_events": "ModuleNotFoundError",  # NotImplementedError with moto's own extra
    "schedules_alone": "True",
    # mended in sidecar/emulator/iam_checks.py
    "statuses_of_keys": "let in",
    # replaced by sidecar/emulator/sts_users.py
    "session_tokens": "same",
    # replaced by sidecar/emulator/rotation
    "rotations_without_a_function": "let in",
    "parameter_reads": "None kms:alias/aws/ssm:value",
    "secret_references": "name",
    # mended in sidecar/emulator/secret_checks.py
    "bad_secret_names": "let in",
    "writes_to_deleted_secrets": "let in",
    "foreign_arns": "let in",
    # mended in sidecar/emulator/parameter_checks.py
    "bad_parameter_names": "let in",
    # mended in sidecar/emulator/json_members.py
    "null_members": "True",
    # mended in sidecar/emulator/json_errors.py
    "not_found_status": "404",
    # mended in sidecar/emulator/validation.py
    "empty_version_ids": "let in",
    "empty_names": "let in",
    "missing_secret_ids": "TypeError",
    # why moto's own authentication and authorization are off, and the emulator's in front
    "inactive_keys": "let in",
    "expired_tokens": "let in",
    "json_error_codes": "403",
    "resources_of_secrets": "403",
    "service_principals": "TypeError",
    "unsigned_requests": "KeyError",
}


@pytest.fixture(scope="module")
def answers() -> dict[str, object]:
    """Ask all questions in one process, in which nothing is patched."""
    script = Path(__file__).with_name("probe_moto.py")
    command = [sys.executable, "-W", "ignore", str(script)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    found: dict[str, object] = json.loads(ended.stdout)
    return found


def test_every_question_has_an_expected_answer(answers: dict[str, object]) -> None:
    assert set(answers) == set(ANSWERS)


@pytest.mark.parametrize(("question", "expected"), ANSWERS.items())
def test_moto_still_differs_from_aws(
    answers: dict[str, object], question: str, expected: object
) -> None:
    assert answers[question] == expected
