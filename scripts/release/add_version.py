"""Add the pages of one version to a folder that has those of all versions.

    python -m scripts.release.add_version SITE PAGES VERSION

SITE is copied to PAGES/VERSION. PAGES/index.html leads to the newest version and lists all of them.
"""

import argparse
import re
import shutil
from pathlib import Path

_VERSION = re.compile(r"\d+\.\d+\.\d+")

INDEX = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>hear-openl3-yamnet</title>
<meta http-equiv="refresh" content="3; url={newest}/">
</head>
<body>
<h1>hear-openl3-yamnet</h1>
<p>The newest version is <a href="{newest}/">{newest}</a>. It opens in three seconds.</p>
<ul>
{versions}
</ul>
</body>
</html>
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("site", type=Path)
    parser.add_argument("pages", type=Path)
    parser.add_argument("version")
    arguments = parser.parse_args()
    add(arguments.site, arguments.pages, arguments.version)


def add(site: Path, pages: Path, version: str) -> None:
    if not _VERSION.fullmatch(version):
        raise SystemExit(f"a version is X.Y.Z. Received: {version}")
    target = pages / version
    if target.exists():
        shutil.rmtree(target)
    shutil.copytree(site, target, ignore=shutil.ignore_patterns(".doctrees"))
    (pages / ".nojekyll").touch()  # GitHub would leave out folders that begin with _
    versions = [path.name for path in pages.iterdir() if _VERSION.fullmatch(path.name)]
    versions.sort(key=lambda name: [int(number) for number in name.split(".")], reverse=True)
    items = "\n".join(f'<li><a href="{name}/">{name}</a></li>' for name in versions)
    (pages / "index.html").write_text(INDEX.format(newest=versions[0], versions=items), "utf-8")


if __name__ == "__main__":
    main()
