//! A file that counts the bytes read from it, for the progress bar. What is compressed is decompressed.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Read},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use flate2::bufread::MultiGzDecoder;

use super::FileError;

/// The first two bytes of a gzip file.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// A file, decompressed.
pub(crate) struct Counted {
    source: Box<dyn Read + Send>,
    count: Arc<AtomicU64>,
    /// In bytes as stored; standard input has none.
    pub(crate) length: Option<u64>,
}

impl Counted {
    /// Opens a file; `-` is standard input.
    pub(crate) fn open(file: &Path) -> Result<Self, FileError> {
        if file == Path::new("-") {
            return Ok(Self::over(io::stdin(), None)?);
        }
        let file = File::open(file)?;
        let metadata = file.metadata()?;
        Ok(Self::over(file, metadata.is_file().then_some(metadata.len()))?)
    }

    pub(crate) fn over(source: impl Read + Send + 'static, length: Option<u64>) -> io::Result<Self> {
        let count: Arc<AtomicU64> = Arc::default();
        // The first bytes stay in one piece: the csv crate looks for a byte order mark in the first read.
        let mut source = BufReader::new(Counting { source, count: Arc::clone(&count) });
        let compressed = source.fill_buf()?.starts_with(&GZIP);
        let source: Box<dyn Read + Send> = if compressed { Box::new(MultiGzDecoder::new(source)) } else { Box::new(source) };
        Ok(Self { source, count, length })
    }

    /// How many bytes have been read, now and later.
    pub(crate) fn count(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.count)
    }
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.source.read(buffer)
    }
}

struct Counting<S> {
    source: S,
    count: Arc<AtomicU64>,
}

impl<S: Read> Read for Counting<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
