//! The `relais` binary, as a target of this package: so cargo builds it anew whenever the tests run.

fn main() -> std::process::ExitCode {
    relais::commands::main()
}
