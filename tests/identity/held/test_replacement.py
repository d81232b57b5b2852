"""A replaced identity is taken into use: whatever way it was replaced, of whatever kind it is."""

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sidecar.ca import Authority, KeyKind, certificate_pem
from sidecar.identity.held import HeldIdentity
from sidecar.identity.identity import Identity

if TYPE_CHECKING:
    from tests.identity.held.conftest import Files, Hold, Issue, Issued


@pytest.mark.parametrize("way", ["write", "rename", "swap"])
async def test_a_replaced_identity_is_in_use_after_two_looks(
    way: str, hold: "Hold", files: "Files", old: "Issued", new: "Issued"
) -> None:
    watched = hold(old)
    getattr(files, way)(new)
    await watched.look(1)
    assert watched.serial == old.serial
    await watched.look(1)
    assert watched.serial == new.serial
    assert [each.certificate for each in watched.heard] == [new.leaf]


async def test_kubernetes_swaps_the_link_again_and_again(
    hold: "Hold", files: "Files", old: "Issued", new: "Issued"
) -> None:
    watched = hold(old)
    files.swap(old)
    await watched.look()
    for each in (new, old, new):
        files.swap(each)
        await watched.look()
        assert watched.serial == each.serial
    assert len(watched.heard) == 3


async def test_what_the_signer_gets_is_of_one_identity_before_and_after(
    hold: "Hold", files: "Files", old: "Issued", new: "Issued"
) -> None:
    watched = hold(old)
    before = watched.held.key()
    files.rename(new)
    await watched.look()
    after = watched.held.key()
    assert (before.serial_number, after.serial_number) == (old.serial, new.serial)
    assert before.certificate != after.certificate
    assert before.chain != after.chain
    assert before.sign(b"a signature that was under way")


async def test_a_key_of_another_kind_brings_its_own_algorithm(
    hold: "Hold", files: "Files", issue: "Issue", old: "Issued"
) -> None:
    watched = hold(old)
    algorithms = []
    for kind in (KeyKind.RSA_2048, KeyKind.EC_P384, KeyKind.ML_DSA_65, KeyKind.EC_P256):
        files.rename(issue(kind))
        await watched.look()
        algorithms.append(watched.held.key().algorithm.value)
    assert algorithms == [
        "AWS4-X509-RSA-SHA256",
        "AWS4-X509-ECDSA-SHA256",
        "AWS4-X509-MLDSA",
        "AWS4-X509-ECDSA-SHA256",
    ]


async def test_new_intermediates_alone_are_a_new_identity(
    hold: "Hold", files: "Files", root: Authority, old: "Issued"
) -> None:
    watched = hold(replace(old, chain=certificate_pem(root.certificate)))
    assert watched.held.key().chain == ()
    files.chain.write_bytes(old.chain)
    await watched.look()
    assert len(watched.held.key().chain) == 1
    assert len(watched.heard) == 1


async def test_a_certificate_whose_issuers_are_yet_to_come_is_given_time(
    hold: "Hold", files: "Files", old: "Issued", new: "Issued"
) -> None:
    watched = hold(old)
    files.write(replace(new, chain=old.chain))
    await watched.look(3)
    assert watched.serial == old.serial
    files.chain.write_bytes(new.chain)
    await watched.look()
    assert (watched.serial, len(watched.heard)) == (new.serial, 1)
    assert len(watched.held.key().chain) == 1


async def test_a_certificate_whose_issuers_never_come_is_used_without(
    hold: "Hold", files: "Files", old: "Issued", new: "Issued"
) -> None:
    watched = hold(old)
    files.write(replace(new, chain=old.chain))
    await watched.look(5)
    assert (watched.serial, watched.held.key().chain) == (new.serial, ())


async def test_a_file_replaced_while_the_start_read_it_is_noticed(
    hold: "Hold", files: "Files", old: "Issued", new: "Issued"
) -> None:
    watched = hold(old)
    files.write(new)
    # It was read before that write and looked at after it: no look will ever differ.
    watched.held = HeldIdentity(watched.held.current, watched.places, watched.clock)
    await watched.look(2)
    assert watched.serial == old.serial
    await watched.look(1)
    assert watched.serial == new.serial


async def test_what_is_read_again_unchanged_is_no_new_identity(
    hold: "Hold", files: "Files", old: "Issued"
) -> None:
    watched = hold(old)
    for _ in range(3):
        files.rename(old)
        await watched.look(4)
    assert (watched.heard, watched.said(logging.INFO)) == ([], [])


async def test_a_signal_has_it_read_at_the_next_look_and_told_what_came_of_it(
    hold: "Hold", files: "Files", old: "Issued", new: "Issued"
) -> None:
    watched = hold(old)
    watched.held.reload()
    await watched.look(1)
    [line] = watched.said(logging.INFO)
    assert line.startswith("identity: read again, it is the one in use, CN=web with")
    files.rename(new)
    watched.held.reload()
    await watched.look(1)
    assert watched.serial == new.serial


async def test_a_new_identity_is_told_with_its_serial_and_its_end(
    hold: "Hold", files: "Files", old: "Issued", new: "Issued"
) -> None:
    watched = hold(old)
    files.rename(new)
    await watched.look()
    end = "valid until 2026-03-31T12:00:00Z"
    [line] = watched.said(logging.INFO)
    assert line == (
        f"identity: new, CN=web with serial {new.serial:x}, {end}; "
        f"before: CN=web with serial {old.serial:x}, {end}"
    )


async def test_a_listener_that_fails_keeps_neither_the_others_nor_the_identity_back(
    hold: "Hold", files: "Files", old: "Issued", new: "Issued"
) -> None:
    watched = hold(old)

    def fail(_: Identity) -> None:
        raise RuntimeError("a bug")

    heard: list[Identity] = []
    watched.held.on_change(fail)
    watched.held.on_change(heard.append)
    files.rename(new)
    await watched.look()
    assert (watched.serial, len(heard)) == (new.serial, 1)
    assert watched.said(logging.ERROR) == ["identity: a listener failed on a new identity"]


async def test_running_it_looks_every_two_seconds(
    hold: "Hold", files: "Files", old: "Issued", new: "Issued"
) -> None:
    watched = hold(old)
    running = asyncio.create_task(watched.held.run())
    files.rename(new)
    async with asyncio.timeout(30):
        while not watched.heard:
            await watched.clock.advance(2)
            await asyncio.sleep(0.005)
    running.cancel()
    assert watched.serial == new.serial


async def test_files_that_are_rewritten_without_end_are_read_all_the_same(
    hold: "Hold", files: "Files", old: "Issued", new: "Issued"
) -> None:
    watched = hold(old)
    for _ in range(7):
        files.rename(new)
        await watched.look(1)
    assert watched.serial == new.serial
