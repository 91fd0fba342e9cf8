//! `driftline completions`: derived from the command line itself.

use std::process::ExitCode;

use clap_complete::Shell;

use super::Terminal;

/// Print the completion script for a shell
///
/// The script goes to standard output; where to put it depends on the shell.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  driftline completions bash > ~/.local/share/bash-completion/completions/driftline
  driftline completions zsh > \"${fpath[1]}/_driftline\"
  driftline completions fish > ~/.config/fish/completions/driftline.fish")]
pub struct Args {
    /// The shell
    shell: Shell,
}

/// Writes the script to standard output.
pub fn run(args: Args, terminal: &Terminal) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(), "driftline", &mut script);
    terminal.print(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}
