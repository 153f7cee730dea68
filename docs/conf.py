"""How the site is built: `bash scripts/release/docs.sh`.

Sphinx and not mkdocs, because a page may stand anywhere in the repository: the source folder is its
top, so that a relative link that works on GitHub works on the site, and README is the front page.
"""

import os
import re
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # the reference imports TensorFlow

_VERSION = Path(__file__).parents[1] / "src/hear_openl3_yamnet/version.py"

project = "hear-openl3-yamnet"
author = "The hear-openl3-yamnet developers"
release = re.findall(r'^__version__ = "(.*)"$', _VERSION.read_text("utf-8"), re.MULTILINE)[0]
version = release

extensions = [
    "myst_nb",
    "sphinx_external_toc",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx.ext.githubpages",
]

external_toc_path = "docs/_toc.yml"
include_patterns = ["README.md", "CHANGELOG.md", ".github/CONTRIBUTING.md", "docs/**", "weights/**"]
exclude_patterns = [".git", ".venv*", "docs/_build", "docs/recordings", "src", "tests", "scripts"]

html_theme = "furo"
html_title = f"{project} {release}"
html_additional_pages = {"index": "to-readme.html"}
html_show_sphinx = False
html_show_copyright = False
templates_path = ["_templates"]

highlight_language = "none"  # of blocks that name none: mostly output
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]
nb_execution_mode = (
    "off"  # tests/documents/test_notebooks.py executes them; the site shows what is stored
)
nb_merge_streams = True

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # docstrings have the types, with shapes
autodoc_default_options = {"members": True, "show-inheritance": True}
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
default_role = "code"  # single backquotes in docstrings
