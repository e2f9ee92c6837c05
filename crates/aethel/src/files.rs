//! Files: programs, inputs, and the files that programs name, read up to a limit; what is written, written whole.
//!
//! A program comes from anybody, so the files it names are regular files below its own directory after links are
//! resolved, unless the user allows more.

mod write;

pub use write::{cannot_write, replace, write, write_whole};

use aethel_ir::{Code, Diagnostic, Progress, SourceId, SourceMap, closest, quote};
use aethel_lower::Files;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The largest file that is read, in bytes (CSV, JSON batches and proofs).
pub const MAX_FILE_BYTES: u64 = 512 << 20;

/// Reads a whole file that the user named, at most `limit` bytes.
///
/// # Errors
/// AE0901 with the path and the reason.
pub fn read_named(path: &Path, limit: u64) -> Result<Vec<u8>, Diagnostic> {
    let shown = quote_path(path);
    let fail = |reason: String, help: &str| {
        Diagnostic::new(Code::AE0901, format!("cannot read `{shown}`: {reason}")).help(help)
    };
    let meta = std::fs::metadata(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            let help = similar(path).unwrap_or_else(|| "check the path".into());
            fail("there is no such file".into(), &help)
        }
        io::ErrorKind::PermissionDenied => fail("permission denied".into(), "check the file's permissions"),
        _ => fail(error.to_string(), "check the path"),
    })?;
    if meta.is_dir() {
        return Err(fail("it is a directory".into(), "name a file"));
    }
    if meta.is_file() && meta.len() > limit {
        return Err(too_large(&shown, limit));
    }
    let file = File::open(path).map_err(|error| fail(error.to_string(), "check the file's permissions"))?;
    // Room for all of it at once, if it says how long it is: growing takes twice as much.
    let mut bytes = Vec::with_capacity(if meta.is_file() {
        meta.len() as usize + 1
    } else {
        0
    });
    // One byte more than allowed tells a file that grows, or a device, apart from one that fits.
    let read = file.take(limit + 1).read_to_end(&mut bytes);
    read.map_err(|error| fail(error.to_string(), "check the file and its disk"))?;
    if bytes.len() as u64 > limit {
        return Err(too_large(&shown, limit));
    }
    Ok(bytes)
}

/// How many entries of a directory are looked at for the file that was meant.
const MAX_ENTRIES: usize = 2_000;

/// Which file beside it was meant by one that is not there.
fn similar(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let entries = std::fs::read_dir(directory_of(path))
        .ok()?
        .take(MAX_ENTRIES)
        .flatten();
    let names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    let found = closest(name, names.iter().map(String::as_str))?;
    Some(format!("did you mean `{}`?", quote(found)))
}

fn too_large(shown: &str, limit: u64) -> Diagnostic {
    Diagnostic::new(Code::AE0901, format!("`{shown}` is larger than {limit} bytes"))
        .help("split it into several files and batches")
}

fn quote_path(path: &Path) -> String {
    let text = path.to_string_lossy();
    // The end of a path says more than its beginning.
    let skip = text.chars().count().saturating_sub(120);
    text.chars()
        .skip(skip)
        .collect::<String>()
        .chars()
        .flat_map(|c| quote(&c.to_string()).chars().collect::<Vec<_>>())
        .collect()
}

/// Reads a file that the user named as text and adds it to the sources.
///
/// # Errors
/// AE0901, AE0109.
pub fn read_text(
    path: &Path,
    limit: u64,
    sources: &mut SourceMap,
) -> Result<(SourceId, Arc<str>), Diagnostic> {
    let bytes = read_named(path, limit)?;
    text_of(path.to_string_lossy().as_ref(), bytes, sources)
}

/// [`read_text`] where `-` is standard input.
///
/// # Errors
/// AE0901, AE0109.
pub fn read_input(
    path: &Path,
    limit: u64,
    sources: &mut SourceMap,
) -> Result<(SourceId, Arc<str>), Diagnostic> {
    if path != Path::new("-") {
        return read_text(path, limit, sources);
    }
    let bytes = read_named(Path::new("/dev/stdin"), limit)?;
    text_of("<stdin>", bytes, sources)
}

/// The directory that a file stands in.
pub fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Adds bytes as a text.
///
/// # Errors
/// AE0109 with the line of the first byte that is not UTF-8.
pub fn text_of(
    name: &str,
    bytes: Vec<u8>,
    sources: &mut SourceMap,
) -> Result<(SourceId, Arc<str>), Diagnostic> {
    match String::from_utf8(bytes) {
        Ok(text) => {
            let text: Arc<str> = text.into();
            Ok((sources.add(name, text.clone()), text))
        }
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let bytes = error.as_bytes();
            let line = bytes[..at].iter().filter(|b| **b == b'\n').count() + 1;
            let message = format!("`{}` is not UTF-8 text", quote(name));
            Err(Diagnostic::new(Code::AE0109, message).help(format!(
                "byte {} in line {line} is 0x{:02x}; save the file as UTF-8",
                at + 1,
                bytes[at]
            )))
        }
    }
}

/// Opens the files that a program names.
#[derive(Debug)]
pub struct ProgramFiles<'a> {
    directory: PathBuf,
    allowed: &'a [PathBuf],
    sources: &'a mut SourceMap,
    beginning: Option<u64>,
    progress: Option<Arc<Progress>>,
}

impl<'a> ProgramFiles<'a> {
    /// Files below `directory` and below each of `allowed`.
    pub fn new(directory: PathBuf, allowed: &'a [PathBuf], sources: &'a mut SourceMap) -> Self {
        Self {
            directory,
            allowed,
            sources,
            beginning: None,
            progress: None,
        }
    }

    /// Says how far reading the files is.
    #[must_use]
    pub fn watched(mut self, progress: &Arc<Progress>) -> Self {
        self.progress = Some(Arc::clone(progress));
        self
    }

    /// Reads only about so many bytes of each file, up to the end of a line outside quotes: enough for an editor, which
    /// reads them at every key.
    #[must_use]
    pub fn beginning(mut self, bytes: u64) -> Self {
        self.beginning = Some(bytes);
        self
    }
}

impl ProgramFiles<'_> {
    /// The real path of a regular file that is named relative to the directory and lies below it, or below one that is
    /// allowed.
    ///
    /// # Errors
    /// AE0901, AE0909.
    pub fn resolve(&self, path: &str) -> Result<PathBuf, Diagnostic> {
        let joined = self.directory.join(path);
        let shown = quote(path);
        let real = joined.canonicalize().map_err(|error| {
            let missing = error.kind() == io::ErrorKind::NotFound;
            let help = similar(&joined).filter(|_| missing);
            let help =
                help.unwrap_or_else(|| format!("the path is relative to `{}`", quote_path(&self.directory)));
            Diagnostic::new(Code::AE0901, format!("cannot read `{shown}`: {}", plain(&error))).help(help)
        })?;
        let below = |directory: &Path| directory.canonicalize().is_ok_and(|root| real.starts_with(root));
        if !below(&self.directory) && !self.allowed.iter().any(|directory| below(directory)) {
            return Err(Diagnostic::new(
                Code::AE0909,
                format!("`{shown}` is outside the program's directory"),
            )
            .help("move the file beside the program, or allow its directory with `--allow-path DIR`"));
        }
        if !real.is_file() {
            return Err(
                Diagnostic::new(Code::AE0901, format!("`{shown}` is not a regular file"))
                    .help("name a file, not a directory"),
            );
        }
        Ok(real)
    }
}

impl Files for ProgramFiles<'_> {
    fn open(&mut self, path: &str) -> Result<(SourceId, Arc<str>), Diagnostic> {
        let real = self.resolve(path)?;
        let bytes = match self.beginning {
            Some(limit) => read_beginning(&real, limit)?,
            None => read_named(&real, MAX_FILE_BYTES)?,
        };
        text_of(path, bytes, self.sources)
    }

    fn progress(&self) -> Option<Arc<Progress>> {
        self.progress.clone()
    }
}

/// The whole lines of the first bytes of a file; all of it when no line ends there.
fn read_beginning(path: &Path, limit: u64) -> Result<Vec<u8>, Diagnostic> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes));
    if read.is_err() || bytes.len() as u64 <= limit {
        return read_named(path, MAX_FILE_BYTES);
    }
    let (mut quoted, mut whole) = (false, 0);
    for (at, byte) in bytes.iter().enumerate() {
        quoted ^= *byte == b'"';
        if *byte == b'\n' && !quoted {
            whole = at + 1;
        }
    }
    if whole == 0 {
        return read_named(path, MAX_FILE_BYTES);
    }
    bytes.truncate(whole);
    Ok(bytes)
}

fn plain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".into(),
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        _ => error.to_string(),
    }
}
