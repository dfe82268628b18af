"""A model on this machine: made here, tiny, with random weights. What it says is nonsense; how it says it is not."""

from pathlib import Path

import pytest

from ai.providers import Connection, Kind, Purpose, Served, language_model, local
from ai.providers.local import LocalModel
from ai.writing import ModelFailed, written
from helpdesk.database import committed
from helpdesk.ports import Prompt
from tests.scenes import Scene

PROMPT = Prompt(system="You answer.", user="Where is my parcel?", max_tokens=12)
TEMPLATE = (
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}</s>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    place = tmp_path_factory.mktemp("tiny")
    signs = {
        sign: number for number, sign in enumerate(["</s>", *sorted(pre_tokenizers.ByteLevel.alphabet())])
    }
    words = Tokenizer(models.BPE(vocab=signs, merges=[]))
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    words.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, eos_token="</s>", pad_token="</s>")
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(place)
    torch.manual_seed(3)
    config = LlamaConfig(
        vocab_size=len(signs),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=256,
        eos_token_id=None,
    )
    LlamaForCausalLM(config).save_pretrained(place)
    return place


async def test_it_writes_in_pieces_by_its_own_template(folder: Path):
    model = LocalModel(str(folder))
    pieces = [piece async for piece in model.stream(PROMPT)]
    assert pieces
    assert model.usage.tokens_out == 12
    asked = "<|system|>You answer.</s><|user|>Where is my parcel?</s><|assistant|>"
    assert model.usage.tokens_in == len(asked) - 2 * len("</s>") + 2


async def test_the_same_question_has_the_same_answer(folder: Path):
    model = LocalModel(str(folder))
    assert await written(model, PROMPT) == await written(model, PROMPT)


async def test_a_question_that_is_too_long_is_refused_in_words(folder: Path):
    with pytest.raises(ModelFailed, match="the model reads 256"):
        await written(LocalModel(str(folder)), Prompt(system="", user="x" * 300, max_tokens=12))


async def test_who_stops_listening_stops_it(folder: Path):
    model = LocalModel(str(folder))
    stream = model.stream(Prompt(system="", user="x", max_tokens=200))
    await anext(stream)
    await stream.aclose()  # type: ignore[attr-defined]
    assert await written(LocalModel(str(folder)), PROMPT), "the next one is not held up"


async def test_a_folder_that_is_none_is_said(tmp_path: Path):
    with pytest.raises(ModelFailed, match="can't be loaded"):
        await written(LocalModel(str(tmp_path / "nothing")), PROMPT)


async def test_it_serves_only_in_the_process_of_models(
    scene: Scene, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    async with committed(scene.desk.sessions) as session:
        made = Connection(name="Here", kind=Kind.local, model=str(folder), keep_texts=False)
        session.add(made)
        await session.flush()
        session.add(Served(purpose=Purpose.draft, connection_id=made.id))
    async with scene.desk.sessions() as session:
        assert await language_model(session, scene.desk.settings, Purpose.draft) is None
        monkeypatch.setattr(local, "_allowed", True)
        model = await language_model(session, scene.desk.settings, Purpose.draft)
    assert model
    assert await written(model, PROMPT)
