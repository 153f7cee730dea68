"""Run docs/notebooks and store their outputs, without details of the machine.

    python -m scripts.release.run_notebooks [NAME …]

This needs the extra `test`. 5-heareval.ipynb also needs heareval: scripts/heareval/heareval.sh
makes an environment that has it. tests/documents/test_notebooks.py runs the notebooks without
storing them.
"""

import argparse
import base64
import io
import os
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image

FOLDER = Path(__file__).parents[2] / "docs/notebooks"
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="files in docs/notebooks; default all")
    names = parser.parse_args().names or sorted(path.name for path in FOLDER.glob("*.ipynb"))
    for name in names:
        notebook = nbformat.read(FOLDER / name, as_version=4)
        begun = time.monotonic()
        execute(notebook)
        seconds = time.monotonic() - begun
        nbformat.write(cleaned(notebook), FOLDER / name)
        print(f"{name}: {seconds:.0f} s, {(FOLDER / name).stat().st_size} bytes")


def execute(notebook: nbformat.NotebookNode) -> None:
    """Run all cells in an empty folder. A cell that fails raises CellExecutionError."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": folder}}
        )
        client.execute()


def cleaned(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Remove what differs between machines (metadata, messages), and shrink pictures."""
    notebook.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                output.data = {"image/png": smaller(output.data["image/png"])}
                output.metadata = {}
    return notebook


def smaller(png: str) -> str:
    """Reduce a picture (base64) to 64 colours, if it has no palette yet."""
    image = Image.open(io.BytesIO(base64.b64decode(png)))
    if image.mode == "P":
        return png
    packed = io.BytesIO()
    image.convert("RGB").quantize(64, dither=Image.Dither.NONE).save(packed, "PNG", optimize=True)
    return base64.b64encode(packed.getvalue()).decode() + "\n"


if __name__ == "__main__":
    main()
