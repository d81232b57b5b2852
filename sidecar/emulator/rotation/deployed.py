"""Functions made with Lambda's own API: their zip is run in a process of its own.

moto keeps such functions, and needs Docker to run one.
"""

import io
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from moto.awslambda.models import lambda_backends
from moto.core.exceptions import JsonRESTError

from sidecar.arn import Arn, role_arn
from sidecar.emulator.policy import Decision, Question, evaluate
from sidecar.emulator.role_sessions import Grant, RoleSession, RoleSessions
from sidecar.emulator.service_clock import ServiceClock

_BOOTSTRAP: Final = Path(__file__).with_name("bootstrap.py")
_SESSION: Final = timedelta(hours=1)
_CA_FILE: Final = ".emulator-ca.pem"


class FunctionFailed(Exception):
    """An invocation ended with an exception, or did not end in time."""


class Deployed:
    """The deployed functions; `endpoint_url` and `ca_pem` are where they find AWS."""

    def __init__(self, roles: RoleSessions, clock: ServiceClock) -> None:
        self._roles, self._clock = roles, clock
        self.endpoint_url = ""
        self.ca_pem = b""

    def may_be_invoked(self, function_arn: str, service: str, source_arn: str) -> bool:
        """Whether there is such a function whose policy lets a service of AWS's invoke it."""
        function = _find(function_arn)
        if function is None:
            return False
        document = json.dumps({"Version": "2012-10-17", "Statement": function.policy.statements})
        context = {
            "aws:SourceAccount": (Arn.parse(source_arn).account,),
            "aws:SourceArn": (source_arn,),
        }
        question = Question(
            "lambda:InvokeFunction",
            function.function_arn,
            context,
            frozenset({f"Service:{service}"}),
        )
        return evaluate([document], question) is Decision.ALLOWED

    def invoke(self, function_arn: str, event: dict[str, Any], request_id: str) -> None:
        """Run a function once, with the credentials of its role and its variables.

        Raises:
            LookupError: there is no such function any more.
            FunctionFailed: it raised, or its Timeout was over.
        """
        function = _find(function_arn)
        if function is None:
            raise LookupError(f"no function {function_arn}")
        with tempfile.TemporaryDirectory() as folder:
            with zipfile.ZipFile(io.BytesIO(function.code_bytes)) as packed:
                packed.extractall(folder)
            self._run(function, folder, _invocation(function, event, request_id))

    def _run(self, function: Any, folder: str, invocation: dict[str, Any]) -> None:
        seconds = invocation["timeout_seconds"]
        try:
            ended = subprocess.run(  # noqa: S603 - this interpreter and a file of this package
                [sys.executable, str(_BOOTSTRAP)],
                input=json.dumps(invocation),
                capture_output=True,
                text=True,
                cwd=folder,
                env=self._variables(function, folder),
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise FunctionFailed(f"Task timed out after {seconds} seconds") from None
        if ended.returncode:
            raise FunctionFailed(ended.stderr)

    def _variables(self, function: Any, folder: str) -> dict[str, str]:
        region = Arn.parse(function.function_arn).region
        session = self._session(function, region)
        variables = {
            "PATH": os.environ.get("PATH", ""),
            "LAMBDA_TASK_ROOT": folder,
            "AWS_LAMBDA_FUNCTION_NAME": function.function_name,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ACCESS_KEY_ID": session.credentials.access_key_id,
            "AWS_SECRET_ACCESS_KEY": session.credentials.secret_access_key.reveal(),
            "AWS_SESSION_TOKEN": session.credentials.session_token.reveal(),
        }
        if self.ca_pem:
            path = Path(folder, _CA_FILE)
            path.write_bytes(self.ca_pem)
            variables["AWS_CA_BUNDLE"] = str(path)
        return {**function.environment_vars, **variables}

    def _session(self, function: Any, region: str) -> RoleSession:
        grant = Grant(role_arn(function.role), function.function_name[:64], _SESSION)
        return self._roles.mint(grant, region=region, now=self._clock.now())


def _invocation(function: Any, event: dict[str, Any], request_id: str) -> dict[str, Any]:
    return {
        "handler": function.handler,
        "event": event,
        "timeout_seconds": int(function.timeout),
        "context": {
            "function_name": function.function_name,
            "function_version": "$LATEST",
            "invoked_function_arn": function.function_arn,
            "memory_limit_in_mb": str(function.memory_size),
            "aws_request_id": request_id,
        },
    }


def _find(arn: str) -> Any:
    """The function as moto keeps it; None when there is none, or the text is no ARN of one."""
    try:
        parsed = Arn.parse(arn)
        return lambda_backends[parsed.account][parsed.region].get_function(arn)
    except (ValueError, KeyError, JsonRESTError):
        return None
