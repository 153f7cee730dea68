"""Folders of results as heareval 2021.1.3 writes them."""

import json
from pathlib import Path


def write_result(
    embeddings: Path, model: str, task: str, score: float, *, metric: str = "top1_acc", folds=0
) -> Path:
    """Write a file of scores. The scores of neighbouring folds differ by 0.01."""
    if folds:
        middle = (folds - 1) / 2
        of_folds = [score + 0.01 * (fold - middle) for fold in range(folds)]
        content = {f"fold{i:02d}": _split(value, metric) for i, value in enumerate(of_folds)}
        mean = _split(score, metric)
        content["aggregated_scores"] = {f"{name}_mean": value for name, value in mean.items()}
        content["aggregated_scores"] |= {f"{name}_std": 0.01 for name in mean}
    else:
        content = {"test": _split(score, metric)}
    content |= {"hparams": {"lr": 0.001}, "postprocessing": [], "score_mode": "max"}
    content["embedding_path"] = f"embeddings/{model}/{task}"
    return write_text(embeddings, model, task, json.dumps(content, indent=4))


def write_text(embeddings: Path, model: str, task: str, text: str) -> Path:
    path = embeddings / model / task / "test.predicted-scores.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def _split(score: float, metric: str) -> dict[str, float]:
    # the order of heareval: the loss, the score, the metrics; the first metric is the score
    return {
        "test_loss": 1.25,
        "test_score": score,
        f"test_{metric}": score,
        "test_d_prime": float("inf"),
        "validation_score": 0.5,
        "epoch": 3,
        "time_in_min": 0.1,
    }
