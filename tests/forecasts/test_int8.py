"""Linear layers in 8-bit integers: a row's result depends on that row alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="the extras chronos, toto and kronos are not installed")

from backtune.forecasts.int8 import Int8Linear, encode, float_products, swap_linear_layers  # noqa: E402


def layer_of(inputs, outputs, bias=True, seed=0):
    torch.manual_seed(seed)
    return torch.nn.Linear(inputs, outputs, bias=bias).eval()


def states(*shape, seed=1):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@settings(max_examples=40, deadline=None)
@given(
    inputs=st.integers(1, 70),
    outputs=st.integers(1, 40),
    rows=st.integers(2, 50),
    loud=st.floats(1e-6, 1e6),
    bias=st.booleans(),
)
def test_a_row_gives_the_same_bits_alone_and_beside_louder_ones(inputs, outputs, rows, loud, bias):
    layer, company = Int8Linear(layer_of(inputs, outputs, bias)), states(rows, inputs)
    alone = [layer(company[k : k + 1]) for k in range(rows)]
    company[1:] *= loud
    assert torch.equal(layer(company)[:1], alone[0])
    assert torch.equal(layer(company.flip(0))[-1:], alone[0])


@pytest.mark.parametrize("shape", [(7,), (3, 7), (2, 3, 7), (0, 7), (2, 0, 7)])
def test_any_leading_shape_is_kept(shape):
    layer = layer_of(7, 5)
    output = Int8Linear(layer)(states(*shape))
    assert output.shape == layer(states(*shape)).shape
    torch.testing.assert_close(output, layer(states(*shape)), rtol=0, atol=0.05)


def test_the_error_is_that_of_steps_of_one_in_127_of_the_largest():
    """Rounding moves a state and a weight by half a step each, at most."""
    layer, x = layer_of(64, 32), states(200, 64)
    error = (Int8Linear(layer)(x) - layer(x)).abs()
    largest_state, largest_weight = x.abs().amax(1)[:, None], layer.weight.abs().amax(1)[None]
    states_off = largest_state / 254 * layer.weight.abs().sum(1)[None]
    weights_off = largest_weight / 254 * (x.abs().sum(1)[:, None] + 64 * largest_state / 254)
    assert (error <= states_off + weights_off + 1e-5).all()


def test_zeros_give_the_bias():
    layer = layer_of(7, 5)
    assert torch.equal(Int8Linear(layer)(torch.zeros(3, 7)), layer.bias.detach().expand(3, -1))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_state_that_is_not_finite_spoils_its_own_row_and_never_passes_for_a_number(value):
    layer, x = Int8Linear(layer_of(7, 5)), states(4, 7)
    clean = layer(x)
    x[2, 3] = value
    output = layer(x)
    assert not torch.isfinite(output[2]).any()
    assert torch.equal(output[[0, 1, 3]], clean[[0, 1, 3]])


@pytest.mark.parametrize("scale", [1e-38, 1e-20, 1.0, 1e20, 1e37])
def test_codes_fit_whatever_the_size(scale):
    codes, step = encode(states(50, 9) * scale)
    assert codes.abs().max() <= 127
    assert torch.isfinite(codes.float() * step).all()


@pytest.mark.parametrize("length", [1, 1024, 1025, 5000])
@pytest.mark.parametrize("sign", [1, -1])
def test_products_are_exact_by_integers_and_by_floats_at_the_largest_codes(length, sign):
    """Where sums in 16 bits on the way would overflow, and where 32-bit floats would run out of digits."""
    left = torch.full((20, length), 127, dtype=torch.int8)
    left[::2, ::3] = -126
    right = torch.full((length, 6), sign * 127, dtype=torch.int8)
    right[::5, 3] = 101
    exact = torch.from_numpy(left.numpy().astype(np.int64) @ right.numpy().astype(np.int64))
    assert torch.equal(float_products(left, right).long(), exact)
    layer = Int8Linear(layer_of(4, 4))
    if layer.fast:
        assert torch.equal(torch._int_mm(left, right).long(), exact)


def test_a_cpu_without_integer_products_gives_the_same_bits():
    layer, x = Int8Linear(layer_of(2100, 9)), states(30, 2100)
    output = layer(x)
    layer.fast = False
    assert torch.equal(layer(x), output)


def test_layers_are_swapped_however_deep_and_those_of_a_class_built_on_linear_stay():
    class Scaled(torch.nn.Linear):
        def forward(self, x):
            return 2 * super().forward(x)

    inner = torch.nn.ModuleDict({"a": layer_of(3, 3), "b": Scaled(3, 3)})
    module = torch.nn.Sequential(layer_of(3, 3), torch.nn.Sequential(torch.nn.ReLU(), inner))
    assert swap_linear_layers(module) == 2
    assert isinstance(module[0], Int8Linear)
    assert isinstance(module[1][1]["a"], Int8Linear)
    assert type(module[1][1]["b"]) is Scaled
