"""OpenL3 for MTEB: copy this file to mteb/models/model_implementations/openl3_models.py.

docs/integrations/mteb.md says what else the contribution needs. A test compares this file with
`hear_openl3_yamnet.integrations.mteb.model_meta`.
"""

from __future__ import annotations

from typing import Any

from mteb.models import ModelMeta
from mteb.models.models_protocols import EncoderProtocol

CITATION = """@inproceedings{cramer2019look,
  author = {Cramer, Jason and Wu, Ho-Hsiang and Salamon, Justin and Bello, Juan Pablo},
  booktitle = {IEEE International Conference on Acoustics, Speech and Signal Processing (ICASSP)},
  pages = {3852--3856},
  title = {Look, Listen and Learn More: Design Choices for Deep Audio Embeddings},
  year = {2019},
}"""


def openl3_loader(model_name: str, *args: Any, **kwargs: Any) -> EncoderProtocol:
    """Load OpenL3 from the package hear-openl3-yamnet."""
    from hear_openl3_yamnet.integrations.mteb import HearEncoder

    return HearEncoder(model_name, *args, **kwargs)


def _openl3(name: str, revision: str) -> ModelMeta:
    return ModelMeta(
        loader=openl3_loader,
        name=f"marl/{name}",
        revision=revision,
        release_date="2019-05-12",
        languages=None,
        n_parameters=4_689_860,
        n_embedding_parameters=0,
        memory_usage_mb=17.9,
        max_tokens=None,
        embed_dim=512,
        license="cc-by-4.0",
        open_weights=True,
        public_training_code="https://github.com/marl/l3embedding",
        public_training_data=None,
        framework=["PyTorch", "TensorFlow", "JAX"],
        reference="https://github.com/marl/openl3",
        similarity_fn_name="cosine",
        use_instructions=False,
        training_datasets={"AudioSetMini"},
        modalities=["audio"],
        citation=CITATION,
        extra_requirements_groups=["openl3"],
    )


# the git hashes of the weights files on the branch "models" of github.com/marl/openl3
openl3_linear_music = _openl3("openl3-linear-music", "4e2e61beb178")
openl3_linear_env = _openl3("openl3-linear-env", "7837407f033f")
openl3_mel128_music = _openl3("openl3-mel128-music", "73ff29de4418")
openl3_mel128_env = _openl3("openl3-mel128-env", "8c3dfee140f7")
openl3_mel256_music = _openl3("openl3-mel256-music", "15e483646fa3")
openl3_mel256_env = _openl3("openl3-mel256-env", "34dbd7a91cdd")
