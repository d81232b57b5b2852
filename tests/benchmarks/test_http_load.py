"""The load generator counts what it gets, and the programs are asked what they understand."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from benchmarks.bare_server import answers_of
from benchmarks.http_load import Sample, Target, load, pooled
from benchmarks.secret_programs import Program, path_of
from sidecar.secret_cache.request import SecretRequest, parse_target

WHOLE = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nbody"
Listen = Callable[[list[bytes]], Awaitable[Target]]


@pytest.fixture
async def listen() -> AsyncIterator[Listen]:
    """Give a function that has every request answered by these pieces; none: by hanging up."""
    servers: list[asyncio.Server] = []
    served: set[asyncio.Task[None]] = set()

    async def start(pieces: list[bytes]) -> Target:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while pieces and await reader.read(100):
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0)
            writer.close()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            served.add(asyncio.ensure_future(serve(reader, writer)))

        servers.append(await asyncio.start_server(accept, "127.0.0.1", 0))
        return Target(servers[-1].sockets[0].getsockname()[1], b"GET / HTTP/1.1\r\n\r\n")

    yield start
    for server in servers:
        server.close()
    await asyncio.gather(*served, return_exceptions=True)


@pytest.mark.parametrize(
    ("pieces", "failures"),
    [
        pytest.param([WHOLE], 0, id="whole"),
        pytest.param([WHOLE[index : index + 1] for index in range(len(WHOLE))], 0, id="in pieces"),
        pytest.param([b"HTTP/1.1 204 No Content\r\n\r\n"], 3, id="no body"),
        pytest.param([b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"], 3, id="an error"),
    ],
)
async def test_each_answer_is_counted_once(
    listen: Listen, pieces: list[bytes], failures: int
) -> None:
    sample = await load(await listen(pieces), connections=3, seconds=0)
    assert (len(sample.latencies), sample.failures) == (3, failures)


async def test_who_is_answered_asks_again_until_the_time_is_over(listen: Listen) -> None:
    sample = await load(await listen([WHOLE]), connections=2, seconds=0.05)
    assert len(sample.latencies) > 2
    assert sample.failures == 0


async def test_a_connection_that_ends_is_a_failure(listen: Listen) -> None:
    sample = await load(await listen([]), connections=2, seconds=0)
    assert (list(sample.latencies), sample.failures) == ([], 2)


def test_what_a_sample_says() -> None:
    sample = Sample([0.001 * number for number in range(1, 101)], 2)
    assert (sample.rate, sample.longest) == (50, 0.1)
    assert sample.median == pytest.approx(0.0505)
    assert sample.p99 == pytest.approx(0.09901)
    both = pooled([sample, Sample([1.0], 2, failures=1)])
    assert (len(both.latencies), both.seconds, both.failures) == (101, 4, 1)


async def test_the_bare_handler_answers_what_it_was_given() -> None:
    handlers = answers_of({path_of("32"): b"body"})
    server = await asyncio.get_running_loop().create_server(handlers, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    sample = await load(Program(port, "token", 0).target("32"), connections=1, seconds=0)
    await handlers.shutdown()
    server.close()
    assert sample.failures == 0


def test_the_doors_understand_the_question() -> None:
    request = Program(2773, "token", 0).target("a/b", "&refreshNow=true").request
    target = request.split(b" ")[1].decode()
    parsed = parse_target(target)
    assert isinstance(parsed, SecretRequest)
    assert (parsed.query.secret_id, parsed.refresh_now) == ("bench/a/b", True)
    assert b"\r\nX-Aws-Parameters-Secrets-Token: token\r\n\r\n" in request
