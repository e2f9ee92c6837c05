//! Lemmas as SMT-LIB 2 scripts that any solver reads.

use aethel_certificate::LemmaVerdict;
use std::collections::HashMap;
use std::fmt::Write;
use z3::Tactic;
use z3::ast::Bool;

/// A script that asks whether the assertions can hold together, and the answer that was found.
pub fn script(assertions: &[Bool], verdict: LemmaVerdict) -> String {
    // It only prints, so which solver it would be does not matter.
    let printer = Tactic::new("skip").solver();
    for assertion in assertions {
        printer.assert(assertion);
    }
    let status = verdict.status();
    let body = renamed(&printer.to_string());
    format!("(set-logic ALL)\n(set-info :status {status})\n{body}(check-sat)\n")
}

/// Names with `!` are counted through the life of a thread; counted anew, one lemma has one text.
fn renamed(text: &str) -> String {
    let mut names: HashMap<&str, String> = HashMap::new();
    let mut out = String::with_capacity(text.len());
    for token in text.split_inclusive(|c: char| c.is_whitespace() || c == '(' || c == ')') {
        let name = token.trim_end_matches(|c: char| c.is_whitespace() || c == '(' || c == ')');
        match name.split_once('!') {
            Some((base, _)) => {
                let next = names.len();
                let new = names.entry(name).or_insert_with(|| format!("{base}.{next}"));
                // Writing into a string cannot fail.
                let _ = write!(out, "{new}{}", &token[name.len()..]);
            }
            None => out.push_str(token),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counted_names_are_counted_anew() {
        let text = "(declare-fun after!17 () Int)\n(assert (let ((a!1 (= after!17 x))) (and a!1 b!after)))\n";
        let want = "(declare-fun after.0 () Int)\n(assert (let ((a.1 (= after.0 x))) (and a.1 b.2)))\n";
        assert_eq!(renamed(text), want);
    }
}
