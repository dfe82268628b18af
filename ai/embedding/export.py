"""Make the int8 twin of a sentence-transformers model: 3 s for MiniLM. Needs torch, so: the worker's child."""

import json
import os
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Any

from ai.embedding.models import FORMAT, ModelNotReady, exported
from ai.embedding.sentence import SentenceEmbedder
from helpdesk.errors import Misconfigured
from helpdesk.settings import Settings

OPSET = 17


def export(settings: Settings) -> Path:
    """The export's folder, made where it is missing. Two at once agree: the first complete one stays."""
    try:
        return exported(settings)
    except ModelNotReady:
        return write(SentenceEmbedder.load(settings.embedding_model), settings.models)


def write(embedder: SentenceEmbedder, models: Path) -> Path:
    models.mkdir(parents=True, exist_ok=True)
    target = models / f"{embedder.name}-{FORMAT}"
    with tempfile.TemporaryDirectory(dir=models, prefix=".export-") as name:
        draft = Path(name)
        fp32(embedder, draft / "fp32.onnx")
        quantise(draft / "fp32.onnx", draft / "model.onnx")
        (draft / "fp32.onnx").unlink()
        describe(embedder, draft)
        install(draft, target)
    return target


def install(draft: Path, target: Path) -> None:
    """A rename is all or nothing, so that the web process never reads half a model."""
    complete = draft.with_name(f"{target.name}.{os.getpid()}")
    shutil.copytree(draft, complete)
    try:
        complete.rename(target)
    except OSError:  # another process was first; its export is the same
        shutil.rmtree(complete)
        if not (target / "about.json").exists():
            raise


def fp32(embedder: SentenceEmbedder, path: Path) -> None:
    """Transformer, pooling and L2 norm in one graph, inputs as the tokenizer makes them."""
    import torch

    transformer = embedder.model[0].auto_model
    usual = transformer.config._attn_implementation
    transformer.set_attn_implementation("eager")  # torch's own, traced, looks for rows that are masked whole
    network = Pooled(embedder.model)
    example = embedder.model.tokenizer(["a first sentence", "another"], padding=True, return_tensors="pt")
    inputs = (example["input_ids"], example["attention_mask"])
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer talks to programmers, not to operators
        torch.onnx.export(
            network.module,
            inputs,
            str(path),
            input_names=["input_ids", "attention_mask"],
            output_names=["embedding"],
            dynamic_axes={
                "input_ids": {0: "texts", 1: "tokens"},
                "attention_mask": {0: "texts", 1: "tokens"},
                "embedding": {0: "texts"},
            },
            opset_version=OPSET,
            dynamo=False,
        )
    transformer.set_attn_implementation(usual)


class Pooled:
    """`module`: (ids, mask) → vectors of unit length. A class of its own so that importing needs no torch."""

    def __init__(self, model: Any) -> None:
        import torch

        transformer, pooling = model[0].auto_model, pooling_of(model)

        class Network(torch.nn.Module):  # type: ignore[misc, unused-ignore]
            def __init__(self) -> None:
                super().__init__()
                self.transformer = transformer

            def forward(self, ids: Any, mask: Any) -> Any:
                tokens = self.transformer(input_ids=ids, attention_mask=mask)[0]
                if pooling == "cls":
                    vector = tokens[:, 0]
                else:
                    weights = mask.unsqueeze(-1).to(tokens.dtype)
                    vector = (tokens * weights).sum(1) / weights.sum(1).clamp(min=1e-9)
                return torch.nn.functional.normalize(vector, p=2, dim=1)

        self.module = Network().eval()


def pooling_of(model: Any) -> str:
    for module in model:
        mode = getattr(module, "pooling_mode", None)
        if mode in {"mean", "cls"}:
            return str(mode)
        if mode is not None:
            raise Misconfigured(
                f"HELPDESK_EMBEDDING_MODEL: pooling by {mode!r} is not supported; mean and cls are."
            )
    raise Misconfigured("HELPDESK_EMBEDDING_MODEL: this model has no pooling layer; choose a sentence model.")


def quantise(source: Path, target: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(source, target, weight_type=QuantType.QInt8, per_channel=True)


def describe(embedder: SentenceEmbedder, folder: Path) -> None:
    model = embedder.model
    model.tokenizer.save_pretrained(folder / "tokenizer")
    shutil.move(folder / "tokenizer" / "tokenizer.json", folder / "tokenizer.json")
    shutil.rmtree(folder / "tokenizer")
    about = {
        "name": embedder.name,
        "dimensions": embedder.dimensions,
        "precision": "int8",
        "max_tokens": model.max_seq_length,
        "padding": model.tokenizer.pad_token_id,
    }
    (folder / "about.json").write_text(json.dumps(about, indent=2))
