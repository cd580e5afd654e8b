"""Tiny random models of the real libraries, saved as their own `save_pretrained` saves them."""

from __future__ import annotations

LIBRARIES = {  # what each kind needs
    "chronos": "chronos",
    "toto": "toto2",
    "kronos": "sktime.libs.kronos",
    "timesfm": "timesfm3",
    "toto1": "toto.model.toto",
}
SAMPLED = ("kronos", "toto1")
LICENSED = {"timesfm": ",accept_license=true"}
LEVELS_21 = [0.01, 0.05, *[k / 20 for k in range(2, 19)], 0.95, 0.99]


def named(kind, folder, options=""):
    """Name of the model of a kind whose weights lie in `folder`."""
    return f"{kind}:{folder}{options}{LICENSED.get(kind, '')}"


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


def save_timesfm(folder, seed=0, d_model=32, layers=2):
    import torch
    from timesfm3 import ResidualBlockConfig, StackedTransformersConfig, TransformerConfig
    from timesfm3.torch import TimesFM3Torch

    torch.manual_seed(seed)
    block = ResidualBlockConfig(hidden_dims=d_model, output_dims=d_model, use_bias=False, activation="relu")
    transformer = TransformerConfig(
        model_dims=d_model,
        hidden_dims=2 * d_model,
        num_heads=4,
        attention_norm="rms",
        feedforward_norm="rms",
        qk_norm="rms",
        use_bias=False,
        use_rope_seq=True,
        use_rope_var=False,
        ff_activation="relu",
        deterministic=True,
    )
    stack = StackedTransformersConfig(num_layers=layers, transformer=transformer)
    TimesFM3Torch(residual_block_config=block, transformer_config=stack).save_pretrained(folder)
    return str(folder)


def save_toto1(folder, seed=0, d_model=32, layers=2):
    """As its published weights lie: `save_pretrained` of this library is not implemented."""
    import json
    from pathlib import Path

    import torch
    from safetensors.torch import save_file
    from toto.model.toto import Toto

    torch.manual_seed(seed)
    settings = {
        "patch_size": 16,
        "stride": 16,
        "embed_dim": d_model,
        "num_layers": layers,
        "num_heads": 4,
        "mlp_hidden_dim": 2 * d_model,
        "dropout": 0.0,
        "spacewise_every_n_layers": 2,
        "scaler_cls": "<class 'model.scaler.CausalPatchStdMeanScaler'>",
        "output_distribution_classes": ["<class 'model.distribution.MixtureOfStudentTsOutput'>"],
        "output_distribution_kwargs": {"k_components": 4},
        "spacewise_first": False,
        "use_memory_efficient_attention": False,
    }
    Path(folder).mkdir(parents=True, exist_ok=True)
    save_file(Toto(**settings).state_dict(), Path(folder) / "model.safetensors")
    (Path(folder) / "config.json").write_text(json.dumps(settings), encoding="utf-8")
    return str(folder)
