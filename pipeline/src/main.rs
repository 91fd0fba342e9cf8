//! The `driftline` binary: everything is in [`driftline::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    driftline::cli::main()
}
