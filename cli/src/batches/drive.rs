//! From the rows of a file to their outcomes.

use tokio::sync::mpsc::Receiver;

use super::{Done, Importer, Pool};
use crate::{interrupts::Interrupts, rows::FileError};

/// Where outcomes and errors go.
pub(crate) trait Report<I: Importer> {
    /// What was read of a row.
    type Row;
    type Error: From<FileError>;

    /// A row and its line, unless it is bad.
    fn row(&mut self, row: Self::Row) -> Option<(u64, I::Row)>;

    /// # Errors
    /// What stops the import.
    fn done(&mut self, done: Done<I::Outcome>) -> Result<(), Self::Error>;

    /// Prints a line to standard error, beside the progress.
    fn say(&self, line: &str);

    fn interrupted() -> Self::Error;
    fn panicked() -> Self::Error;
}

/// Imports all rows. Where the file can't be read further, it imports the rows before. After a failure of an import, or Ctrl-C, it
/// finishes the rows in flight and stops. After a panic, or Ctrl-C while it finishes them, it stops at once: in an outage they may take
/// three minutes.
///
/// # Errors
/// The first failure.
pub(crate) async fn drive<I: Importer, R: Report<I>>(
    mut rows: Receiver<Result<R::Row, FileError>>,
    importer: I,
    report: &mut R,
) -> Result<(), R::Error> {
    let mut pool = Pool::new(importer);
    // What it comes to. Set once no more rows are read.
    let mut ended: Option<Result<(), R::Error>> = None;
    // The rows that were read and aren't in flight are no longer written.
    let mut stopped = false;
    let mut interrupts = Interrupts::listen();
    loop {
        let reading = ended.is_none();
        if !stopped {
            pool.flush(!reading, rows.is_empty());
        }
        if pool.is_idle()
            && let Some(ended) = ended
        {
            return ended;
        }
        tokio::select! {
            Some(done) = pool.next(!stopped) => {
                for row in done.map_err(|_| R::panicked())? {
                    if let Err(error) = report.done(row) {
                        ended = Some(ended.and_then(Result::err).map_or(Err(error), Err));
                        stopped = true;
                    }
                }
            }
            row = rows.recv(), if reading && pool.has_room() => match row {
                None => ended = Some(Ok(())),
                Some(Err(error)) => ended = Some(Err(error.into())),
                Some(Ok(row)) => {
                    if let Some((line, row)) = report.row(row) {
                        pool.add(line, row);
                    }
                }
            },
            () = interrupts.next() => {
                if stopped {
                    return ended.unwrap_or_else(|| Err(R::interrupted()));
                }
                report.say("finishing the rows in flight; Ctrl-C again stops at once");
                ended = Some(Err(ended.and_then(Result::err).unwrap_or_else(R::interrupted)));
                stopped = true;
            }
        }
    }
}
