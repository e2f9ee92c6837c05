//! URIs of files, and their paths.

use std::path::{Path, PathBuf};

/// The path of a `file:` URI; `None` for others, such as texts that were never saved.
pub fn path_of(uri: &str) -> Option<PathBuf> {
    let rest = uri.strip_prefix("file://")?;
    // `file://host/path`: another machine's files are out of reach.
    let path = match rest.strip_prefix("localhost") {
        Some(path) => path,
        None => rest,
    };
    path.starts_with('/').then_some(())?;
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let hex = || after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match (*byte == b'%')
            .then(hex)
            .flatten()
            .map(|hex| u8::from_str_radix(hex, 16))
        {
            Some(Ok(decoded)) => {
                bytes.push(decoded);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(*byte);
                rest = after;
            }
        }
    }
    let path = String::from_utf8(bytes).ok()?;
    // `/C:/books` on Windows.
    let drive = path.as_bytes().get(2) == Some(&b':') && cfg!(windows);
    Some(PathBuf::from(if drive { path.get(1..)? } else { &path }))
}

/// The `file:` URI of a path.
pub fn of_path(path: &Path) -> String {
    let path = path
        .to_string_lossy()
        .replace('\\', if cfg!(windows) { "/" } else { "\\" });
    let mut uri = String::from("file://");
    if !path.starts_with('/') {
        uri.push('/');
    }
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                uri.push(byte as char)
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_come_back() {
        for path in ["/a/b.ae", "/with space/100%/é.ae", "/a#b?.ae"] {
            assert_eq!(
                path_of(&of_path(Path::new(path))).as_deref(),
                Some(Path::new(path))
            );
        }
        assert_eq!(of_path(Path::new("/a b/é.ae")), "file:///a%20b/%C3%A9.ae");
        assert_eq!(path_of("file:///a%2fb%zz").as_deref(), Some(Path::new("/a/b%zz")));
        assert_eq!(path_of("untitled:Untitled-1"), None);
        assert_eq!(path_of("file://server/share"), None);
    }
}
