#!/bin/sh
# Writes benches/start.ld anew: the functions that commands run, first those that most of them run, for the linker to lay
# together. Run it before a release, and after much has changed. Needs valgrind.
#
# A function goes by its name without the hash at the end, which differs from build to build. Its namesakes (there are many
# `RawVec::grow_one`) come along: last, where most of them are not run, and not at all where they are large.
set -eu
cd "$(dirname "$0")/.."
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE ORCHESTRATOR_BOARD
export LC_ALL=C ORCHESTRATOR_AGENT=agent-1 CARGO_PROFILE_RELEASE_STRIP=false
program=$(cargo build --release --locked --bin orchestrator --message-format json-render-diagnostics |
    sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1)
test -x "$program"
script=$PWD/benches/start.ld
scene=$(mktemp -d)
trap 'rm -rf "$scene"' EXIT
git init -q -b main "$scene/repository"
cd "$scene/repository"
git config user.name Start
git config user.email start@localhost
"$program" -q init
"$program" -q workstream create w
for number in $(seq 20); do echo "[\"task\",\"add\",\"w\",\"Task $number\"]"; done |
    "$program" batch | sed 's/[^}]*"id":"\([0-9a-f]*\)".*/\1/' > ../ids
git gc -q
id() { sed -n "$1p" ../ids; }
"$program" -q agent register agent-1
"$program" -q task claim "$(id 1)"

counted=0
run() {
    counted=$((counted + 1))
    valgrind --tool=callgrind --demangle=no --callgrind-out-file="../run.$counted" --log-file=../log \
        "$program" "$@" > ../told || { cat ../told ../log >&2; exit 1; }
}
run task add w Another
run task claim "$(id 2)"
run task complete "$(id 2)"
run task complete "$(id 3)"
run task release "$(id 1)"
run task next w agent-1
run task update "$(id 4)" --title 'Another name'
run task list
run task list --json
run task show "$(id 5)"
run lock acquire resource agent-1
run lock release resource agent-1
run agent heartbeat agent-1
run knowledge write topic 'What everybody should know'
run knowledge read topic
run events --last 20
run status

# A line for each function that ran: how many commands ran it, which, its name.
for run in ../run.*; do
    sed -n 's/^c\{0,1\}fn=([0-9]*) \(_[ZR][^ '\'']*\).*/\1/p' "$run" | sort -u | sed "s/$/ ${run##*.}/"
done | sort -k1,1 -k2,2n | awk '
    function flush() { if (name != "") print count, which, name }
    $1 != name { flush(); name = $1; count = 0; which = "" }
    { count++; which = which "." $2 }
    END { flush() }' | sort -k1,1nr -k2,2 -k3,3 > ../ran

nm --defined-only --print-size --size-sort --radix=d "$program" | awk -v ran=../ran '
    function pattern(name) {
        if (match(name, /17h[0-9a-f]+E/)) return substr(name, 1, RSTART + 2) "*"
        gsub(/Cs[0-9A-Za-z]+_/, "Cs*_", name)
        sub(/\.[0-9]+$/, "*", name)
        return name
    }
    $3 ~ /[tTwW]/ { size[$4] = $2; all[pattern($4)] += $2 }
    END {
        while ((getline line < ran) > 0) {
            split(line, of, " ")
            names[++count] = of[3]
            hot[pattern(of[3])] += size[of[3]]
        }
        for (i = 1; i <= count; i++) {
            known = pattern(names[i])
            if (known in told) continue
            told[known]
            line = "    *(.text*." known ")"
            if (hot[known] * 3 >= all[known] * 2) print line
            else if (all[known] <= 16384) last = last line "\n"
        }
        printf "%s", last
    }' > ../functions

{
    echo '/* What commands run, first what most of them run: laid together at the front of the program, so that a start'
    echo '   brings in fewer pages of code. Written by benches/start.sh; what is not found here is left where it is. */'
    echo 'SECTIONS {'
    echo '  .text.start : {'
    cat ../functions
    echo '  }'
    echo '} INSERT BEFORE .text;'
} > "$script"
