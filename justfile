# The recipes of this repository. `./x RECIPE` runs them and installs just if need be; CI runs the same ones.

set shell := ["bash", "-euo", "pipefail", "-c"]
set positional-arguments

export RELAIS_TOOLS := env("RELAIS_TOOLS", justfile_directory() / ".tools")
export PATH := RELAIS_TOOLS / "bin" + ":" + env("PATH")

[private]
default:
    @just --list --unsorted

# Build Relais and run it: broker, accounts, HTTP API, echo service, on this machine
[group('run')]
up *ARGS:
    @exec ./x up "$@"

# The same with a debug build: quicker to build, slower to run
[group('run')]
dev *ARGS:
    @exec ./x dev "$@"

# The release binary: relais, in target/release
[group('build')]
build:
    cargo build --release -p relais --features cli

# Write openapi/relais.json anew from the code
[group('build')]
openapi:
    mkdir -p openapi
    cargo run --quiet -p relais --features cli --bin relais -- spec openapi > openapi/relais.json.new
    mv openapi/relais.json.new openapi/relais.json

# Write the generated clients anew from openapi/relais.json: the command line's in Rust, the types of the one in TypeScript
[group('build')]
clients: tools
    cargo run --quiet --locked --manifest-path clients/rust/Cargo.toml -- openapi/relais.json \
        adapters/src/http_client/generated/mod.rs
    node "$RELAIS_TOOLS/typescript/node_modules/openapi-typescript/bin/cli.js" openapi/relais.json \
        --output clients/typescript/src/generated/relais.ts

# The book of the code: rustdoc, without warnings
[group('build')]
docs:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --all-features

# Unit, doc, contract and scenario tests, against real servers
[group('check')]
test *ARGS: tools
    cargo test --workspace "$@"

# Everything a change must pass
[group('check')]
ci: format-check lint fences audit test docs openapi-check clients-check fuzz

# Fuzz what reads users' bytes, [TARGET|all] for [SECONDS] each: libFuzzer, on a stable compiler (15 s each)
[group('check')]
fuzz *ARGS:
    @tools/fuzz "$@"

# The rules of persistent messaging, under chance: so many runs of their model (the tests make 3 000 of them)
[group('check')]
model RUNS="100000":
    RELAIS_MODEL_RUNS="$1" cargo test -p relais-domain --features testing --lib -- lane::model::each

# What a message, a login and keeping a message cost, beside others (a quarter of an hour; --logins or --buffer alone; --quick; --json FILE)
[group('check')]
bench *ARGS: tools
    tools/bench "$@"

# Formatting, without changing anything
[group('check')]
format-check:
    cargo fmt --all --check
    cargo fmt --manifest-path bench/Cargo.toml --check
    cargo fmt --manifest-path tests/fuzz/Cargo.toml --check
    cargo fmt --manifest-path clients/rust/Cargo.toml --check

# Clippy without warnings: everything, the domain alone, and what a service pulls in
[group('check')]
lint:
    cargo clippy --workspace --all-targets -- -D warnings
    cargo clippy -p relais-domain -- -D warnings
    cargo clippy -p relais-domain --all-targets --features testing -- -D warnings
    cargo clippy -p relais -- -D warnings

# Who may import whom (DESIGN.md, "The house"): the domain alone, the crates below it and below a service, the tidy test
[group('check')]
fences:
    tools/fences
    cargo test --quiet -p relais-tests --test it -- tidy::

# Licenses, sources, who may name which crate, and known vulnerabilities
[group('check')]
audit:
    tools/audit

# Whether openapi/relais.json is what the code says
[group('check')]
openapi-check:
    cargo run --quiet -p relais --features cli --bin relais -- spec openapi | diff openapi/relais.json - \
        || { echo "openapi/relais.json is not what the code says; ./x openapi writes it anew." >&2; exit 1; }

# Whether the command line's HTTP client is what openapi/relais.json says (that of the TypeScript types is among the tests)
[group('check')]
clients-check:
    cargo test --quiet --locked --manifest-path clients/rust/Cargo.toml

# Format everything
[group('housekeeping')]
format:
    cargo fmt --all
    cargo fmt --manifest-path bench/Cargo.toml
    cargo fmt --manifest-path tests/fuzz/Cargo.toml
    cargo fmt --manifest-path clients/rust/Cargo.toml

# The servers and clients the tests need, pinned in tools/ (some minutes, once)
[group('housekeeping')]
tools:
    @tools/install

# Remove what was built; the tools stay
[group('housekeeping')]
clean:
    cargo clean
