//! `latchkey completions`.

use std::io::Write;

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::args::Latchkey;

/// Writes the script that makes this shell complete `latchkey`.
pub fn write(shell: Shell, to: &mut dyn Write) {
    clap_complete::generate(shell, &mut Latchkey::command(), "latchkey", to);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_completed_in_every_shell() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let mut script = Vec::new();
            write(shell, &mut script);
            let script = String::from_utf8(script).unwrap();
            for command in Latchkey::command().get_subcommands() {
                assert!(script.contains(command.get_name()), "{shell}: {}", command.get_name());
            }
            assert!(script.contains("token-hash"), "{shell}: options");
        }
    }
}
