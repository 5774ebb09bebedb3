"""Makes oracles/imatrix-MODEL.safetensors with PyTorch and transformers, and looks at what we write.

    python make_imatrix.py                  writes the oracle of micro-qwen2moe
    python make_imatrix.py describe FILE    prints, with the package gguf, what is in an importance matrix

The oracle: input_ids [windows, tokens], and for every matrix that llama-imatrix collects its GGUF name
with .in_sum2 [E, in] (sums of squares of its inputs) and .counts [E] (tokens in them), computed in 64
bits and kept in 32. Inputs of ordinary maps are seen by hooks; experts, which transformers fuses, are
routed by hand.
"""

import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
WINDOWS, CONTEXT = 4, 128

# Module below a decoder layer, and the GGUF names of the maps that read its input.
LINEAR = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.shared_expert.gate_proj": "ffn_gate_shexp",
    "mlp.shared_expert.up_proj": "ffn_up_shexp",
    "mlp.shared_expert.down_proj": "ffn_down_shexp",
    "mlp.shared_expert_gate": "ffn_gate_inp_shexp",
}


def describe(path):
    from gguf import GGUFReader, GGUFValueType

    reader = GGUFReader(path)
    keys = []
    for field in reader.fields.values():
        if field.name.startswith("GGUF."):
            continue
        kind = field.types[0]
        name = kind.name.lower()
        if kind == GGUFValueType.ARRAY:
            name += " " + GGUFValueType(int(field.parts[3][0])).name.lower()
        keys.append([field.name, name, field.contents()])
    tensors = [[t.name, t.tensor_type.name, [int(n) for n in t.shape]] for t in reader.tensors]
    return {"keys": keys, "tensors": tensors}


def make(name):
    import torch
    from safetensors.torch import save_file
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = HERE / "models" / name
    model = AutoModelForCausalLM.from_pretrained(
        folder,
        dtype=torch.float64,
        attn_implementation="eager",
        experts_implementation="eager",
    ).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = []
    for line in (HERE / "text" / "calibration.jsonl").read_text().splitlines():
        ids += tokenizer(json.loads(line)["text"], add_special_tokens=False)["input_ids"]
        ids.append(model.config.eos_token_id)
        if len(ids) >= WINDOWS * CONTEXT:
            break
    ids = torch.tensor(ids[: WINDOWS * CONTEXT]).reshape(WINDOWS, CONTEXT)

    found = {"input_ids": ids.to(torch.int32)}

    def store(name, x):
        """One matrix, all of whose rows count."""
        found[name + ".in_sum2"] = (x * x).sum(0, keepdim=True)
        found[name + ".counts"] = torch.tensor([float(len(x))])

    def linear(names):
        def hook(module, args):
            x = args[0].detach().reshape(-1, args[0].shape[-1])
            for name in names:
                store(name, x)

        return hook

    def experts(layer, block):
        def hook(module, args):
            x = args[0].detach().reshape(-1, args[0].shape[-1])
            store(f"blk.{layer}.ffn_gate_inp.weight", x)
            chosen = (x @ block.gate.weight.T).topk(model.config.num_experts_per_tok).indices
            gate_up, count = block.experts.gate_up_proj.detach(), model.config.num_experts
            inputs = torch.zeros(count, x.shape[1], dtype=x.dtype)
            inner = torch.zeros(count, gate_up.shape[1] // 2, dtype=x.dtype)
            counts = torch.zeros(count)
            for expert in range(count):
                own = x[(chosen == expert).any(1)]
                gate, up = (own @ gate_up[expert].T).chunk(2, 1)
                inputs[expert] = (own * own).sum(0)
                inner[expert] = ((torch.nn.functional.silu(gate) * up) ** 2).sum(0)
                counts[expert] = len(own)
            for part, sums in [("gate", inputs), ("up", inputs), ("down", inner)]:
                found[f"blk.{layer}.ffn_{part}_exps.weight.in_sum2"] = sums
                found[f"blk.{layer}.ffn_{part}_exps.weight.counts"] = counts

        return hook

    for index, layer in enumerate(model.model.layers):
        for module, part in LINEAR.items():
            target = layer.get_submodule(module)
            target.register_forward_pre_hook(linear([f"blk.{index}.{part}.weight"]))
        layer.mlp.register_forward_pre_hook(experts(index, layer.mlp))
    with torch.no_grad():
        model(ids)
    tensors = {
        key: (value if value.dtype == torch.int32 else value.float()).contiguous().clone()
        for key, value in found.items()
    }
    save_file(tensors, HERE / "oracles" / f"imatrix-{name}.safetensors")


if __name__ == "__main__":
    if sys.argv[1:2] == ["describe"]:
        json.dump(describe(sys.argv[2]), sys.stdout, indent=1)
    else:
        make("micro-qwen2moe")
