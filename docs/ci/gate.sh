#!/bin/sh
# Gates councils on their targets, and on a regression against another branch.
#
#   gate.sh [COUNCIL…] [-- OPTION…]     all of councils/*.yaml; options are those of `konseho bench`
#
#   GATE_BASE     the git ref to compare with: origin/main where there is one, else main
#   GATE_TASK     what the councils are given to do
#   GATE_REPORTS  the folder for the reports, gate-reports: councils/review.yaml becomes
#                 councils-review.md and councils-review.xml (JUnit)
#
# Answers are simulated, so it needs no key and costs nothing. Exit status, the worst of all: 0 fine,
# 1 a target is missed or something got slower, 2 usage, 3 a council failed, 4 inconclusive, 5 a limit.
# On a machine that others share, `-- --exact` leaves out what noise could decide.
set -u

base=${GATE_BASE:-}
if [ -z "$base" ]; then
  base=main
  if git rev-parse --verify --quiet 'origin/main^{commit}' >/dev/null; then base=origin/main; fi
fi
# A gate without anything to compare with would let everything through.
if ! git rev-parse --verify --quiet "$base^{commit}" >/dev/null; then
  echo "gate.sh: there is no $base here to compare with" >&2
  echo "  fetch it (git fetch origin; fetch-depth: 0 on a build server), or set GATE_BASE" >&2
  exit 2
fi
task=${GATE_TASK:-What should we do first, and why?}
reports=${GATE_REPORTS:-gate-reports}
mkdir -p "$reports" || exit 2

councils=
while [ $# -gt 0 ]; do
  case $1 in
    --) shift; break ;;
    /*) echo "gate.sh: $1: name it from this folder on, as git does" >&2; exit 2 ;;
  esac
  councils="$councils$1
"
  shift
done
if [ -z "$councils" ]; then councils=$(ls councils/*.yaml) || exit 2; fi

# A gate that is shut (1) says more than one that could not be read (4), and both say less than
# a council that is broken.
worse() {
  for status in 3 5 2 1 4; do
    if [ "$1" = $status ] || [ "$2" = $status ]; then echo $status; return; fi
  done
  if [ "$1" != 0 ]; then echo "$1"; else echo "$2"; fi
}

worst=0
IFS='
'
for council in $councils; do
  council=${council#./}
  name=$(printf %s "${council%.yaml}" | tr / -)
  against=--against=$base
  if ! git cat-file -e "$base:./$council" 2>/dev/null; then
    echo "$council: not at $base, so only its targets are looked at"
    against=--exact
  fi
  konseho bench "$council" "$task" --simulate "$against" --quiet --markdown \
    --junit "$reports/$name.xml" "$@" >"$reports/$name.md"
  status=$?
  worst=$(worse $worst $status)
  cat "$reports/$name.md"
  echo "$council: status $status"
  echo
  if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then cat "$reports/$name.md" >>"$GITHUB_STEP_SUMMARY"; fi
done
exit "$worst"
