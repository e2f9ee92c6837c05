//! A connection to one of a URL's hosts: made, lost and made again, with a limit on every wait.

use super::problem::{Kind, Problem};
use super::tls::Verified;
use super::url::{Host, Protection, ServerUrl, escaped, shown_host};
use crate::error::ServerProblem;
use std::future::{Future, poll_fn};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;
use tokio_postgres::config::{SslMode, TargetSessionAttrs};
use tokio_postgres::error::Severity;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{AsyncMessage, Client, Config, NoTls, Socket};

/// How long a server is waited for, so that nothing waits for ever.
#[derive(Clone, Copy, Debug)]
pub struct ServerLimits {
    /// For a host to be reached, and for another program's commit to end.
    pub wait: Duration,
    /// For the answer to a statement.
    pub statement: Duration,
    /// For the answer to `COMMIT`, which waits for synchronous standbys.
    pub commit: Duration,
    /// For finding out what became of a commit whose answer was lost.
    pub settle: Duration,
    /// The server ends a transaction that a program leaves open for so long, so that a frozen one stops nobody.
    pub idle: Duration,
}

impl ServerLimits {
    /// Limits for somebody who is willing to wait so long for the ledger. Another program's commit is waited for at
    /// least half a minute: a server is there to be shared.
    pub fn new(wait: Duration) -> Self {
        Self {
            wait,
            statement: Duration::from_secs(300),
            commit: Duration::from_secs(60),
            settle: Duration::from_secs(90),
            idle: Duration::from_secs(60),
        }
    }

    pub(super) fn lock(&self) -> Duration {
        self.wait.max(Duration::from_secs(30))
    }
}

/// Which transaction is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Open {
    /// None.
    Nothing,
    /// One that reads, all from the moment of its first statement.
    Snapshot,
    /// One that holds the lock on the head and writes.
    Writing,
    /// One that wrote, and whose connection is gone: nothing may be done as if it were still there.
    Broken,
}

/// A connection, or the means to make one.
pub(super) struct Session {
    runtime: Runtime,
    url: ServerUrl,
    tls: Option<Verified>,
    limits: ServerLimits,
    link: Option<Link>,
    pub open: Open,
}

struct Link {
    client: Client,
    driver: JoinHandle<()>,
    heard: Arc<Mutex<Heard>>,
}

/// What the server said besides answers.
#[derive(Default)]
struct Heard {
    warning: Option<String>,
    end: Option<String>,
}

impl Session {
    pub(super) fn new(url: ServerUrl, limits: ServerLimits) -> Result<Self, Problem> {
        if Handle::try_current().is_ok() {
            return Err(asynchronous());
        }
        let tls =
            match &url.protection {
                Protection::None => None,
                Protection::Verified(root) => Some(Verified::new(root.as_deref()).map_err(|reason| {
                    Problem::new(Kind::Other(ServerProblem::Untrusted), escaped(&reason))
                })?),
            };
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Problem::new(Kind::Other(ServerProblem::Failed), error.to_string()))?;
        Ok(Self {
            runtime,
            url,
            tls,
            limits,
            link: None,
            open: Open::Nothing,
        })
    }

    pub(super) fn limits(&self) -> ServerLimits {
        self.limits
    }

    pub(super) fn schema(&self) -> &str {
        &self.url.schema
    }

    /// Asks the server, connecting first where there is no connection; a new one is in no transaction.
    pub(super) fn ask<T>(
        &mut self,
        work: impl AsyncFnOnce(&Client) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, Problem> {
        // The server's own limit comes first, and says what was slow.
        let slack = self.limits.statement / 10 + Duration::from_millis(100);
        self.ask_within(self.limits.statement.saturating_add(slack), work)
    }

    /// [`Session::ask`] with a limit of its own.
    pub(super) fn ask_within<T>(
        &mut self,
        limit: Duration,
        work: impl AsyncFnOnce(&Client) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, Problem> {
        // What belongs to a transaction must not be done outside of it.
        if self.open == Open::Broken {
            return Err(Problem::lost("the connection with the transaction is gone"));
        }
        self.connect()?;
        let Some(link) = &self.link else {
            return Err(Problem::lost("there is no connection"));
        };
        let answer = blocking(&self.runtime, limit, work(&link.client));
        let problem = match answer {
            Some(Ok(answer)) => return Ok(answer),
            Some(Err(error)) => Problem::from_client(&error),
            None => Problem::lost(format!("no answer within {} s", limit.as_secs())),
        };
        let closed = link.client.is_closed();
        let heard = link
            .heard
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .end
            .take();
        // After an error of its own the server waits for the next statement; everything else ends the connection.
        if closed || problem.ends || problem.kind == Kind::Away {
            self.drop_link();
        }
        Err(match (problem.kind, heard) {
            (Kind::Lost, Some(reason)) => Problem::lost(reason),
            _ => problem,
        })
    }

    /// A warning that came since the last call.
    pub(super) fn warning(&self) -> Option<String> {
        let link = self.link.as_ref()?;
        link.heard
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .warning
            .take()
    }

    /// Ends what is open without keeping anything of it.
    pub(super) fn roll_back(&mut self) {
        if matches!(self.open, Open::Snapshot | Open::Writing) {
            let limit = Duration::from_secs(10);
            if self
                .ask_within(limit, async |client| client.batch_execute("ROLLBACK").await)
                .is_err()
            {
                self.drop_link();
            }
        }
        self.open = Open::Nothing;
    }

    /// Lets the connection go; an open transaction is rolled back by the server.
    pub(super) fn drop_link(&mut self) {
        self.open = match self.open {
            Open::Writing | Open::Broken => Open::Broken,
            Open::Nothing | Open::Snapshot => Open::Nothing,
        };
        if let Some(Link { client, driver, .. }) = self.link.take() {
            drop(client);
            // Dropping the client makes the driver say goodbye; a dead connection is not waited for.
            let _ = blocking(&self.runtime, Duration::from_millis(200), async {
                driver.await.ok();
                Ok(())
            });
        }
    }

    /// Connects to the first host that can be used, trying them all again for as long as the caller is willing to wait.
    pub(super) fn connect(&mut self) -> Result<(), Problem> {
        if self.link.is_some() {
            return Ok(());
        }
        if Handle::try_current().is_ok() {
            return Err(asynchronous());
        }
        let started = Instant::now();
        loop {
            let problem = match self.connect_once() {
                Ok(()) => return Ok(()),
                Err(problem) => problem,
            };
            let left = self.limits.wait.saturating_sub(started.elapsed());
            if left.is_zero() || !matches!(problem.kind, Kind::Lost | Kind::Away) {
                return Err(problem);
            }
            std::thread::sleep(left.min(Duration::from_millis(100)));
        }
    }

    fn connect_once(&mut self) -> Result<(), Problem> {
        let mut problems: Vec<Problem> = Vec::new();
        let hosts = self.url.hosts.clone();
        for host in &hosts {
            match self.connect_to(host) {
                Ok(link) => {
                    self.link = Some(link);
                    return Ok(());
                }
                Err(mut problem) => {
                    if hosts.len() > 1 {
                        problem.reason = format!("{}: {}", escaped(&shown_host(host)), problem.reason);
                    }
                    problems.push(problem);
                }
            }
        }
        let reasons: Vec<String> = problems.iter().map(|problem| problem.reason.clone()).collect();
        // A refusal says more than a host that is down.
        let telling = problems
            .iter()
            .find(|problem| !matches!(problem.kind, Kind::Lost | Kind::Away))
            .map_or(Kind::Away, |problem| problem.kind);
        Err(Problem::new(telling, reasons.join("; ")))
    }

    fn connect_to(&self, host: &Host) -> Result<Link, Problem> {
        let mut config = Config::new();
        config
            .user(&self.url.user)
            .dbname(&self.url.database)
            .host(&host.name)
            .port(host.port)
            .application_name("aethel")
            .connect_timeout(self.url.connect_timeout)
            .tcp_user_timeout(Duration::from_secs(30))
            .keepalives_idle(Duration::from_secs(15))
            .keepalives_interval(Duration::from_secs(5))
            .keepalives_retries(3);
        if let Some(password) = &host.password {
            config.password(password);
        }
        if !self.url.any_session {
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        let limit = self.url.connect_timeout;
        let limits = self.limits;
        let link = match &self.tls {
            Some(tls) if !host.is_socket() => {
                config.ssl_mode(SslMode::Require);
                blocking(&self.runtime, limit, linked(&config, tls.clone(), limits))
            }
            _ => {
                config.ssl_mode(SslMode::Disable);
                blocking(&self.runtime, limit, linked(&config, NoTls, limits))
            }
        };
        match link {
            Some(Ok(link)) => Ok(link),
            Some(Err(error)) => Err(Problem::from_client(&error)),
            None => Err(Problem::lost(format!("no answer within {} s", limit.as_secs()))),
        }
    }
}

fn asynchronous() -> Problem {
    Problem::new(
        Kind::Other(ServerProblem::Failed),
        "it was called from asynchronous code; call it from a thread of its own",
    )
}

impl Drop for Session {
    fn drop(&mut self) {
        self.drop_link();
    }
}

/// Runs a future to its end, or gives nothing when the time is up.
fn blocking<T>(
    runtime: &Runtime,
    limit: Duration,
    work: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Option<Result<T, tokio_postgres::Error>> {
    if Handle::try_current().is_ok() {
        return None;
    }
    runtime.block_on(async { tokio::time::timeout(limit, work).await.ok() })
}

/// Connects and sets the session up.
async fn linked<T>(config: &Config, tls: T, limits: ServerLimits) -> Result<Link, tokio_postgres::Error>
where
    T: MakeTlsConnect<Socket>,
    T::Stream: Send + 'static,
{
    let (client, mut connection) = config.connect(tls).await?;
    let heard = Arc::new(Mutex::new(Heard::default()));
    let listener = heard.clone();
    let driver = tokio::spawn(async move {
        loop {
            let message = poll_fn(|context| connection.poll_message(context)).await;
            let mut heard = listener.lock().unwrap_or_else(PoisonError::into_inner);
            match message {
                Some(Ok(AsyncMessage::Notice(notice))) => {
                    if notice.parsed_severity() == Some(Severity::Warning) {
                        heard.warning = Some(escaped(notice.message()));
                    }
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    heard.end = Some(Problem::from_client(&error).reason);
                    return;
                }
                None => return,
            }
        }
    });
    // A commit is on the disk of the server, and of its synchronous standbys, before it is acknowledged: what a server
    // was told to do by default is only ever made stricter. Warnings are wanted, one of them means that a commit was
    // not waited for.
    let setup = format!(
        "SET statement_timeout = {}; SET client_min_messages = warning; SET search_path = pg_catalog",
        limits.statement.as_millis(),
    );
    client.batch_execute(&setup).await?;
    let strictness = client.simple_query("SHOW synchronous_commit").await?;
    let strictest = strictness.iter().any(|message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0) == Some("remote_apply"),
        _ => false,
    });
    if !strictest {
        client.batch_execute("SET synchronous_commit = on").await?;
    }
    Ok(Link {
        client,
        driver,
        heard,
    })
}
