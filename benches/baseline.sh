#!/bin/sh
# What a careful shell script does with plain git and one YAML file a task: the yardstick of compare.rs.
# Usage: baseline.sh <repository> create|next|complete|list [argument]
set -eu
cd "$1"
verb=$2
lock() { exec 9> .git/baseline.lock; flock 9; }
case $verb in
create)
    lock
    id=$(od -An -N4 -tx4 /dev/urandom | tr -d ' ')
    file=tasks/$(printf %.2s "$id")/$id.yaml
    mkdir -p "${file%/*}"
    printf 'id: %s\nworkstream: w\ntitle: %s\nstatus: pending\nassigned_to: null\npriority: 5\ncreated_at: 2026-02-06T07:36:59.474Z\n' "$id" "$3" > "$file"
    git add "$file"
    git commit -q -m "create $id"
    ;;
next)
    lock
    file=$(grep -rl '^status: pending$' tasks | xargs grep -H '^priority:' | sort -t: -k3n | head -n 1 | cut -d: -f1)
    sed -i "s/^status: .*/status: in_progress/; s/^assigned_to: .*/assigned_to: $3/" "$file"
    git add "$file"
    git commit -q -m "claim $file"
    ;;
complete)
    lock
    sed -i 's/^status: .*/status: done/' "$3"
    git add "$3"
    git commit -q -m "complete $3"
    ;;
list)
    find tasks -name '*.yaml' | xargs cat | awk -F': ' '
        { gsub(/"/, "\\\"", $2); row = row sep "\"" $1 "\":\"" $2 "\""; sep = "," }
        $1 == "created_at" { print "{" row "}"; row = sep = "" }'
    ;;
esac
