#!/usr/bin/env bash
# precis-profiles (Rust), UsernameCaseMapped: a right-to-left word with a vowel sign before its last letter is refused by the
# directionality rule. RFC 5893, section 2, condition 2 allows nonspacing marks anywhere after the first character. Thaana writes
# every vowel so, and pointed Arabic and Hebrew do too: no such name is a user name. The Python implementation takes them all.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check precis_i18n==1.1.2
mkdir "$work/src"
cat > "$work/Cargo.toml" <<'TOML'
[package]
name = "words"
version = "0.0.0"
edition = "2021"
[dependencies]
precis-profiles = "=0.2.0"
[workspace]
TOML
cat > "$work/src/main.rs" <<'RS'
use precis_profiles::{precis_core::profile::PrecisFastInvocation, UsernameCaseMapped};
fn main() {
    for word in std::env::args().skip(1) {
        println!("{word} {}", if UsernameCaseMapped::enforce(word.as_str()).is_ok() { "taken" } else { "refused" });
    }
}
RS
words=("ސާރާ" "מֹשֶׁה" "מֹשה" "משה" "سَارة" "سارة")
echo "precis-profiles 0.2.0 (Rust)"
(cd "$work" && cargo run --quiet -- "${words[@]}") | tee "$work/rust"
"$work/venv/bin/python" - "${words[@]}" <<'PY' | tee "$work/python"
import sys
from importlib.metadata import version
from precis_i18n import get_profile

print("precis_i18n", version("precis_i18n"), "(Python)")
for word in sys.argv[1:]:
    get_profile("UsernameCaseMapped").enforce(word)
    print(word, "taken")
PY
[ "$(grep -c refused "$work/rust")" = 4 ] && [ "$(grep -c taken "$work/python")" = 6 ] || { echo "the behaviour has changed" >&2; exit 1; }
