//! Files of `--output-file`, and those that a command writes beside: written beside their place, and put there whole when the command ends.

use crate::options::Format;
use crate::options::global::FileTarget;
use aethel::files::{cannot_write, directory_of};
use aethel::ir::{Code, Diagnostic, quote};
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A file of `--output-file`.
#[derive(Debug)]
pub struct FormatFile {
    /// What it holds.
    pub format: Format,
    /// A document of the command itself is in it.
    pub documented: bool,
    /// Where it is written.
    pub file: OutputFile,
}

/// A file that is being written.
#[derive(Debug)]
pub struct OutputFile {
    path: PathBuf,
    /// Where it is written meanwhile; `None` for what is no regular file, such as a pipe.
    beside: Option<PathBuf>,
    file: BufWriter<File>,
    begun: bool,
    /// The first thing that went wrong.
    failed: Option<io::Error>,
}

impl FormatFile {
    /// Opens all files before anything is done, so that a wrong path costs nothing.
    ///
    /// # Errors
    /// AE0901 for a path that cannot be written, AE0911 for one that is named twice.
    pub fn open_all(targets: &[FileTarget]) -> Result<Vec<FormatFile>, Diagnostic> {
        let mut files: Vec<FormatFile> = Vec::new();
        for target in targets {
            let file = OutputFile::open_beside(&target.path, files.iter().map(|other| &other.file))?;
            files.push(FormatFile {
                format: target.format,
                documented: false,
                file,
            });
        }
        Ok(files)
    }
}

impl OutputFile {
    /// Opens a file that is none of some others.
    ///
    /// # Errors
    /// AE0901 for a path that cannot be written, AE0911 for one that is named twice.
    pub fn open_beside<'a>(
        path: &Path,
        mut others: impl Iterator<Item = &'a OutputFile>,
    ) -> Result<OutputFile, Diagnostic> {
        let failed = |error: io::Error| cannot_write(path, &error);
        let place = place_of(path).map_err(failed)?;
        if others.any(|other| other.path == place) {
            let message = format!("`{}` is to be written twice", quote(&path.to_string_lossy()));
            return Err(Diagnostic::new(Code::AE0911, message).help("give each output a file of its own"));
        }
        Self::open(place).map_err(failed)
    }

    fn open(path: PathBuf) -> io::Result<OutputFile> {
        let kind = std::fs::metadata(&path).map(|meta| meta.file_type());
        if kind.as_ref().is_ok_and(std::fs::FileType::is_dir) {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let (file, beside) = match kind {
            Ok(kind) if !kind.is_file() => (OpenOptions::new().write(true).open(&path)?, None),
            _ => {
                let mut name = std::ffi::OsString::from(".");
                name.push(path.file_name().unwrap_or_default());
                name.push(format!(".out-{}", std::process::id()));
                let beside = path.with_file_name(name);
                let file = OpenOptions::new().write(true).create_new(true).open(&beside)?;
                (file, Some(beside))
            }
        };
        Ok(OutputFile {
            path,
            beside,
            file: BufWriter::new(file),
            begun: false,
            failed: None,
        })
    }

    /// Whether anything was to be written to it.
    pub fn is_begun(&self) -> bool {
        self.begun
    }

    /// Writes more; what fails is told when the command ends.
    pub fn write(&mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        self.begun = true;
        if self.failed.is_none() {
            self.failed = write(&mut self.file).err();
        }
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// AE0901; the place is as it was then.
    pub fn finish(mut self) -> Result<(), Diagnostic> {
        let done = match self.failed.take() {
            Some(error) => Err(error),
            None => self.file.flush().and_then(|()| match &self.beside {
                Some(beside) => std::fs::rename(beside, &self.path),
                None => Ok(()),
            }),
        };
        if done.is_ok() {
            self.beside = None;
        }
        done.map_err(|error| cannot_write(&self.path, &error))
    }
}

impl Drop for OutputFile {
    /// What was not put in its place is not left behind.
    fn drop(&mut self) {
        if let Some(beside) = &self.beside {
            let _ = std::fs::remove_file(beside);
        }
    }
}

/// Where a file is or will be. A link is followed: what it points to is replaced, not the link.
fn place_of(path: &Path) -> io::Result<PathBuf> {
    if let Ok(path) = path.canonicalize() {
        return Ok(path);
    }
    let name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?;
    Ok(directory_of(path).canonicalize()?.join(name))
}
