# What is done often, by name: `just`, or read here what a name runs.

# The list of names.
default:
    @just --list --unsorted

# What a change breaks most often: under three minutes once all is compiled, without a broker or the network.
fast:
    ./test fast

# Everything that is checked.
test:
    ./test

# Writes golden files and generated pages anew; then read the difference.
bless:
    cargo build --release --workspace --locked
    UPDATE_GOLDEN=1 cargo test --release --workspace --locked --test surface --test house_rules

# A bench, as ratios to a floor of the same run: decode, generate, kernels, replay, snapshot; with a broker: consume, live.
bench name="replay" *arguments:
    cargo run --release --locked -p driftline-bench --bin {{ name }} -- {{ arguments }}

# The programs of examples/, which embed the engine or add to it.
examples:
    cargo build --release --locked -p driftline --examples

# The documentation of the library, as a user reads it.
doc:
    cargo doc --no-deps --locked -p driftline-detectors -p driftline

# Licences, sources and duplicates of dependencies, without the network.
deny:
    cargo deny --offline check licenses bans sources

# Known vulnerabilities of dependencies; fetches the database of advisories.
advisories:
    cargo deny check advisories

# Readers on inputs that are changed at random, so many seconds each, within 2 GB; a failure prints its seed.
fuzz seconds="60":
    cargo test --release --workspace --test files --no-run
    ulimit -v 2000000; DRIFTLINE_FUZZ_SECONDS={{ seconds }} cargo test --release --workspace --test files -- --nocapture fuzz::

# What the program is made of, as CycloneDX 1.6 JSON on standard output: the bill of materials.
sbom:
    @python3 deploy/sbom.py

# The section of the next release, from changelog.d.
changelog:
    #!/usr/bin/env bash
    set -euo pipefail
    for kind in added changed fixed removed security; do
        files=$(grep -lx "$kind" changelog.d/*.md) || continue
        printf '\n### %s\n\n' "${kind^}"
        for file in $files; do
            # Below the kind; continued lines are indented.
            tail -n +3 "$file" | sed '1s/^/- /; 2,$s/^/  /'
        done
    done
