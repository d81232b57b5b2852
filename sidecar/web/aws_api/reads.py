"""The operations that the aws-api door answers from memory, each where the policy allows it."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from sidecar.access.decision import Action
from sidecar.access.names import possible_names
from sidecar.aws.failed_calls import unreadable
from sidecar.aws.json_api import ApiCall
from sidecar.aws.parameter import ParameterQuery, ParameterValue
from sidecar.aws.reader import Reader
from sidecar.aws.secret import SecretQuery, SecretValue
from sidecar.errors import Forbidden, UpstreamRefused
from sidecar.secret_cache.answer import Answer, State
from sidecar.secret_cache.cache import ParameterCache, SecretCache
from sidecar.secret_cache.reply_cache import ReplyCache
from sidecar.web.aws_api.caller import Caller
from sidecar.web.aws_api.errors import ACCESS_DENIED
from sidecar.web.aws_api.members import (
    Members,
    parameter_queries,
    parameter_query,
    path_query,
    read_members,
    secret_ids,
    secret_query,
    text,
)
from sidecar.web.aws_api.replies import about_parameters, about_secrets, reply_key
from sidecar.web.aws_api.writes import Write
from sidecar.web.ledger import GET_PARAMETER, GET_SECRET_VALUE

_T = TypeVar("_T")
# Asks AWS as a reader and gives the body of a success; any other answer is an UpstreamError.
AskAs = Callable[[Reader, ApiCall], Awaitable[bytes]]

# GetParameters names these among its results; every other refusal fails the whole request.
_NO_SUCH_PARAMETER: Final = frozenset({"ParameterNotFound", "ParameterVersionNotFound"})
# Parameters that stand for secrets.
_REFERENCE: Final = "/aws/reference/secretsmanager/"
ANSWERED: Final = (
    "secretsmanager.GetSecretValue",
    "secretsmanager.BatchGetSecretValue",
    "secretsmanager.DescribeSecret",
    "ssm.GetParameter",
    "ssm.GetParameters",
    "ssm.GetParametersByPath",
)
_WORST_LAST: Final[Sequence[State]] = ("hit", "miss", "stale")


@dataclass(frozen=True, slots=True, repr=False)
class Found:
    """An answer's body, and how old what is in it is at most."""

    body: bytes
    age_seconds: int
    state: State


class CachedReads:
    """Answers from the caches, which are filled with the credentials of one role.

    Args:
        secrets: values of secrets.
        parameters: values of parameters.
        replies: what DescribeSecret and GetParametersByPath answered.
        ask_as: asks AWS for those two.
        via: the configured role whose credentials read.

    """

    def __init__(
        self,
        secrets: SecretCache,
        parameters: ParameterCache,
        replies: ReplyCache,
        ask_as: AskAs,
        via: str,
    ) -> None:
        self._secrets = secrets
        self._parameters = parameters
        self._replies = replies
        self._ask_as = ask_as
        self._via = via
        answers = (
            self._get_secret_value,
            self._batch_get_secret_value,
            self._describe_secret,
            self._get_parameter,
            self._get_parameters,
            self._get_parameters_by_path,
        )
        self._operations = dict(zip(ANSWERED, answers, strict=True))

    async def answer(self, call: ApiCall, operation: str, caller: Caller) -> Found | None:
        """Answer one call; None when it is one to be forwarded.

        Raises:
            ApiError: the request is malformed.
            Forbidden: the policy does not allow it.
            SidecarError: what the caches raise.

        """
        read = self._operations.get(f"{call.service}.{operation}")
        if read is None:
            return None
        members = read_members(call.body)
        # What is found by filters is AWS's to say, page by page.
        if operation == "BatchGetSecretValue" and "SecretIdList" not in members:
            return None
        return await read(members, Reader(self._via, call.region), caller)

    def written(self, write: Write, *, certain: bool) -> None:
        """Have what a write changed read again: one's own writes are seen.

        Args:
            write: what it changed.
            certain: AWS has said that it did; otherwise what is held still serves in an outage.

        """
        names, region = write.names, write.region
        if write.service == "ssm":
            self._parameters.written(names, region, certain=certain)
            concerned = about_parameters(names, region)
        else:
            concerned = about_secrets(names, region)
            if write.value:
                own = {each for name in names for each in possible_names(name)}
                self._secrets.written(names, region, certain=certain)
                self._parameters.written(
                    [f"{_REFERENCE}{each}" for each in own], region, certain=certain
                )
        (self._replies.invalidate if certain else self._replies.doubt)(concerned)

    async def _get_secret_value(self, members: Members, reader: Reader, caller: Caller) -> Found:
        return _found(await self._secret(secret_query(members), reader, caller))

    async def _secret(
        self, query: SecretQuery, reader: Reader, caller: Caller
    ) -> Answer[SecretValue]:
        """Read a secret, checking the policy before AWS is asked and after."""
        with caller.asking(GET_SECRET_VALUE, query.secret_id):
            caller.check(Action.NAME_SECRET, GET_SECRET_VALUE, query.secret_id)
            answer = await self._secrets.get(reader, query)
            caller.check(Action.READ_SECRET, GET_SECRET_VALUE, answer.value.name)
        caller.granted(GET_SECRET_VALUE, answer.value.name, answer.state)
        return answer

    async def _batch_get_secret_value(
        self, members: Members, reader: Reader, caller: Caller
    ) -> Found:
        """Read several secrets, each by GetSecretValue where it is not held.

        So the role that reads needs no further permission, and every secret has its one flight.
        """
        ids = secret_ids(members)
        reads = [self._secret(SecretQuery(each), reader, caller) for each in ids]
        answers, errors = [], []
        for secret_id, outcome in zip(ids, await _outcomes(reads), strict=True):
            if isinstance(outcome, Answer):
                answers.append(outcome)
            else:
                errors.append(_batch_error(secret_id, outcome))
        values = b",".join(answer.api_body for answer in answers)
        body = b'{"SecretValues":[%b],"Errors":%b}' % (values, _json(errors))
        return _found_together(body, answers)

    async def _describe_secret(self, members: Members, reader: Reader, caller: Caller) -> Found:
        secret_id = text(members, "SecretId")
        action = "secretsmanager:DescribeSecret"
        with caller.asking(action, secret_id):
            caller.check(Action.NAME_SECRET, action, secret_id)
            asked = {"SecretId": secret_id}
            answer = await self._reply(reader, "secretsmanager.DescribeSecret", secret_id, asked)
            name = _told(answer.value, lambda told: told["Name"])
            caller.check(Action.READ_SECRET, action, name)
        caller.granted(action, name, answer.state)
        return _found(answer)

    async def _get_parameter(self, members: Members, reader: Reader, caller: Caller) -> Found:
        query = parameter_query(members)
        return _found(await self._parameter(query, reader, caller, GET_PARAMETER))

    async def _parameter(
        self, query: ParameterQuery, reader: Reader, caller: Caller, action: str
    ) -> Answer[ParameterValue]:
        """Read a parameter, checking the policy before AWS is asked and after."""
        with caller.asking(action, query.name):
            caller.check(Action.NAME_PARAMETER, action, query.name)
            answer = await self._parameters.get(reader, query)
            name, source = answer.value.name, answer.value.source_result
            caller.check(Action.READ_PARAMETER, action, name, source)
        caller.granted(action, name, answer.state)
        return answer

    async def _get_parameters(self, members: Members, reader: Reader, caller: Caller) -> Found:
        queries = parameter_queries(members)
        reads = [self._parameter(each, reader, caller, "ssm:GetParameters") for each in queries]
        answers, invalid = [], []
        for query, outcome in zip(queries, await _outcomes(reads), strict=True):
            if isinstance(outcome, Answer):
                answers.append(outcome)
            elif isinstance(outcome, UpstreamRefused) and outcome.code in _NO_SUCH_PARAMETER:
                invalid.append(query.selected_name)
            else:
                raise outcome
        found = [json.loads(answer.api_body)["Parameter"] for answer in answers]
        body = _json({"Parameters": found, "InvalidParameters": invalid})
        return _found_together(body, answers)

    async def _get_parameters_by_path(
        self, members: Members, reader: Reader, caller: Caller
    ) -> Found:
        asked = path_query(members)
        path = asked["Path"]
        action = "ssm:GetParametersByPath"
        with caller.asking(action, path):
            caller.check(Action.READ_PATH, action, path)
            answer = await self._reply(reader, "ssm.GetParametersByPath", path, asked)
            for name in _told(answer.value, lambda told: [it["Name"] for it in told["Parameters"]]):
                caller.check(Action.READ_PARAMETER, action, name)
        caller.granted(action, path, answer.state)
        return _found(answer)

    async def _reply(
        self, reader: Reader, operation: str, subject: str, members: Members
    ) -> Answer[bytes]:
        service, _, name = operation.partition(".")
        key = reply_key(reader, name, subject, members)
        prefix = {"ssm": "AmazonSSM"}.get(service, service)
        headers = (
            ("Content-Type", "application/x-amz-json-1.1"),
            ("X-Amz-Target", f"{prefix}.{name}"),
        )
        call = ApiCall(service, reader.region, headers, key.body)
        return await self._replies.get(key, lambda: self._ask_as(reader, call))


async def _outcomes(reads: Iterable[Awaitable[_T]]) -> list[_T | Exception]:
    """Wait for all, and give what each came to; cancelling and the like end it at once."""
    outcomes = await asyncio.gather(*reads, return_exceptions=True)
    kept: list[_T | Exception] = []
    for each in outcomes:
        if isinstance(each, BaseException) and not isinstance(each, Exception):
            raise each
        kept.append(each)
    return kept


def _batch_error(secret_id: str, outcome: Exception) -> dict[str, str]:
    """Write what AWS would list of a secret; what may pass fails the request, to be sent again."""
    match outcome:
        case Forbidden():
            code = ACCESS_DENIED
        case UpstreamRefused() if outcome.code:
            code = outcome.code
        case _:
            raise outcome
    return {"SecretId": secret_id, "ErrorCode": code, "Message": outcome.message}


def _told(body: bytes, read: Callable[[Any], _T]) -> _T:
    """Read something out of a reply; one without it is no answer of AWS's."""
    try:
        return read(json.loads(body))
    except (ValueError, LookupError, TypeError):
        raise unreadable() from None


def _found(answer: Answer[Any]) -> Found:
    return Found(answer.api_body, answer.age_seconds, answer.state)


def _found_together(body: bytes, answers: Sequence[Answer[Any]]) -> Found:
    """Mark a body with the greatest age and the worst state of what went into it."""
    if not answers:
        return Found(body, 0, "miss")
    state = max((each.state for each in answers), key=_WORST_LAST.index)
    return Found(body, max(each.age_seconds for each in answers), state)


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
