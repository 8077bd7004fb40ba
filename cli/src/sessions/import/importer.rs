//! Imports batches of rows, patiently.

use latchkey::{
    clock::Clock,
    entropy::Random,
    import::ImportedSession,
    operations::{ImportOutcome, SessionImport, import_sessions},
    store::{Store, StoreError},
};

use crate::batches::{Importer, Tries, Window};

#[derive(Clone)]
pub(super) struct Sessions {
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) random: Random,
}

impl Importer for Sessions {
    type Row = ImportedSession;
    type Outcome = Result<ImportOutcome, StoreError>;

    /// Sessions of one user contend on the user's register.
    fn key(session: &ImportedSession) -> String {
        session.user_id.clone()
    }

    async fn import(self, sessions: Vec<ImportedSession>, window: Window) -> Vec<Self::Outcome> {
        let mut imports: Vec<_> = sessions.into_iter().map(SessionImport::new).collect();
        let mut tries = Tries::new(&window, &self.random);
        let ended = loop {
            match import_sessions(&self.store, &mut imports, self.clock.now(), &self.random).await {
                Ok(()) => {
                    tries.succeeded();
                    break Ok(());
                }
                Err(error) => {
                    if let Err(error) = tries.failed(error).await {
                        break Err(error);
                    }
                }
            }
        };
        imports.into_iter().map(|import| import.into_outcome(&ended)).collect()
    }
}
