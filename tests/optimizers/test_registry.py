"""Optimizers by name: unknown, missing, broken and third-party ones."""

import subprocess
import sys

import pytest

import backtune as bt
from backtune.errors import OptimizerError, SettingError
from backtune.optimizers.registry import LIBRARIES, optimizer
from backtune.testing import Recorded

EXTRAS = {
    "nevergrad": ("nevergrad", "nevergrad"),
    "botorch": ("botorch", "botorch"),
    "evotorch": ("evotorch", "evotorch"),
    "evox": ("evox", "evox"),
    "pygmo": ("pygmo", "pygmo"),
    "cma": ("cma", "cma"),
    "optuna": ("optuna", "optuna"),
    "optuna:gp": ("torch", "optuna"),
    "optuna:cmaes": ("cmaes", "optuna"),
    "evotorch:PyCMAES": ("cma", "evotorch"),
    "fcmaes": ("fcmaes", "fcmaes"),
    "nlopt": ("nlopt", "nlopt"),
}
BOX = [(-1.0, 1.0)] * 2

THIRD_PARTY = """
from backtune import Search

class Middle(Search):
    library = "middle"
    algorithms = ("of_the_box", "once_more")

    def search(self, evaluator, seed):
        evaluator.value((evaluator.low + evaluator.high) / 2)

class Needy(Middle):
    library = "needy"
    packages = ("backtune_test_absent",)

class Broken(Middle):
    library = "broken"
    packages = ("backtune_test_broken",)

class NoSearch:
    pass
"""


@pytest.fixture
def third_party(tmp_path, monkeypatch):
    """A package with entry points, installed as far as importlib.metadata is concerned."""
    (tmp_path / "backtune_test_party.py").write_text(THIRD_PARTY)
    (tmp_path / "backtune_test_broken.py").write_text("import backtune_test_nowhere")
    folder = tmp_path / "backtune_test_party-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: backtune-test-party\nVersion: 1.0\n")
    lines = ["[backtune.optimizers]"]
    for name, target in {
        "middle": "backtune_test_party:Middle",
        "needy": "backtune_test_party:Needy",
        "broken": "backtune_test_party:Broken",
        "none": "backtune_test_party:NoSearch",
        "gone": "backtune_test_nowhere:Gone",
        "random": "backtune_test_party:Middle",
    }.items():
        lines.append(f"{name} = {target}")
    (folder / "entry_points.txt").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("backtune_test_party", None)


@pytest.mark.needs(*{package for package, _ in EXTRAS.values()})
def test_every_library_of_the_tests_is_installed_and_listed():
    listed = bt.optimizers()
    assert {method.partition(":")[0] for method in listed} == set(LIBRARIES)
    assert [method for method, installed in listed.items() if not installed] == []


@pytest.mark.needs(*{package for package, _ in EXTRAS.values()})
def test_every_method_listed_can_be_made_and_calls_itself_so():
    assert [optimizer(method).method for method in bt.optimizers()] == list(bt.optimizers())


@pytest.mark.needs("optuna")
def test_a_library_alone_means_its_first_algorithm():
    assert optimizer("scipy").method == "scipy:differential_evolution"
    assert optimizer("optuna").method == "optuna:tpe"


@pytest.mark.slow
def test_the_public_list_is_callable_whatever_was_imported_before():
    code = "import backtune as bt; bt.optimize; a = bt.optimizers(); import backtune.optimizers.base as b"
    code += "; assert a == bt.optimizers() == b.sys.modules['backtune.optimizers'].optimizers()"
    subprocess.run([sys.executable, "-c", code.replace("b.sys", "__import__('sys')")], check=True)


@pytest.mark.slow
def test_listing_imports_no_optional_library():
    code = (
        "import sys, backtune as bt; bt.optimizers(); "
        "print([m for m in ('torch','nevergrad','botorch','evotorch','evox','pygmo','cma','optuna','fcmaes',"
        "'nlopt','pytest') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("method", EXTRAS)
def test_a_missing_package_names_its_extra(method, monkeypatch):
    package, extra = EXTRAS[method]
    monkeypatch.setitem(sys.modules, package, None)  # as if it were not installed
    with pytest.raises(OptimizerError, match=rf"needs {package}.*pip install 'backtune\[{extra}\]'"):
        bt.optimize(Recorded(BOX), method)
    assert [known for known in bt.optimizers() if known.startswith(method)]
    assert not any(installed for known, installed in bt.optimizers().items() if known.startswith(method))


def test_an_unknown_library_lists_the_known_ones():
    with pytest.raises(
        SettingError, match=r"unknown optimizer 'scpy' \(did you mean 'scipy'\?\); known: exact"
    ):
        bt.optimize(Recorded(BOX), "scpy")


@pytest.mark.parametrize("library", ["scipy", "evotorch", "evox", "pygmo", "optuna", "fcmaes", "nlopt"])
def test_an_unknown_algorithm_lists_the_known_ones(library):
    known = type(optimizer(library)).algorithms
    with pytest.raises(
        SettingError, match=f"unknown algorithm of {library} 'nope'; known: {', '.join(known)}"
    ):
        bt.optimize(Recorded(BOX), f"{library}:nope")


def test_a_library_of_one_algorithm_says_so():
    with pytest.raises(SettingError, match="random has one algorithm, not 'uniform'"):
        optimizer("random:uniform")


@pytest.mark.needs("pygmo")
def test_an_optimizer_object_is_used_as_it_is():
    search = optimizer("pygmo:sade")
    assert bt.optimize(Recorded(BOX), search, budget=30).method == "pygmo:sade"


@pytest.mark.usefixtures("third_party")
class TestThirdParty:
    def test_is_found_by_its_entry_point(self):
        assert bt.optimize(Recorded(BOX), "middle", budget=5).x.tolist() == [0.0, 0.0]
        assert bt.optimize(Recorded(BOX), "middle:once_more", budget=5).method == "middle:once_more"

    def test_is_not_imported_for_another_method(self):
        bt.optimize(Recorded(BOX), "random", budget=5)
        assert "backtune_test_party" not in sys.modules

    def test_is_listed_with_what_is_missing_or_broken(self):
        listed = bt.optimizers()
        assert (listed["middle:of_the_box"], listed["middle:once_more"]) == (True, True)
        assert (listed["needy:of_the_box"], listed["gone"], listed["none"]) == (False, False, False)

    def test_can_not_take_the_name_of_ours(self):
        assert bt.optimize(Recorded(BOX), "random", budget=5).evaluations == 5

    def test_missing_package_of_it_is_named(self):
        with pytest.raises(
            OptimizerError, match=r"needs backtune_test_absent.*pip install backtune_test_absent"
        ):
            bt.optimize(Recorded(BOX), "needy")

    def test_a_package_that_breaks_on_import_is_named(self):
        with pytest.raises(OptimizerError, match="backtune_test_broken is installed but can not be imported"):
            bt.optimize(Recorded(BOX), "broken")

    @pytest.mark.parametrize(
        ("library", "message"),
        [("gone", "can not be imported"), ("none", "no subclass of backtune.Optimizer")],
    )
    def test_an_entry_point_to_nothing_is_an_error(self, library, message):
        with pytest.raises(OptimizerError, match=message):
            bt.optimize(Recorded(BOX), library)
