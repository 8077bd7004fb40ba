//! The size of a run.

/// Whether the full size is requested.
pub(crate) fn full() -> bool {
    #[expect(clippy::disallowed_methods, reason = "an environment variable sets the size of the run")]
    let size = std::env::var("LATCHKEY_ASSURANCE");
    size.is_ok_and(|size| size == "full")
}
