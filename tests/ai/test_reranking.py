"""A cross-encoder has the last word on the order of what was found."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import asyncio, sys
from pathlib import Path
import torch
from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast
from ai.reranking import CrossEncoderReranker
from helpdesk.errors import Misconfigured

def made(folder, labels):
    folder.mkdir()
    (folder / "vocab.txt").write_text("\\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "refund", "zebra"]))
    torch.manual_seed(0)
    config = BertConfig(vocab_size=7, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
                        intermediate_size=16, num_labels=labels)
    BertForSequenceClassification(config).save_pretrained(folder)
    BertTokenizerFast(vocab_file=str(folder / "vocab.txt")).save_pretrained(folder)
    return str(folder)

home = Path(sys.argv[1])
reranker = CrossEncoderReranker.load(made(home / "one", 1))
scores = asyncio.run(reranker.rerank("refund", ["refund", "zebra " * 4000, ""]))
assert len(scores) == 3 and len(set(scores)) > 1, scores
assert asyncio.run(reranker.rerank("refund", [])) == []
for wrong in (made(home / "three", 3), str(home / "nowhere")):
    try:
        CrossEncoderReranker.load(wrong)
    except Misconfigured as refusal:
        assert "HELPDESK_RERANKER" in str(refusal)
    else:
        raise AssertionError(wrong)
print("fine")
"""


@pytest.mark.models
def test_a_cross_encoder_by_its_folder(tmp_path: Path):
    """In a process of its own: tests never load torch."""
    environment = {"HF_HUB_OFFLINE": "1", "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)], capture_output=True, text=True, env=environment, timeout=300,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert ran.stdout.strip().endswith("fine"), ran.stderr[-2000:]
