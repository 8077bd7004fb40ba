//! Rows that are imported together, and what is known of each so far.

use crate::store::{RowsCommit, StoreError};

/// A row of an import that goes on until each of its rows is settled.
#[derive(Debug)]
pub struct Progress<R, O> {
    pub(super) row: R,
    /// Whether a write of it may have been carried out without an answer. If it is there at the next read, this import wrote it.
    pub(super) sent: bool,
    /// Whether it is imported after the others, in a transaction of its own.
    pub(super) alone: bool,
    outcome: Option<Result<O, StoreError>>,
}

impl<R, O> Progress<R, O> {
    /// A row of which nothing is known.
    #[must_use]
    pub fn new(row: R) -> Self {
        Self { row, sent: false, alone: false, outcome: None }
    }

    /// What became of it. A row that isn't settled failed as the import `ended`.
    ///
    /// # Errors
    /// [`StoreError`]
    pub fn into_outcome(self, ended: &Result<(), StoreError>) -> Result<O, StoreError> {
        let unknown = || StoreError::Unavailable { operation: "TransactWriteItems", code: "not settled".into() };
        self.outcome.unwrap_or_else(|| Err(ended.clone().err().unwrap_or_else(unknown)))
    }

    pub(super) fn is_open(&self) -> bool {
        self.outcome.is_none()
    }

    /// An outage settles nothing: the same call may succeed in a moment.
    pub(super) fn settle(&mut self, outcome: Result<O, StoreError>) -> Result<(), StoreError> {
        if let Err(error @ StoreError::Unavailable { .. }) = outcome {
            return Err(error);
        }
        self.outcome = Some(outcome);
        Ok(())
    }
}

/// Notes what became of a transaction of these rows.
pub(super) fn note_commit<R, O: Clone>(
    rows: &mut [&mut Progress<R, O>],
    commit: Result<RowsCommit, StoreError>,
    written: O,
) -> Result<(), StoreError> {
    match commit {
        Ok(RowsCommit::Done) => rows.iter_mut().try_for_each(|row| row.settle(Ok(written.clone())))?,
        Ok(RowsCommit::ReadAgain) => rows.iter_mut().for_each(|row| row.sent = true),
        Ok(RowsCommit::Cancelled(named)) => {
            for at in named {
                if let Some(row) = rows.get_mut(at) {
                    // What was in its way may be its own write, of which an earlier attempt of the call heard nothing.
                    (row.sent, row.alone) = (true, true);
                }
            }
        }
        // DynamoDB refuses the whole without naming a row. Each alone shows which one it is.
        Err(StoreError::Rejected { .. }) => rows.iter_mut().for_each(|row| row.alone = true),
        Err(error) => return Err(error),
    }
    Ok(())
}
