"""Tiny random models of the real libraries, saved as their own `save_pretrained` saves them."""

from __future__ import annotations

LEVELS_21 = [0.01, 0.05, *[k / 20 for k in range(2, 19)], 0.95, 0.99]


def save_chronos(folder, seed=0, d_model=32, layers=2):
    import torch
    from chronos.chronos2.config import Chronos2CoreConfig
    from chronos.chronos2.model import Chronos2Model

    torch.manual_seed(seed)
    config = Chronos2CoreConfig(
        d_model=d_model,
        d_kv=d_model // 4,
        d_ff=2 * d_model,
        num_layers=layers,
        num_heads=4,
        dropout_rate=0.0,
        vocab_size=2,
        pad_token_id=0,
        reg_token_id=1,
        chronos_config={
            "context_length": 2048,
            "input_patch_size": 16,
            "input_patch_stride": 16,
            "output_patch_size": 16,
            "max_output_patches": 4,
            "quantiles": LEVELS_21,
            "time_encoding_scale": 2048,
            "use_arcsinh": True,
            "use_reg_token": True,
        },
        architectures=["Chronos2Model"],
        chronos_pipeline_class="Chronos2Pipeline",
    )
    Chronos2Model(config).save_pretrained(folder)
    return str(folder)


def save_toto(folder, seed=0, d_model=32, layers=2):
    import torch
    from toto2 import Toto2Model, Toto2ModelConfig

    torch.manual_seed(seed)
    config = Toto2ModelConfig(
        patch_size=32,
        d_model=d_model,
        num_heads=4,
        num_layers=layers,
        layer_group_size=2,
        num_variate_layers_per_group=1,
        variate_layer_first=True,
        residual_attn_ratio=Toto2ModelConfig.compute_residual_attn_ratio(512, 32),
    )
    Toto2Model(config).save_pretrained(folder)
    return str(folder)


def save_kronos(folder, seed=0, d_model=32, layers=2, bits=5):
    import torch
    from sktime.libs.kronos import Kronos, KronosTokenizer

    torch.manual_seed(seed)
    drop = {"ffn_dropout_p": 0.0, "attn_dropout_p": 0.0, "resid_dropout_p": 0.0}
    tokenizer = KronosTokenizer(
        d_in=6,
        d_model=d_model,
        n_heads=4,
        ff_dim=2 * d_model,
        n_enc_layers=3,
        n_dec_layers=3,
        s1_bits=bits,
        s2_bits=bits,
        beta=0.05,
        gamma0=1.0,
        gamma=1.1,
        zeta=0.05,
        group_size=bits,
        **drop,
    )
    model = Kronos(
        s1_bits=bits,
        s2_bits=bits,
        n_layers=layers,
        d_model=d_model,
        n_heads=4,
        ff_dim=2 * d_model,
        token_dropout_p=0.0,
        learn_te=True,
        **drop,
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(f"{folder}/tokenizer")
    return str(folder)
