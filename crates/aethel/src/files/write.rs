//! Writing files, and what to say when that fails.

use super::{directory_of, quote_path};
use aethel_ir::{Code, Diagnostic};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file or directory that cannot be written.
pub fn cannot_write(path: &Path, error: &io::Error) -> Diagnostic {
    let message = format!("cannot write `{}`: {error}", quote_path(path));
    Diagnostic::new(Code::AE0901, message).help("check the directory and its permissions")
}

/// Writes a file, whatever it held before.
///
/// # Errors
/// AE0901 with the path and what the system says.
pub fn write(path: &Path, bytes: impl AsRef<[u8]>) -> Result<(), Diagnostic> {
    fs::write(path, bytes).map_err(|error| cannot_write(path, &error))
}

/// Replaces a file's text; it is never half there.
///
/// # Errors
/// AE0901 with what the system says; the file is as it was then.
pub fn replace(path: &Path, text: &str) -> Result<(), Diagnostic> {
    write_whole(path, |file| file.write_all(text.as_bytes())).map_err(|error| {
        cannot_write(path, &error)
            .help("the file is as it was; check its permissions and those of its directory")
    })
}

/// Makes a file, or replaces it as a whole: written beside its place and renamed. A link is followed, and the permissions
/// of a file that is there are kept.
///
/// # Errors
/// What `write` says, or the system; the place is as it was then.
pub fn write_whole<E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&mut File) -> Result<(), E>,
) -> Result<(), E> {
    let (place, permissions) = match path.canonicalize() {
        Ok(place) => {
            let permissions = fs::metadata(&place)?.permissions();
            (place, Some(permissions))
        }
        Err(_) => (new_place(path)?, None),
    };
    let mut name = OsString::from(".");
    name.push(place.file_name().unwrap_or_default());
    name.push(format!(".new-{}", std::process::id()));
    let beside = place.with_file_name(name);
    let mut file = OpenOptions::new().write(true).create_new(true).open(&beside)?;
    let written = permissions
        .map_or(Ok(()), |permissions| file.set_permissions(permissions))
        .map_err(E::from)
        .and_then(|()| write(&mut file))
        .and_then(|()| Ok(fs::rename(&beside, &place)?));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

/// Where a file will be that is not there yet.
fn new_place(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?;
    Ok(directory_of(path).canonicalize()?.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(directory: &Path) -> Vec<OsString> {
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<OsString> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    }

    #[cfg(unix)]
    #[test]
    fn a_file_is_whole_or_as_it_was() {
        use std::os::unix::fs::PermissionsExt;
        let directory = std::env::temp_dir().join(format!("aethel-whole-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let (path, link) = (directory.join("a"), directory.join("link"));
        let put = |path: &Path, text: &str| write_whole(path, |file| file.write_all(text.as_bytes()));
        put(&path, "new").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink("a", &link).unwrap();
        put(&link, "newer").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "newer");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        // Half of it was written when something else failed.
        let failed: io::Result<()> = write_whole(&path, |file| {
            file.write_all(b"half")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert_eq!(failed.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(fs::read_to_string(&path).unwrap(), "newer");
        assert!(put(&directory.join("missing/a"), "x").is_err());
        assert_eq!(entries(&directory), ["a", "link"]);
        fs::remove_dir_all(&directory).unwrap();
    }
}
