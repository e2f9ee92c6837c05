//! Every statement that is sent, in the part of SQL that PostgreSQL, CockroachDB and YugabyteDB have in common.
//!
//! Values are `numeric`: they have more digits than the largest integer of SQL, and people can add them up. Places and
//! keys are the canonical bytes that files hold too, so that tables sort as they do.

/// The statements for one schema.
pub(super) struct Sql {
    /// Whether there is a ledger's head: one row with 1, or none. Parameter: the schema.
    pub exists: &'static str,
    /// Whether there is the schema. Parameter: the schema.
    pub schema_exists: &'static str,
    pub create_schema: String,
    pub create_tables: String,
    /// Parameters: format, ledger id, receipt, policy.
    pub insert_head: String,
    pub head: String,
    pub lock_head: String,
    pub policy: String,
    /// Parameters: sequence, receipt.
    pub update_head: String,
    /// Parameters: sequence, receipt, policy version, policy.
    pub update_head_and_policy: String,
    /// Parameters: sequence, receipt, policy version, policy, ledger id.
    pub replace_head: String,
    pub touch_head: String,
    /// Parameter: places. Gives the number of each that is there, from 1, its value and version.
    pub read: String,
    /// Parameters: places, values as text, version.
    pub write: String,
    /// Parameters: sequence, bytes.
    pub insert_batch: String,
    /// Parameters: key, sequence.
    pub insert_key: String,
    /// Parameters: digests, bytes.
    pub insert_lemmas: String,
    /// Parameters: sequences, bytes.
    pub copy_batches: String,
    /// Parameters: keys, sequences.
    pub copy_keys: String,
    /// Parameters: places, values as text, versions.
    pub copy_balances: String,
    /// Parameter: key. Gives the batch's sequence.
    pub find: String,
    /// Parameter: sequence.
    pub row: String,
    /// Parameter: digest.
    pub lemma: String,
    /// Parameters: the last row of the page before, how many. Gives what it is sorted by and what stands there.
    pub balances_page: String,
    pub keys_page: String,
    pub lemmas_page: String,
}

impl Sql {
    pub(super) fn new(schema: &str) -> Self {
        // The name was held to letters, digits and underscores when the URL was read.
        let s = format!("\"{schema}\"");
        Self {
            exists: "SELECT 1::bigint FROM pg_catalog.pg_class c \
                     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                     WHERE n.nspname = $1::text AND c.relname = 'head'",
            schema_exists: "SELECT 1::bigint FROM pg_catalog.pg_namespace n WHERE n.nspname = $1::text",
            create_schema: format!("CREATE SCHEMA IF NOT EXISTS {s}"),
            create_tables: format!(
                "CREATE TABLE IF NOT EXISTS {s}.batches (sequence bigint PRIMARY KEY, bytes bytea NOT NULL); \
                 CREATE TABLE IF NOT EXISTS {s}.keys (key bytea PRIMARY KEY, sequence bigint NOT NULL UNIQUE); \
                 CREATE TABLE IF NOT EXISTS {s}.balances (place bytea PRIMARY KEY, value numeric(39) NOT NULL, \
                 version bigint NOT NULL); \
                 CREATE TABLE IF NOT EXISTS {s}.lemmas (digest bytea PRIMARY KEY, bytes bytea NOT NULL); \
                 CREATE TABLE IF NOT EXISTS {s}.head (id bigint PRIMARY KEY CHECK (id = 1), format bigint NOT NULL, \
                 ledger_id bytea NOT NULL, sequence bigint NOT NULL, receipt bytea NOT NULL, \
                 policy_version bigint NOT NULL, policy bytea NOT NULL)"
            ),
            insert_head: format!(
                "INSERT INTO {s}.head (id, format, ledger_id, sequence, receipt, policy_version, policy) \
                 VALUES (1, $1, $2, 0, $3, 0, $4) ON CONFLICT (id) DO NOTHING"
            ),
            head: format!(
                "SELECT format, ledger_id, sequence, receipt, policy_version FROM {s}.head WHERE id = 1"
            ),
            lock_head: format!(
                "SELECT format, ledger_id, sequence, receipt, policy_version FROM {s}.head WHERE id = 1 FOR UPDATE"
            ),
            policy: format!("SELECT policy FROM {s}.head WHERE id = 1"),
            update_head: format!("UPDATE {s}.head SET sequence = $1, receipt = $2 WHERE id = 1"),
            update_head_and_policy: format!(
                "UPDATE {s}.head SET sequence = $1, receipt = $2, policy_version = $3, policy = $4 WHERE id = 1"
            ),
            replace_head: format!(
                "UPDATE {s}.head SET sequence = $1, receipt = $2, policy_version = $3, policy = $4, ledger_id = $5 \
                 WHERE id = 1"
            ),
            touch_head: format!("UPDATE {s}.head SET sequence = sequence WHERE id = 1"),
            read: format!(
                "SELECT p.i, b.value::text, b.version FROM unnest($1::bytea[]) WITH ORDINALITY AS p(place, i) \
                 JOIN {s}.balances b ON b.place = p.place"
            ),
            write: format!(
                "INSERT INTO {s}.balances (place, value, version) \
                 SELECT u.place, u.value::numeric, $3::bigint FROM unnest($1::bytea[], $2::text[]) AS u(place, value) \
                 ON CONFLICT (place) DO UPDATE SET value = excluded.value, version = excluded.version"
            ),
            insert_batch: format!("INSERT INTO {s}.batches (sequence, bytes) VALUES ($1, $2)"),
            insert_key: format!("INSERT INTO {s}.keys (key, sequence) VALUES ($1, $2)"),
            insert_lemmas: format!(
                "INSERT INTO {s}.lemmas (digest, bytes) SELECT u.digest, u.bytes \
                 FROM unnest($1::bytea[], $2::bytea[]) AS u(digest, bytes) ON CONFLICT (digest) DO NOTHING"
            ),
            copy_batches: format!(
                "INSERT INTO {s}.batches (sequence, bytes) SELECT u.sequence, u.bytes \
                 FROM unnest($1::bigint[], $2::bytea[]) AS u(sequence, bytes)"
            ),
            copy_keys: format!(
                "INSERT INTO {s}.keys (key, sequence) SELECT u.key, u.sequence \
                 FROM unnest($1::bytea[], $2::bigint[]) AS u(key, sequence)"
            ),
            copy_balances: format!(
                "INSERT INTO {s}.balances (place, value, version) SELECT u.place, u.value::numeric, u.version \
                 FROM unnest($1::bytea[], $2::text[], $3::bigint[]) AS u(place, value, version)"
            ),
            find: format!("SELECT sequence FROM {s}.keys WHERE key = $1"),
            row: format!("SELECT bytes FROM {s}.batches WHERE sequence = $1"),
            lemma: format!("SELECT bytes FROM {s}.lemmas WHERE digest = $1"),
            balances_page: format!(
                "SELECT place, value::text, version FROM {s}.balances WHERE place > $1 ORDER BY place LIMIT $2"
            ),
            keys_page: format!("SELECT key, sequence FROM {s}.keys WHERE key > $1 ORDER BY key LIMIT $2"),
            lemmas_page: format!(
                "SELECT digest, bytes FROM {s}.lemmas WHERE digest > $1 ORDER BY digest LIMIT $2"
            ),
        }
    }
}
