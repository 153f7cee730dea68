#!/usr/bin/env bash
# Adds the pages of one version to the branch gh-pages, where each version has a folder, and pushes it:
#
#     bash scripts/release/publish_docs.sh SITE VERSION
#
# SITE is what scripts/release/docs.sh made.
set -euo pipefail
cd "$(dirname "$0")/../.."
site=$(realpath "$1")
version=$2
pages=$(mktemp -d)
trap 'git worktree remove --force "$pages"' EXIT

git fetch origin gh-pages 2> /dev/null && start=FETCH_HEAD || start=
if [ -n "$start" ]; then
    git worktree add --quiet --detach "$pages" "$start"
else
    git worktree add --quiet --detach "$pages"
    git -C "$pages" checkout --quiet --orphan gh-pages
    git -C "$pages" rm -r --force --quiet .
fi
${PYTHON:-python3} -m scripts.release.add_version "$site" "$pages" "$version"
cd "$pages"
git add --all
git -c user.name=release -c user.email=release@localhost commit --quiet --message "Pages of $version"
git push origin HEAD:gh-pages
