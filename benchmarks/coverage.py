"""Explain networks of two large collections, with random weights: what adds up, and whether w is the derivative.

    pip install timm transformers
    python benchmarks/coverage.py                     # some minutes on one core; nothing is downloaded
    python benchmarks/coverage.py --only xcit_nano_12_p16_224,LlamaForCausalLM

No weights are needed: what is checked holds for any. Biases and norms are made random, everything is in double
precision, though some networks compute a part in single by themselves. The columns: the steps of the ledger; the
largest residual of any cut, of the largest of |target|, |w·x| and |b|; how far w is from the difference quotient of the
network itself in a random direction. That is not autograd's word: on CPUs, torch's backward of a batch norm in eval
mode is wrong where grad and input are laid out differently (torch 2.14.1).
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

import bbp_widgets as bbp

#: The smallest of each family, or nearly.
TIMM = [
    "beit_base_patch16_224", "botnet26t_256", "cait_xxs24_224", "coat_tiny", "coatnet_nano_rw_224", "convit_tiny",
    "crossvit_tiny_240", "cspresnet50", "davit_tiny", "deit_tiny_patch16_224", "dla34", "dpn68",
    "edgenext_xx_small", "efficientformer_l1", "efficientvit_b0", "efficientvit_m0", "ese_vovnet19b_dw",
    "eva02_tiny_patch14_224", "fastvit_t8", "focalnet_tiny_srf", "gcvit_xxtiny", "gernet_s", "ghostnet_050",
    "gmlp_s16_224", "halonet26t", "hgnet_tiny", "hiera_tiny_224", "hrnet_w18_small", "inception_next_atto",
    "lambda_resnet26t", "lcnet_050", "levit_128s", "mambaout_femto", "maxvit_nano_rw_256", "mixer_s32_224",
    "mobilenetv4_conv_small", "mobileone_s0", "mobilevit_xxs", "mobilevitv2_050", "mvitv2_tiny", "nest_tiny_jx",
    "nextvit_small", "nf_regnet_b0", "pit_ti_224", "poolformer_s12", "pvt_v2_b0", "rdnet_tiny", "regnetx_002",
    "repvgg_a0", "repvit_m0_9", "res2net50_26w_4s", "resmlp_12_224", "resnest14d", "resnetv2_50", "rexnet_100",
    "selecsls42", "sequencer2d_s", "skresnet18", "starnet_s1", "swiftformer_xs", "swinv2_cr_tiny_ns_224",
    "tf_efficientnet_b0", "tiny_vit_5m_224", "tnt_s_patch16_224", "twins_pcpvt_small", "visformer_tiny",
    "vit_tiny_patch16_224", "volo_d1_224", "xception41", "xcit_nano_12_p16_224",
]  # fmt: skip
_TEXT = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64, "vocab_size": 100,
    "max_position_embeddings": 64, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0,
}  # fmt: skip
_VISION = {key: _TEXT[key] for key in ("hidden_size", "num_hidden_layers", "num_attention_heads")}
_OTHERS = {"vocab_size": 100, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
#: Class, config, what the config is given, and the module whose output is explained; all of them tiny.
TRANSFORMERS: list[tuple[str, str, dict[str, Any], str | None]] = [
    ("BertForSequenceClassification", "BertConfig", _TEXT, "bert.embeddings"),
    ("RobertaForSequenceClassification", "RobertaConfig", _TEXT, "roberta.embeddings"),
    ("DistilBertForSequenceClassification", "DistilBertConfig",
     {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64, "vocab_size": 100}, "distilbert.embeddings"),
    ("ElectraForSequenceClassification", "ElectraConfig", {**_TEXT, "embedding_size": 16}, "electra.embeddings"),
    ("AlbertForSequenceClassification", "AlbertConfig", {**_TEXT, "embedding_size": 16}, "albert.embeddings"),
    ("DebertaV2ForSequenceClassification", "DebertaV2Config",
     {**_TEXT, "relative_attention": True, "pos_att_type": ["p2c", "c2p"]}, "deberta.embeddings"),
    ("GPT2LMHeadModel", "GPT2Config", {**_OTHERS, "n_embd": 32, "n_layer": 2, "n_head": 4}, "transformer.wte"),
    ("LlamaForCausalLM", "LlamaConfig", {**_TEXT, "num_key_value_heads": 2}, "model.embed_tokens"),
    ("Qwen2ForCausalLM", "Qwen2Config", {**_TEXT, "num_key_value_heads": 2}, "model.embed_tokens"),
    ("GemmaForCausalLM", "GemmaConfig", {**_TEXT, "num_key_value_heads": 2, "head_dim": 8}, "model.embed_tokens"),
    ("MambaForCausalLM", "MambaConfig",
     {**_OTHERS, "hidden_size": 32, "num_hidden_layers": 2, "state_size": 4}, "backbone.embeddings"),
    ("ViTForImageClassification", "ViTConfig", {**_VISION, "image_size": 32, "patch_size": 8}, None),
    ("Dinov2ForImageClassification", "Dinov2Config", {**_VISION, "image_size": 32, "patch_size": 8}, None),
    ("SegformerForImageClassification", "SegformerConfig",
     {"hidden_sizes": [8, 16, 16, 16], "depths": [1, 1, 1, 1], "num_attention_heads": [1, 2, 2, 2]}, None),
]  # fmt: skip
#: Steps of the difference quotient, of the size of the input: where no kink lies between, the best of them counts.
STEPS = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7)


@dataclass(frozen=True)
class Case:
    """A network, an input, what is explained, and the module that is explained instead of the input."""

    network: nn.Module
    x: Tensor
    target: Callable[[Any], Tensor]
    wrt: str | None = None


def with_random_biases(network: nn.Module) -> nn.Module:
    """Change every vector of parameters a little, and the statistics of batch norms; return the network."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.dim() < 2:
                parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.1)
        for name, buffer in network.named_buffers():
            if name.endswith("running_mean"):
                buffer.add_(torch.randn(buffer.shape, generator=generator), alpha=0.1)
            elif name.endswith("running_var"):
                buffer.mul_(torch.rand(buffer.shape, generator=generator) + 0.5)
    network.eval()  # whose result is not always the network
    network.double()
    return network


def of_timm(timm: Any, name: str) -> Case:
    torch.manual_seed(0)
    network = with_random_biases(timm.create_model(name, pretrained=False))
    x = torch.randn(1, *network.default_cfg["input_size"], dtype=torch.float64)
    return Case(network, x, lambda out: out[:, 1])


def of_transformers(library: Any, name: str) -> Case:
    _, config, given, wrt = next(entry for entry in TRANSFORMERS if entry[0] == name)
    torch.manual_seed(0)
    network = with_random_biases(getattr(library, name)(getattr(library, config)(**given)))
    if wrt is None:
        return Case(network, torch.randn(2, 3, 32, 32, dtype=torch.float64), lambda out: out.logits[:, 1])
    last = name.endswith(("LMHeadModel", "CausalLM"))
    target = (lambda out: out.logits[:, -1, 5]) if last else (lambda out: out.logits[:, 1])
    return Case(network, torch.randint(3, 90, (2, 9)), target, wrt)


def difference(case: Case, local: bbp.LocalModel) -> float:
    """Return how far w is from the network's own difference quotient in a random direction.

    Of the larger of both, and of no less than a millionth of the target: some networks hardly depend on their input.
    """
    assert isinstance(local.w, Tensor)
    assert isinstance(local.inputs, Tensor)
    direction = torch.randn(local.w.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    step = direction * local.inputs.abs().mean()
    wanted = float((local.w * step).sum())

    def value_at(moved: Tensor) -> float:
        with torch.no_grad():
            if case.wrt is None:
                return float(case.target(case.network(moved)).sum())
            module = case.network.get_submodule(case.wrt)
            handle = module.register_forward_hook(lambda *_: moved)
            try:
                return float(case.target(case.network(case.x)).sum())
            finally:
                handle.remove()

    misses, least = [], 1e-6 * float(local.value.abs().sum())
    for size in STEPS:
        ends = [value_at(local.inputs + sign * size * step) for sign in (1, -1)]
        got = (ends[0] - ends[1]) / (2 * size)
        misses.append(abs(got - wanted) / max(abs(got), abs(wanted), least))
    return min(misses)


def cells(case: Case) -> list[str]:
    result = bbp.attribute(case.network, case.x, case.target, wrt=case.wrt)
    value, b = result.value, result.local.b
    scale = torch.stack([value.abs(), b.abs(), (value - b).abs()]).amax(0)
    cut = max(float((step.residual.abs() / scale).max()) for step in result.ledger)
    return [str(len(result.ledger)), f"{cut:.0e}", f"{difference(case, result.local):.0e}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", help="names, comma between")
    only = parser.parse_args().only
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    print("| network | steps | largest residual of a cut | w against differences |\n|---|--:|--:|--:|")
    refused = []
    makers = {
        "timm": (of_timm, TIMM),
        "transformers": (of_transformers, [entry[0] for entry in TRANSFORMERS]),
    }
    for package, (make, names) in makers.items():
        chosen = [name for name in names if only is None or name in only.split(",")]
        if not chosen:
            continue
        library = importlib.import_module(package)
        for name in chosen:
            try:
                with contextlib.redirect_stderr(io.StringIO()):
                    found = cells(make(library, name))
            except bbp.errors.BbpError as error:
                refused.append(f"{name}: {type(error).__name__}: {error}")
                found = [f"refused [{len(refused)}]", "", ""]
            print(f"| {package} {library.__version__}: {name} | " + " | ".join(found) + " |", flush=True)
    for number, words in enumerate(refused, 1):
        print(f"[{number}] {words}")


if __name__ == "__main__":
    main()
