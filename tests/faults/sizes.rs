//! How much of it is run.

/// Whether all of it is asked for.
pub(crate) fn full() -> bool {
    #[expect(clippy::disallowed_methods, reason = "tests are told their size by a variable")]
    let size = std::env::var("LATCHKEY_ASSURANCE");
    size.is_ok_and(|size| size == "full")
}
