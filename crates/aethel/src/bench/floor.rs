//! The least that a durable batch can cost here: the plain loop, one write into a file that is there already, and
//! `fdatasync`.

use aethel_ir::{Code, Diagnostic};
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Instant;

/// The file is at least so long, so that repeated writes go to different places as in a journal.
const LENGTH: usize = 32 << 20;

/// A preallocated file.
#[derive(Debug)]
pub struct FloorFile {
    file: File,
    block: Vec<u8>,
    at: usize,
    length: usize,
}

impl FloorFile {
    /// Makes one in a directory, for writes of so many bytes.
    ///
    /// # Errors
    /// AE0901 when the file cannot be written.
    pub fn new(directory: &Path, bytes: usize) -> Result<FloorFile, Diagnostic> {
        let path = directory.join("floor.bin");
        let length = LENGTH.max(bytes * 4);
        let mut file = File::create(&path).map_err(|error| cannot(&path, &error))?;
        let zeros = vec![0; 1 << 20];
        for _ in 0..length.div_ceil(zeros.len()) {
            file.write_all(&zeros).map_err(|error| cannot(&path, &error))?;
        }
        file.sync_all().map_err(|error| cannot(&path, &error))?;
        // Not zeros, in case a file system takes those for holes.
        let block = (0..bytes).map(|n| (n % 251) as u8).collect();
        Ok(FloorFile {
            file,
            block,
            at: 0,
            length,
        })
    }

    /// Writes the bytes and waits until they are on the disk; gives the time in nanoseconds.
    ///
    /// # Errors
    /// AE0901.
    pub fn write(&mut self) -> Result<u64, Diagnostic> {
        if self.at + self.block.len() > self.length {
            self.at = 0;
        }
        let begun = Instant::now();
        let written = self
            .file
            .seek(SeekFrom::Start(self.at as u64))
            .and_then(|_| self.file.write_all(&self.block))
            .and_then(|()| self.file.sync_data());
        let took = begun.elapsed();
        written.map_err(|error| cannot(Path::new("floor.bin"), &error))?;
        // Blocks of a page each, as a journal would write them.
        self.at += self.block.len().next_multiple_of(4096);
        Ok(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX))
    }
}

fn cannot(path: &Path, error: &std::io::Error) -> Diagnostic {
    Diagnostic::new(
        Code::AE0901,
        format!("cannot write `{}`: {error}", path.display()),
    )
    .help("the benchmark writes beside the default ledger; run it in a directory that can be written to")
}
