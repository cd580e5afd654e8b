"""Bars to forecast, weights to load, and no network."""

import socket

import pytest

import tiny_models
from synthetic import make_bars


@pytest.fixture(autouse=True)
def _sealed(monkeypatch, tmp_path):
    """No test of a forecaster may open a connection, or touch the user's cache."""

    def refuse(*args, **kwargs):
        raise AssertionError("a forecaster opened a network connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("BACKTUNE_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="session")
def bars():
    return make_bars()


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """Give the folder of tiny random weights of a kind, made once a session for each shape."""
    folders = {}

    def folder(kind, **shape):
        key = kind, *shape.items()
        if key not in folders:
            folders[key] = getattr(tiny_models, f"save_{kind}")(tmp_path_factory.mktemp(kind), **shape)
        return folders[key]

    return folder
