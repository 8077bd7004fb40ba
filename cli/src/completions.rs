//! `latchkey completions`.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::args::Latchkey;

/// The script that makes this shell complete `latchkey`.
#[must_use]
pub fn script(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Latchkey::command(), "latchkey", &mut script);
    script
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_completed_in_every_shell() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let script = String::from_utf8(script(shell)).unwrap();
            for command in Latchkey::command().get_subcommands() {
                assert!(script.contains(command.get_name()), "{shell}: {}", command.get_name());
            }
            assert!(script.contains("token-hash"), "{shell}: options");
        }
    }
}
