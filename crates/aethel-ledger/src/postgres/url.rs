//! The URL of a ledger on a server: taken apart by hand, so that no part of it is ever shown by accident.

use aethel_ir::account::is_format_character;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The schema of a URL that names none.
const DEFAULT_SCHEMA: &str = "aethel";
/// PostgreSQL's own port.
const DEFAULT_PORT: u16 = 5432;
/// How long to wait for a host to answer.
const DEFAULT_CONNECT: Duration = Duration::from_secs(10);

/// How a connection is protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Protection {
    /// Not at all.
    None,
    /// TLS, with the certificate of the server held to its name and to these authorities, or the system's.
    Verified(Option<PathBuf>),
}

/// One host of a URL.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Host {
    /// A name, an address, or the directory of a socket.
    pub name: String,
    pub port: u16,
    pub password: Option<String>,
}

impl Host {
    pub(crate) fn is_socket(&self) -> bool {
        self.name.starts_with('/')
    }

    fn is_here(&self) -> bool {
        let address = self.name.parse::<std::net::IpAddr>();
        self.is_socket() || self.name == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }
}

/// Where a ledger on a PostgreSQL server is, and who asks for it:
/// `postgres://user@host1,host2:5433/database?schema=aethel`.
///
/// Neither [`fmt::Debug`] nor [`ServerUrl::name`] shows its password.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerUrl {
    pub(crate) hosts: Vec<Host>,
    pub(crate) user: String,
    pub(crate) database: String,
    pub(crate) schema: String,
    pub(crate) protection: Protection,
    pub(crate) any_session: bool,
    pub(crate) connect_timeout: Duration,
}

/// What is wrong with a URL, in words that hold nothing of it: what looks like a host may be a piece of a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlError(pub &'static str);

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the URL of the ledger is wrong: {}", self.0)
    }
}

impl std::error::Error for UrlError {}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerUrl({})", self.name())
    }
}

impl ServerUrl {
    /// Whether a text is meant as the URL of a server and not as a path.
    pub fn is_url(text: &str) -> bool {
        after_scheme(text).is_some()
    }

    /// Takes a URL apart. `user` is who asks when the URL does not say it.
    ///
    /// Understood are `schema`, `sslmode` (`verify-full`, or `disable`), `sslrootcert`, `connect_timeout` in seconds,
    /// `host` (a directory with a socket, or names) and `target_session_attrs` (`read-write` or `any`). Without
    /// `sslmode` the server's certificate is verified, unless all hosts are this machine.
    ///
    /// # Errors
    /// What is wrong with it, without any part of it.
    pub fn parse(text: &str, user: Option<&str>) -> Result<Self, UrlError> {
        let rest = after_scheme(text).ok_or(UrlError("it begins with `postgres://`"))?;
        let (address, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = address.split_once('/').unwrap_or((address, ""));
        // Otherwise a piece of the password would be taken for a host, and shown.
        if rest.matches('@').count() > usize::from(authority.contains('@')) {
            return Err(UrlError(
                "an `@`, `/` or `?` in a name or password is written `%40`, `%2F` or `%3F`",
            ));
        }
        let (who, hosts) = authority
            .split_once('@')
            .map_or((None, authority), |(who, hosts)| (Some(who), hosts));
        let (name, password) = match who.map(|who| who.split_once(':').ok_or(who)) {
            None => (None, None),
            Some(Err(name)) => (Some(decoded(name)?), None),
            Some(Ok((name, password))) => (Some(decoded(name)?), Some(decoded(password)?)),
        };
        let mut url = Self {
            hosts: Vec::new(),
            user: String::new(),
            database: decoded(database)?,
            schema: DEFAULT_SCHEMA.to_owned(),
            protection: Protection::None,
            any_session: false,
            connect_timeout: DEFAULT_CONNECT,
        };
        for host in hosts.split(',').filter(|_| !hosts.is_empty()) {
            url.hosts.push(host_of(host)?);
        }
        url.take_parameters(parameters)?;
        if url.hosts.is_empty() {
            return Err(UrlError(
                "it names no host; write `postgres://user@host/database`",
            ));
        }
        for host in &mut url.hosts {
            host.password.clone_from(&password);
        }
        url.user = name
            .filter(|name| !name.is_empty())
            .or_else(|| user.map(str::to_owned))
            .ok_or(UrlError(
                "it names no user; write `postgres://user@host/database`",
            ))?;
        if url.database.is_empty() {
            url.database.clone_from(&url.user);
        }
        Ok(url)
    }

    fn take_parameters(&mut self, parameters: &str) -> Result<(), UrlError> {
        let (mut mode, mut root) = (None, None);
        for parameter in parameters.split('&').filter(|text| !text.is_empty()) {
            let (key, value) = parameter
                .split_once('=')
                .ok_or(UrlError("a parameter is written `name=value`"))?;
            let value = decoded(value)?;
            match key {
                "schema" => self.schema = schema(value)?,
                "sslmode" => mode = Some(value),
                "sslrootcert" => root = Some(PathBuf::from(value)),
                "connect_timeout" => {
                    let seconds = value.parse::<u16>().ok().filter(|seconds| *seconds > 0);
                    let seconds = seconds.ok_or(UrlError("`connect_timeout` is a number of seconds"))?;
                    self.connect_timeout = Duration::from_secs(u64::from(seconds));
                }
                "host" => {
                    for host in value.split(',') {
                        self.hosts.push(host_of(host)?);
                    }
                }
                "target_session_attrs" => match value.as_str() {
                    "any" => self.any_session = true,
                    "read-write" => self.any_session = false,
                    _ => return Err(UrlError("`target_session_attrs` is `read-write` or `any`")),
                },
                _ => {
                    return Err(UrlError(
                        "the parameters are schema, sslmode, sslrootcert, connect_timeout, host and target_session_attrs",
                    ));
                }
            }
        }
        self.protection = match mode.as_deref() {
            Some("verify-full") => Protection::Verified(root),
            Some("disable") if root.is_none() => Protection::None,
            None if root.is_none() && self.hosts.iter().all(Host::is_here) => Protection::None,
            None => Protection::Verified(root),
            Some("disable") => {
                return Err(UrlError(
                    "`sslrootcert` says nothing where `sslmode=disable` is asked for",
                ));
            }
            Some(_) => {
                return Err(UrlError(
                    "`sslmode` is `verify-full` or `disable`: TLS that does not verify the server protects nothing",
                ));
            }
        };
        Ok(())
    }

    /// Gives each host that has no password yet the one that `find` knows for host, port, database and user.
    pub fn find_passwords(&mut self, mut find: impl FnMut(&str, u16, &str, &str) -> Option<String>) {
        for host in &mut self.hosts {
            if host.password.is_none() {
                host.password = find(&host.name, host.port, &self.database, &self.user);
            }
        }
    }

    /// The same ledger in another schema.
    #[must_use]
    pub fn in_schema(mut self, name: &str) -> Self {
        self.schema = name.to_owned();
        self
    }

    /// What messages call it: without password, and without what would act on a terminal.
    pub fn name(&self) -> Arc<str> {
        let hosts: Vec<String> = self.hosts.iter().map(shown_host).collect();
        let hosts = hosts.join(",");
        let mut name = format!("postgres://{}@{hosts}/{}", self.user, self.database);
        if self.schema != DEFAULT_SCHEMA {
            name += &format!("?schema={}", self.schema);
        }
        escaped(&name).into()
    }
}

/// A text without what would act on a terminal.
pub(crate) fn escaped(text: &str) -> String {
    let escape = |c: char| match c {
        c if c.is_control() || is_format_character(c) => c.escape_unicode().to_string(),
        c => c.to_string(),
    };
    text.chars().map(escape).collect()
}

pub(crate) fn shown_host(host: &Host) -> String {
    let name = match host.name.contains(':') {
        true => format!("[{}]", host.name),
        false => host.name.clone(),
    };
    match host.port {
        DEFAULT_PORT => name,
        port => format!("{name}:{port}"),
    }
}

fn after_scheme(text: &str) -> Option<&str> {
    text.strip_prefix("postgres://")
        .or_else(|| text.strip_prefix("postgresql://"))
}

fn host_of(text: &str) -> Result<Host, UrlError> {
    let (name, port) = match text.strip_prefix('[') {
        // An IPv6 address.
        Some(rest) => {
            let (name, port) = rest
                .split_once(']')
                .ok_or(UrlError("an address in `[` ends with `]`"))?;
            (name, port.strip_prefix(':'))
        }
        None => text
            .split_once(':')
            .map_or((text, None), |(name, port)| (name, Some(port))),
    };
    let port = match port {
        None => DEFAULT_PORT,
        Some(port) => port
            .parse()
            .map_err(|_| UrlError("a port is a number up to 65535"))?,
    };
    let name = decoded(name)?;
    if name.is_empty() {
        return Err(UrlError("a host is empty"));
    }
    Ok(Host {
        name,
        port,
        password: None,
    })
}

/// A schema's name stands in every statement, so it is held to letters, digits and underscores.
fn schema(name: String) -> Result<String, UrlError> {
    let fits = name.len() <= 63
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    match fits {
        true => Ok(name),
        false => Err(UrlError(
            "a schema is named with lower case letters, digits and `_`, and begins with a letter",
        )),
    }
}

fn decoded(text: &str) -> Result<String, UrlError> {
    let wrong = UrlError("`%` is followed by two hexadecimal digits of UTF-8");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first != b'%' {
            bytes.push(*first);
            rest = after;
            continue;
        }
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.ok_or(wrong.clone())?);
        rest = &after[2..];
    }
    // Neither a name nor a password of the protocol can hold a zero byte.
    String::from_utf8(bytes)
        .ok()
        .filter(|text| !text.contains('\0'))
        .ok_or(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<ServerUrl, UrlError> {
        ServerUrl::parse(text, None)
    }

    #[test]
    fn urls_are_taken_apart() {
        let url = parse("postgres://pay:s%40cret@db1,db2:5433,[::1]:7/books?schema=main&connect_timeout=3")
            .unwrap();
        assert_eq!(
            &*url.name(),
            "postgres://pay@db1,db2:5433,[::1]:7/books?schema=main"
        );
        assert_eq!(url.hosts[1].password.as_deref(), Some("s@cret"));
        assert_eq!(url.protection, Protection::Verified(None));
        assert_eq!(url.connect_timeout, Duration::from_secs(3));
        assert!(!format!("{url:?}").contains("cret"));
        let url = ServerUrl::parse("postgresql://localhost", Some("pay")).unwrap();
        assert_eq!(&*url.name(), "postgres://pay@localhost/pay");
        assert_eq!(url.protection, Protection::None);
        let url = parse("postgres://pay@/books?host=/run/postgresql").unwrap();
        assert!(url.hosts[0].is_socket());
        let url = parse("postgres://pay@db/books?sslrootcert=ca.pem").unwrap();
        assert_eq!(url.protection, Protection::Verified(Some("ca.pem".into())));
        assert_eq!(
            parse("postgres://pay@127.0.0.1/b?sslmode=verify-full")
                .unwrap()
                .protection,
            Protection::Verified(None)
        );
        assert_eq!(
            parse("postgres://pay@db/b?sslmode=disable").unwrap().protection,
            Protection::None
        );
    }

    #[test]
    fn passwords_are_looked_up_where_the_url_has_none() {
        let mut url = parse("postgres://pay@db1,db2:1/books").unwrap();
        url.find_passwords(|host, port, database, user| Some(format!("{host} {port} {database} {user}")));
        let passwords: Vec<_> = url
            .hosts
            .iter()
            .filter_map(|host| host.password.as_deref())
            .collect();
        assert_eq!(passwords, ["db1 5432 books pay", "db2 1 books pay"]);
        url.find_passwords(|_, _, _, _| None);
        assert!(url.hosts[0].password.is_some());
    }

    #[test]
    fn what_is_wrong_is_said_without_the_url() {
        for text in [
            "postgres://pay:se@cret@db/books",
            "postgres://pay:se/cret@db/books",
            "postgres://pay:se?cret@db/books",
            "postgres://pay:cret@",
            "postgres://pay:cret@db:port/books",
            "postgres://pay:%zzcret@db/books",
            "postgres://pay:cret@db/books?sslmode=require",
            "postgres://pay:cret@db/books?sslmode=disable&sslrootcert=x",
            "postgres://pay:cret@db/books?cret=1",
            "postgres://pay:cret@db/books?schema=a;drop",
            "postgres://pay:cret@db/books?schema=",
            "postgres://pay:cret@[::1/books",
            "postgres://db/books",
            "file:///x",
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(!error.contains("cret"), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn p24_any_text_is_safe(text: String) {
            let _ = parse(&text);
            let _ = parse(&format!("postgres://{text}"));
        }

        #[test]
        fn a_password_is_never_shown(password in "[a-zA-Z0-9:/?#@%&=+,\\[\\] ]{8,20}") {
            let encoded: String = password.bytes().map(|byte| format!("%{byte:02x}")).collect();
            let url = parse(&format!("postgres://u:{encoded}@db/x")).unwrap();
            prop_assert_eq!(url.hosts[0].password.as_deref(), Some(password.as_str()));
            let shown = format!("{url:?}{}", url.name());
            prop_assert!(!shown.contains(&password));
            // As people paste it.
            match parse(&format!("postgres://u:{password}@db/x")) {
                Ok(url) => prop_assert_eq!(&*url.name(), "postgres://u@db/x"),
                Err(error) => prop_assert!(!error.to_string().contains(&password)),
            }
        }
    }
}
