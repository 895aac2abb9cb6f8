#!/usr/bin/env bash
# Interpolates every video of a folder. A video that fails does not stop the others; what is done is not done again,
# and what was interrupted goes on.
#
#     samples/batch_job.sh INPUT_FOLDER OUTPUT_FOLDER [options of `vfi-flow interpolate`]
#     samples/batch_job.sh holiday holiday60 -r 60 -crf 18
#
# Exit code: 0 all done, 1 some videos failed (their names are in OUTPUT_FOLDER/failed.txt), 2 usage,
# 4 no video can be done here (model, encoder or device missing), 130 interrupted.
set -uo pipefail

if [ $# -lt 2 ] || [ ! -d "$1" ]; then
    echo "usage: $0 INPUT_FOLDER OUTPUT_FOLDER [options of vfi-flow interpolate]" >&2
    exit 2
fi
input=$1 output=$2
shift 2
mkdir -p "$output" || exit 2
if [ "$input" -ef "$output" ]; then
    echo "$output: is the folder of the videos itself; name another one for the results" >&2
    exit 2
fi
: >"$output/failed.txt"
trap '[ -s "$output/failed.txt" ] || rm -f "$output/failed.txt"' EXIT

failed() {
    echo "$video" >>"$output/failed.txt"
    echo "failed   $video (exit code $code)" >&2
}

shopt -s nullglob nocaseglob
for video in "$input"/*.{mp4,m4v,mkv,mov,webm,avi,ts}; do
    target=$output/$(basename "$video")
    unfinished=()
    case " $* " in
        *" -y "* | *" --overwrite "*) ;;
        *) if [ -e "$target" ]; then                # from an earlier run; a result is only ever there when complete
               echo "exists   $target"
               continue
           fi
           [ ! -d "$target.resume" ] || unfinished=(--resume) ;;    # of an earlier run that was interrupted
    esac
    # Without </dev/null the command could read the keyboard, or the list of a `while read` loop.
    vfi-flow interpolate "$video" "$target" --progress none ${unfinished[@]+"${unfinished[@]}"} "$@" </dev/null
    code=$?
    case $code in
        0) echo "done     $target" ;;
        2) [ ${#unfinished[@]} != 0 ] || exit 2     # wrong options: the next would fail too
           failed ;;                                # interrupted with other options than these; -y starts again
        4 | 130) exit $code ;;                      # nothing to run on, Ctrl-C: the next would fail too
        *) failed ;;                                # 3 unreadable, 5 out of memory, 6 not what was planned, 7 disk full
    esac
done

[ ! -s "$output/failed.txt" ] || exit 1
