//! Making the tables, when the first batch is about to be committed.

use super::PostgresStore;
use super::problem::{Kind, Problem};
use super::session::Session;
use super::sql::Sql;
use crate::blob::FORMAT_VERSION;
use crate::codec::Writer;
use crate::error::LedgerError;
use crate::policy::Policy;
use crate::policy_codec::encode_policy;
use crate::receipt::LedgerId;
use std::time::Duration;
use tokio_postgres::types::Type;

/// How often two programs may hinder each other in making the tables.
const ATTEMPTS: u32 = 20;

pub(super) fn policy_bytes(policy: &Policy) -> Vec<u8> {
    let mut out = Writer::default();
    encode_policy(&mut out, policy);
    out.into_bytes()
}

impl PostgresStore {
    /// Makes the schema, the tables and the head of an empty ledger, where there are none. Another program may do the
    /// same at this moment: one of the two heads stays, and the commit that follows sees which.
    pub(super) fn create(&mut self) -> Result<(), LedgerError> {
        let mut problem = None;
        for attempt in 0..ATTEMPTS {
            let made = {
                let mut session = self.session();
                session.roll_back();
                make(&mut session, &self.sql, &self.head.ledger_id)
            };
            match made {
                Ok(()) => {
                    self.created = true;
                    return Ok(());
                }
                Err(error) if matches!(error.kind, Kind::Exists | Kind::Serialization) => {
                    problem = Some(error);
                    std::thread::sleep(Duration::from_millis(10 << attempt.min(5)));
                }
                Err(error) => return Err(self.failed("creating")(error)),
            }
        }
        let problem = problem.unwrap_or_else(|| Problem::lost("no attempt was made"));
        Err(self.failed("creating")(problem))
    }
}

/// Each statement on its own: not every engine makes tables within a transaction. Only a head makes a ledger.
fn make(session: &mut Session, sql: &Sql, ledger_id: &LedgerId) -> Result<(), Problem> {
    let schema = session.schema().to_owned();
    let known = session.ask(async |client| {
        let row = client
            .query_typed_opt(sql.schema_exists, &[(&schema, Type::TEXT)])
            .await?;
        Ok(row.is_some())
    })?;
    // Only who may create schemas may even ask for one that is there.
    if !known {
        session.ask(async |client| client.batch_execute(&sql.create_schema).await)?;
    }
    session.ask(async |client| client.batch_execute(&sql.create_tables).await)?;
    let format = i64::from(FORMAT_VERSION);
    let policy = policy_bytes(&Policy::default());
    let receipt = ledger_id.genesis();
    session.ask(async |client| {
        client
            .execute_typed(
                &sql.insert_head,
                &[
                    (&format, Type::INT8),
                    (&ledger_id.0.as_slice(), Type::BYTEA),
                    (&receipt.0.as_slice(), Type::BYTEA),
                    (&policy, Type::BYTEA),
                ],
            )
            .await
    })?;
    Ok(())
}
