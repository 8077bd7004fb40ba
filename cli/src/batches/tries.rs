//! One call of an import, repeated as long as there is patience.

use latchkey::{entropy::Random, store::StoreError};

use super::window::{Begun, Window};
use crate::patiently::Patience;

pub(crate) struct Tries<'a> {
    window: &'a Window,
    begun: Begun,
    patience: Patience<'a>,
}

impl<'a> Tries<'a> {
    pub(crate) fn new(window: &'a Window, random: &'a Random) -> Self {
        Self { window, begun: window.begin(), patience: Patience::new(random) }
    }

    pub(crate) fn succeeded(&self) {
        self.window.succeeded(self.begun);
    }

    /// Makes the window smaller, and waits before the next try.
    ///
    /// # Errors
    /// The same error, if there is no next try.
    pub(crate) async fn failed(&mut self, error: StoreError) -> Result<(), StoreError> {
        self.window.throttled(self.begun);
        self.patience.after(error).await?;
        self.begun = self.window.begin();
        Ok(())
    }
}
