#!/usr/bin/env bash
# Runs HEAR's own evaluation kit, unpatched, on this package: embeddings, predictions, a table of scores.
#
#     bash scripts/heareval/heareval.sh --small                  # two small tasks, a few minutes
#     bash scripts/heareval/heareval.sh                          # five tasks, all models of models.txt
#     bash scripts/heareval/heareval.sh --tasks hear-tasks --models models.txt --grid default --grid-points 8
#
# Options:
#   --small              two tasks of few clips and two models
#   --tasks FOLDER       the tasks in HEAR's format; they are made if the folder does not exist
#   --models FILE        lines "MODULE TASKS [OPTIONS]": a module of the HEAR API, a pattern of
#                        task names, options of its load_model as JSON
#   --results FOLDER     folder for embeddings, scores and the table
#   --grid GRID          heareval's grid of hyperparameters: default, fast, faster. The default is
#                        faster, or fast with --small.
#   --grid-points N      number of tried grid points; the default is 8, or 1 with --small
#
# Variables it reads:
#   PYTHON                 the interpreter that makes the environment; default python3
#   HEAREVAL_ENVIRONMENT   its folder; default .venv-heareval. An environment with heareval is used
#                          unchanged.
#   TORCH_REQUIREMENT      PyTorch's requirement for pip; default torch==2.13.0 (see test.sh)
#
# Finished results are kept, so that the script can be stopped and started again. To repeat a model,
# delete its folder.
set -euo pipefail
cd "$(dirname "$0")/../.."

small=
tasks= models= results=
grid= points=
while [ $# -gt 0 ]; do
    case $1 in
        --small) small=yes; shift; continue ;;
        --tasks | --models | --results | --grid | --grid-points) ;;
        *) echo "There is no option $1. Read the head of $0." >&2; exit 2 ;;
    esac
    [ $# -gt 1 ] || { echo "$1 needs a value." >&2; exit 2; }
    case $1 in
        --tasks) tasks=$2 ;;
        --models) models=$2 ;;
        --results) results=$2 ;;
        --grid) grid=$2 ;;
        --grid-points) points=$2 ;;
    esac
    shift 2
done
# "faster" has ten epochs. That is too short for the small tasks, which have one batch per epoch.
grid=${grid:-$([ -n "$small" ] && echo fast || echo faster)}
points=${points:-$([ -n "$small" ] && echo 1 || echo 8)}
folder=heareval${small:+-small}
tasks=${tasks:-$folder/tasks}
results=${results:-$folder}
models=${models:-scripts/heareval/models${small:+_small}.txt}

environment=${HEAREVAL_ENVIRONMENT:-.venv-heareval}
bin=$environment/bin
if ! $bin/pip show --quiet heareval 2>/dev/null; then
    [ -x $bin/python ] || "${PYTHON:-python3}" -m venv "$environment"
    $bin/pip install --quiet --upgrade pip
    $bin/pip install --quiet --editable . "${TORCH_REQUIREMENT:-torch==2.13.0}" \
        --requirement scripts/heareval/requirements.txt
    # There are no wheels of the versions that it pins (NumPy 1.19, numba 0.48).
    $bin/pip install --quiet --no-deps heareval==2021.1.3
fi
$bin/pip list | grep -iE '^(heareval|hear-openl3-yamnet|keras|numpy|pandas|pytorch-lightning|scikit-learn|tensorflow|torch) '

export TF_CPP_MIN_LOG_LEVEL=${TF_CPP_MIN_LOG_LEVEL:-2}
# heareval loads checkpoints that it has written. PyTorch 2.6 and later need this permission.
export TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD=1

if [ ! -d "$tasks" ]; then
    echo "== making tasks in $tasks"
    $bin/hear-openl3-yamnet tasks make "$tasks" --sample-rate 16000 --sample-rate 48000 \
        ${small:+--size small --task synth_pitch --task synth_events}
fi

chosen=$(mktemp -d)
trap 'rm -rf "$chosen"' EXIT
grep -vE '^ *(#|$)' "$models" | while read -r module pattern options; do
    options=${options:-"{}"}
    echo "== $module $options on $pattern"
    rm -f "$chosen"/*
    for task in "$tasks"/$pattern; do
        if [ -d "$task" ]; then ln -s "$(realpath "$task")" "$chosen/"; fi
    done
    if [ -z "$(ls "$chosen")" ]; then
        echo "no such task in $tasks"
        continue
    fi
    # heareval loads the model once for all tasks of a folder, which here has the chosen tasks
    $bin/python -m heareval.embeddings.runner "$module" --tasks-dir "$chosen" \
        --embeddings-dir "$results/embeddings" --model-options "$options" </dev/null
done

echo "== predictions"
$bin/python -m heareval.predictions.runner "$results"/embeddings/*/* --grid "$grid" --grid-points "$points"

$bin/hear-openl3-yamnet evaluate "$results/embeddings" --output "$results"
