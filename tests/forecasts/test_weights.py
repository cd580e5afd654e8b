"""Where weights are found."""

import json

import numpy as np
import pytest

from backtune.errors import ForecasterError
from backtune.forecasts.weights import check_all_loaded, locate, need

pytest.importorskip("safetensors", reason="the extras chronos, toto and kronos are not installed")


def save(folder, names=("w",)):
    from safetensors.numpy import save_file

    folder.mkdir(parents=True)
    save_file({name: np.ones(2, dtype=np.float32) for name in names}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({}))
    return folder


def test_a_model_fetched_before_is_used_without_the_network(tmp_path, monkeypatch):
    """The sealed network of these tests would refuse any question to the hub."""
    constants = pytest.importorskip("huggingface_hub.constants", reason="huggingface_hub is not installed")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    commit = "0" * 40
    home = tmp_path / "models--owner--model"
    folder = save(home / "snapshots" / commit)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text(commit)
    assert locate("owner/model", "chronos").folder == folder


def test_the_digest_follows_the_contents(tmp_path):
    same, other = save(tmp_path / "a"), save(tmp_path / "c", ("v",))
    again = save(tmp_path / "b")
    digests = [locate(str(folder), "chronos").digest for folder in (same, again, other)]
    assert digests[0] == digests[1] != digests[2]


def test_tied_tensors_need_to_be_in_the_file_once(tmp_path):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    model = torch.nn.Module()
    model.a = torch.nn.Parameter(torch.ones(2))
    model.b = model.a
    tensors = locate(str(save(tmp_path / "tied", ("a",))), "chronos").keys()
    check_all_loaded(model, "tied", tensors)
    model.c = torch.nn.Parameter(torch.ones(2))
    with pytest.raises(ForecasterError, match=r"1 of 3 tensors .* \(c is one\)"):
        check_all_loaded(model, "tied", tensors)


@pytest.mark.parametrize("name", ["owner/a--b", "owner/a..b", "owner/name."])
def test_a_name_that_the_hub_cannot_have_is_one_line(name):
    pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed")
    with pytest.raises(ForecasterError, match=r"no name the hub could have"):
        locate(name, "chronos")


def test_a_folder_that_another_package_left_behind_is_no_library(tmp_path, monkeypatch):
    """timecopilot-toto leaves a folder toto2 that is not Toto 2."""
    (tmp_path / "left_behind" / "left_behind").mkdir(parents=True)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ForecasterError, match=r"left_behind is not installed; pip install 'backt"):
        need("left_behind", "toto")


@pytest.mark.parametrize("name", ["../etc", "a/b/c", "just-a-name", "", "owner/model/"])
def test_what_is_neither_a_folder_nor_a_hub_name_is_one_line(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ForecasterError, match=r"no such folder|no config\.json"):
        locate(name, "chronos")
