//! The table of crates: who may import whom, and who may import what from outside.

use crate::support::files_below;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Our crates, and which of ours each may import.
const MAY_IMPORT: [(&str, &[&str]); 11] = [
    ("aethel-ir", &[]),
    ("aethel-syntax", &["aethel-ir"]),
    ("aethel-lower", &["aethel-ir", "aethel-syntax"]),
    ("aethel-certificate", &["aethel-ir"]),
    // What it proves it writes down in the form that the checker reads.
    ("aethel-proof", &["aethel-ir", "aethel-certificate"]),
    ("aethel-ledger", &["aethel-ir"]),
    (
        "aethel-runtime",
        &["aethel-ir", "aethel-certificate", "aethel-proof", "aethel-ledger"],
    ),
    ("aethel-report", &["aethel-ir", "aethel-runtime"]),
    (
        "aethel",
        &[
            "aethel-ir",
            "aethel-syntax",
            "aethel-lower",
            "aethel-certificate",
            "aethel-proof",
            "aethel-ledger",
            "aethel-runtime",
            "aethel-report",
        ],
    ),
    ("aethel-cli", &["aethel", "aethel-report"]),
    ("aethel-python", &["aethel", "aethel-report"]),
];

/// Libraries that belong to one crate only.
const ONLY_IN: [(&str, &[&str]); 11] = [
    ("pest", &["aethel-syntax"]),
    ("pest_derive", &["aethel-syntax"]),
    ("z3", &["aethel-proof"]),
    ("redb", &["aethel-ledger"]),
    ("tokio-postgres", &["aethel-ledger"]),
    ("rustls", &["aethel-ledger"]),
    ("petgraph", &["aethel-runtime"]),
    ("crossbeam", &["aethel-runtime"]),
    ("miette", &["aethel-report"]),
    ("clap", &["aethel-cli"]),
    ("pyo3", &["aethel-python"]),
];

fn packages() -> BTreeMap<String, BTreeSet<String>> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output = std::process::Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("metadata is JSON");
    let mut packages = BTreeMap::new();
    for package in metadata["packages"].as_array().unwrap() {
        let normal = package["dependencies"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|d| d["kind"].is_null());
        let names = normal.map(|d| d["name"].as_str().unwrap().to_owned()).collect();
        packages.insert(package["name"].as_str().unwrap().to_owned(), names);
    }
    packages
}

#[test]
fn crates_import_what_the_table_allows() {
    let packages = packages();
    let table: BTreeMap<&str, &[&str]> = MAY_IMPORT.into_iter().collect();
    for (package, dependencies) in &packages {
        let allowed = table
            .get(package.as_str())
            .unwrap_or_else(|| panic!("{package} is not in the table"));
        for dependency in dependencies.iter().filter(|name| packages.contains_key(*name)) {
            assert!(
                allowed.contains(&dependency.as_str()),
                "{package} must not import {dependency}"
            );
        }
        for (library, owners) in ONLY_IN {
            let wrong = dependencies.contains(library) && !owners.contains(&package.as_str());
            assert!(!wrong, "{package} must not import {library}; only {owners:?} may");
        }
    }
}

#[test]
fn pure_crates_touch_no_file_clock_or_environment() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../");
    for package in [
        "aethel-ir",
        "aethel-syntax",
        "aethel-lower",
        "aethel-certificate",
        "aethel-report",
    ] {
        for path in files_below(format!("{root}{package}/src").into(), &["rs"]) {
            // The certificate's little binary reads the file it is given.
            if path.ends_with("aethel-certificate/src/main.rs") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for banned in [
                "std::fs",
                "std::env",
                "std::net",
                "SystemTime",
                "Instant::now",
                "std::process",
            ] {
                assert!(!text.contains(banned), "{} uses {banned}", path.display());
            }
        }
    }
}
