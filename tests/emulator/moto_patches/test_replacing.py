"""Patches are put in place and taken away again; one that fits nothing says so."""

from types import SimpleNamespace

import pytest
from moto.core.config import default_user_config
from moto.secretsmanager.models import SecretsManagerBackend

from sidecar.emulator import moto_patches
from sidecar.emulator.moto_patches.replacing import replaced, replaced_item


def test_an_attribute_is_replaced_for_a_while() -> None:
    owner = SimpleNamespace(name="original")
    with replaced(owner, "name", "patch"):
        assert owner.name == "patch"
    assert owner.name == "original"


def test_an_item_is_replaced_for_a_while() -> None:
    mapping = {"key": "original"}
    with replaced_item(mapping, "key", "patch"):
        assert mapping == {"key": "patch"}
    assert mapping == {"key": "original"}


def test_the_original_comes_back_after_an_error_too() -> None:
    owner = SimpleNamespace(name="original")
    with pytest.raises(ZeroDivisionError), replaced(owner, "name", 0):
        1 / owner.name
    assert owner.name == "original"


def test_what_is_not_there_cannot_be_replaced() -> None:
    with pytest.raises(AttributeError), replaced(SimpleNamespace(), "name", "patch"):
        pass
    with pytest.raises(KeyError), replaced_item({}, "key", "patch"):
        pass


def test_patches_stay_until_the_last_user_has_left() -> None:
    with moto_patches.applied():
        patched = SecretsManagerBackend.batch_get_secret_value
        with moto_patches.applied():
            pass
        assert SecretsManagerBackend.batch_get_secret_value is patched
        assert default_user_config["iam"] == {"load_aws_managed_policies": True}


def test_a_patch_that_fits_no_more_leaves_no_other_in_force(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    owner = SimpleNamespace(name="original")
    fits = SimpleNamespace(applied=lambda: replaced(owner, "name", "patch"))
    fits_no_more = SimpleNamespace(applied=lambda: replaced(owner, "other", "patch"))
    monkeypatch.setattr(moto_patches, "_PATCHES", (fits, fits_no_more))
    monkeypatch.setattr(moto_patches, "_shared", type(moto_patches._shared)())
    for _ in range(2):
        with pytest.raises(AttributeError), moto_patches.applied():
            pass
        assert owner.name == "original"
