//! Finding the password for a server where the tools of PostgreSQL look for it.

use aethel_ir::{Code, Diagnostic};
use aethel_ledger::ServerUrl;
use std::path::{Path, PathBuf};

/// Gives the hosts of a URL that have no password the one in `PGPASSWORD`, else the one in the file that `PGPASSFILE`
/// names, else in `~/.pgpass`.
///
/// # Errors
/// AE0901 when the file may be read by others.
pub(super) fn find(url: &mut ServerUrl) -> Result<(), Diagnostic> {
    if let Ok(password) = std::env::var("PGPASSWORD") {
        url.find_passwords(|_, _, _, _| Some(password.clone()));
        return Ok(());
    }
    let named = std::env::var_os("PGPASSFILE").map(PathBuf::from);
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".pgpass"));
    let Some(path) = named.or_else(home) else {
        return Ok(());
    };
    let Ok(text) = std::fs::read_to_string(&path) else {
        return Ok(());
    };
    let mut open = None;
    url.find_passwords(|host, port, database, user| {
        let found = text
            .lines()
            .find_map(|line| entry(line, [host, &port.to_string(), database, user]));
        if found.is_some() {
            open = open.take().or_else(|| is_open(&path).then(|| path.clone()));
        }
        found
    });
    match open {
        None => Ok(()),
        Some(path) => Err(Diagnostic::new(
            Code::AE0901,
            format!("the password file `{}` may be read by others", path.display()),
        )
        .help("change that with `chmod 600`")),
    }
}

/// The password of a line `host:port:database:user:password`, when it is for these. A `*` fits everything; a `\` takes a
/// `:` or `\` after it as it is.
fn entry(line: &str, wanted: [&str; 4]) -> Option<String> {
    if line.starts_with('#') {
        return None;
    }
    let mut rest = line;
    for wanted in wanted {
        let (field, after) = split(rest)?;
        // A socket's directory is listed as `localhost`.
        let fits =
            rest.starts_with("*:") || field == wanted || (wanted.starts_with('/') && field == "localhost");
        if !fits {
            return None;
        }
        rest = after;
    }
    Some(split(rest).map_or_else(|| unescaped(rest), |(password, _)| password))
}

/// A field and what follows its colon.
fn split(text: &str) -> Option<(String, &str)> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ':' => return Some((unescaped(&text[..at]), &text[at + 1..])),
            _ => {}
        }
    }
    None
}

fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => plain.extend(characters.next()),
            c => plain.push(c),
        }
    }
    plain
}

#[cfg(unix)]
fn is_open(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).is_ok_and(|metadata| metadata.mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open(_: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_password_file() {
        let find = |line| entry(line, ["db", "5432", "books", "pay"]);
        assert_eq!(find("db:5432:books:pay:secret").as_deref(), Some("secret"));
        assert_eq!(find("*:*:*:*:se\\:cr\\\\et").as_deref(), Some("se:cr\\et"));
        assert_eq!(find("db:*:books:pay:secret:more").as_deref(), Some("secret"));
        for other in [
            "",
            "#*:*:*:*:x",
            "db:5433:books:pay:x",
            "db:5432:other:pay:x",
            "db:5432:books:pay",
            "\\*:*:*:*:x",
        ] {
            assert_eq!(find(other), None, "{other}");
        }
        assert_eq!(
            entry("localhost:*:*:*:x", ["/run/postgresql", "5432", "a", "b"]).as_deref(),
            Some("x")
        );
    }
}
