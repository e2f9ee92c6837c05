//! Who may come in, and what is said to those who may not: never with a password.

use super::server::{Cluster, Node, PASSWORD, done, schema, shared};
use super::{limits, open_at, server_url};
use crate::support::*;
use aethel_ledger::*;
use std::process::Command;
use std::time::Duration;

fn refused(url: &str) -> String {
    let quick = ServerLimits::new(Duration::ZERO);
    let error = match PostgresStore::open_or_new(&server_url(url), quick) {
        Err(error) => error,
        Ok(mut store) => {
            let request = Batch::new("first", "k").open(&store, usd("company"), 5).build();
            store.commit(&request).unwrap_err()
        }
    };
    let diagnostic = error.to_diagnostic();
    let said = format!(
        "{}: {}\n  help: {}\n",
        diagnostic.code.id(),
        diagnostic.message,
        diagnostic.help.unwrap_or_default()
    );
    assert!(!format!("{said}{error:?}").contains("hunter2"), "{said}");
    said
}

fn says(said: &str, parts: &[&str]) {
    for part in parts {
        assert!(said.contains(part), "no {part:?} in {said}");
    }
}

#[test]
fn each_refusal_is_told_apart() {
    let node = shared();
    let name = schema();
    let good = node.url(&name);
    says(
        &refused(&good.replace(PASSWORD, "hunter2-wrong")),
        &["AE0801", "password authentication failed", "PGPASSWORD"],
    );
    says(
        &refused(&good.replace("/books", "/none")),
        &["AE0801", "\"none\" does not exist", "createdb"],
    );
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let nobody = good.replace(&node.port.to_string(), &closed.to_string());
    says(&refused(&nobody), &["AE0801", "efused", "--wait"]);
    // The other host is good enough.
    let hosts = good.replace(&node.host(), &format!("127.0.0.1:{closed},{}", node.host()));
    first(&mut open_at(&hosts));
    // A role that may not make a schema, then one that may not touch the tables, then one that may.
    node.sql("books", "CREATE ROLE guest LOGIN PASSWORD 'hunter2-guest'");
    let guest = |schema: &str| {
        format!(
            "postgres://guest:hunter2-guest@{}/books?schema={schema}",
            node.host()
        )
    };
    says(
        &refused(&guest("guests")),
        &["AE0810", "permission denied", "AUTHORIZATION"],
    );
    says(&refused(&guest(&name)), &["AE0810", "permission denied"]);
    node.sql("books", "CREATE SCHEMA guests AUTHORIZATION guest");
    first(&mut open_at(&guest("guests")));
    // Tables of somebody else.
    node.sql("books", "CREATE SCHEMA foreign_one AUTHORIZATION pay");
    node.sql(
        "books",
        "CREATE TABLE foreign_one.head (id int); ALTER TABLE foreign_one.head OWNER TO pay",
    );
    says(&refused(&node.url("foreign_one")), &["AE0803"]);
    // A newer format, and a head that is gone.
    node.sql("books", &format!("UPDATE {name}.head SET format = 2"));
    says(&refused(&good), &["AE0805", "format 2"]);
    node.sql("books", &format!("DELETE FROM {name}.head"));
    says(&refused(&good), &["AE0804"]);
}

#[test]
fn a_ledger_that_went_back_is_noticed() {
    let name = schema();
    let mut store = open_at(&shared().url(&name));
    first(&mut store);
    let request = pay(&store, "k", 1);
    // As if a standby without the last batch had taken over.
    let before = format!("CREATE TABLE {name}.copy AS SELECT * FROM {name}.head");
    shared().sql("books", &before);
    committed(store.commit(&request).unwrap());
    shared().sql(
        "books",
        &format!("UPDATE {name}.head h SET sequence = c.sequence, receipt = c.receipt FROM {name}.copy c"),
    );
    assert_eq!(store.begin(false).unwrap_err().code().id(), "AE0804");
    assert_eq!(store.commit(&request).unwrap_err().code().id(), "AE0804");
}

#[test]
fn what_was_changed_by_hand_is_found() {
    for (sql, says) in [
        (
            "UPDATE {}.balances SET value = value + 1 WHERE version = 1",
            "balances",
        ),
        ("DELETE FROM {}.balances WHERE value = 0", "balances"),
        ("DELETE FROM {}.keys", "key"),
        (
            "UPDATE {}.batches SET bytes = set_byte(bytes, 100, get_byte(bytes, 100) # 1)",
            "record 1",
        ),
        ("DELETE FROM {}.batches WHERE sequence = 2", "missing"),
        ("UPDATE {}.head SET sequence = 1", "after the last"),
        ("UPDATE {}.lemmas SET bytes = 'x'", "lemma"),
    ] {
        let name = schema();
        let url = shared().url(&name);
        let mut store = open_at(&url);
        first(&mut store);
        let mut request = Batch::new("open", "k").open(&store, usd("bob"), 0).build();
        request.lemmas = vec![(lemma_digest(b"lemma"), b"lemma".to_vec())];
        committed(store.commit(&request).unwrap());
        drop(store);
        shared().sql("books", &sql.replace("{}", &name));
        let store = PostgresStore::open_read_only(&server_url(&url), limits()).unwrap();
        let failure = verify(&store, None).unwrap_err().to_string();
        assert!(failure.contains(says), "{sql}: {failure}");
    }
}

fn openssl(arguments: &[&str], directory: &std::path::Path) {
    let mut command = Command::new("openssl");
    command.args(arguments).current_dir(directory);
    done(command);
}

/// A server with a certificate for `localhost`, signed by an authority of the test.
fn protected(cluster: &Cluster, directory: &std::path::Path) -> Node {
    for authority in ["ca", "other"] {
        let (key, certificate) = (format!("{authority}.key"), format!("{authority}.pem"));
        let subject = format!("/CN=test {authority}");
        openssl(
            &[
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "2",
                "-subj",
                &subject,
                "-keyout",
                &key,
                "-out",
                &certificate,
            ],
            directory,
        );
    }
    openssl(
        &[
            "req",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-subj",
            "/CN=localhost",
            "-keyout",
            "server.key",
            "-out",
            "server.csr",
        ],
        directory,
    );
    std::fs::write(
        directory.join("names"),
        "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n",
    )
    .unwrap();
    openssl(
        &[
            "x509",
            "-req",
            "-in",
            "server.csr",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-days",
            "2",
            "-extfile",
            "names",
            "-out",
            "server.pem",
        ],
        directory,
    );
    let mut node = cluster.node("");
    for name in ["server.key", "server.pem"] {
        node.write(name, &std::fs::read(directory.join(name)).unwrap());
    }
    node.set("ssl_cert_file = 'server.pem'\nssl_key_file = 'server.key'\nssl = on");
    node.hba("hostssl all all 127.0.0.1/32 scram-sha-256\nhostssl all all ::1/128 scram-sha-256\nhostnossl all all all reject\nlocal all all trust\n");
    node.kill();
    node.start();
    node
}

#[test]
fn the_server_is_verified() {
    let cluster = Cluster::new();
    let directory = tempfile::tempdir().unwrap();
    let node = protected(&cluster, directory.path());
    let root = |name: &str| directory.path().join(name).display().to_string();
    let url = |host: &str, more: &str| format!("postgres://pay:{PASSWORD}@{host}:{}/books?{more}", node.port);
    let good = url("localhost", &format!("sslrootcert={}", root("ca.pem")));
    let mut store = open_at(&good);
    first(&mut store);
    let session = node.sql("books", "SELECT s.ssl, s.version FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) WHERE a.application_name = 'aethel'");
    assert_eq!(session, "t|TLSv1.3");
    clean(&open_at(&good));
    // Another authority, the system's, another name, no protection, a file without certificates.
    for (url, says) in [
        (
            url("localhost", &format!("sslrootcert={}", root("other.pem"))),
            "certificate",
        ),
        (url("localhost", "sslmode=verify-full"), "certificate"),
        (
            url("127.0.0.1", &format!("sslrootcert={}", root("ca.pem"))),
            "certificate",
        ),
        (url("localhost", &format!("sslrootcert={}", root("names"))), "PEM"),
        (
            url("localhost", &format!("sslrootcert={}", root("missing.pem"))),
            "PEM",
        ),
    ] {
        let said = refused(&url);
        assert!(
            said.contains("AE0801") && said.contains(says) && said.contains("sslrootcert"),
            "{url}: {said}"
        );
    }
    let open = refused(&url("localhost", "sslmode=disable"));
    assert!(open.contains("AE0801"), "{open}");
    // A server without protection is not spoken to in the clear instead.
    let shared_port = shared().port;
    let said = refused(&format!(
        "postgres://pay:{PASSWORD}@localhost:{shared_port}/books?sslmode=verify-full"
    ));
    assert!(said.contains("AE0801"), "{said}");
}
