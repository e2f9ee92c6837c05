//! What the words of the language mean, in a sentence each: for hover and completion.

/// A word and its meaning.
pub(super) type Word = (&'static str, &'static str);

/// Words that begin an item at top level, with a snippet.
pub(super) const ITEMS: [(&str, &str, &str); 6] = [
    (
        "asset",
        "a kind of value with a number of decimal places",
        "asset ${1:USD} { scale: ${2:2}; }",
    ),
    (
        "account",
        "what is special about an account",
        "account ${1:world} { unbounded; }",
    ),
    (
        "field",
        "something that accounts carry beside balances",
        "field ${1:frozen}: ${2:Bool};",
    ),
    ("const", "a named constant", "const ${1:FEE} = ${2:0.01};"),
    (
        "intent",
        "what must hold before and after a movement of value",
        "intent ${1:pay}(${2:from: Account, to: Account, amount: Balance}) {\n    guard {\n        ${3:from.balance >= amount;}\n    }\n    verify {\n        ${4:from.balance == from.balance - amount;\n        to.balance == to.balance + amount;}\n    }\n}",
    ),
    (
        "atomic_batch",
        "intents and calls that all succeed or leave everything as it was",
        "atomic_batch ${1:name} {\n    $0\n}",
    ),
];

/// The sections of an intent.
pub(super) const SECTIONS: [Word; 3] = [
    (
        "guard",
        "what must hold just before; equations here also give parameters their values",
    ),
    ("solve", "data for reports; it has no effect"),
    (
        "verify",
        "new values of places (`place == ..`), and what must hold afterwards",
    ),
];

/// The types of parameters.
pub(super) const TYPES: [Word; 8] = [
    (
        "Account",
        "an account; `Account<USD>` says in which asset its `balance` is",
    ),
    (
        "Balance",
        "an amount of an asset, exact to its last decimal place",
    ),
    (
        "Price",
        "an exact number; `Price<BTC, USD>` times an amount of BTC is an amount of USD",
    ),
    ("Rate", "an exact number"),
    ("Number", "an exact number"),
    ("Integer", "a whole number"),
    ("Bool", "true or false"),
    ("Time", "seconds since 1970"),
];

/// Functions, with their signature.
pub(super) const FUNCTIONS: [(&str, &[&str], &str); 5] = [
    ("min", &["a", "b"], "the smaller of values of one type"),
    ("max", &["a", "b"], "the larger of values of one type"),
    ("abs", &["x"], "the value without its sign"),
    (
        "round",
        &["x", "asset or places", "mode"],
        "the nearest value with so many decimal places; nothing is ever rounded without it",
    ),
    ("old", &["place"], "the value of a place before the transaction"),
];

/// The modes of `round`.
pub(super) const MODES: [Word; 4] = [
    ("half_even", "to the nearest; a half goes to the even neighbour"),
    ("half_up", "to the nearest; a half goes away from zero"),
    ("up", "away from zero"),
    ("down", "towards zero"),
];

/// Words within items.
pub(super) const OTHERS: [Word; 13] = [
    (
        "let",
        "names a value that is computed from parameters and balances before",
    ),
    ("for", "calls intents for every row of a CSV file"),
    ("in", "names the CSV file of a loop, beside the program"),
    ("after", "what must be done first"),
    ("external", "an oracle brings this value, with a signature"),
    ("secret", "shown as `•••` to people; the ledger keeps the effect"),
    ("true", "the condition that always holds"),
    ("false", "the condition that never holds"),
    ("scale", "how many decimal places the asset has, from 0 to 18"),
    ("unbounded", "this account may go below zero"),
    (
        "bounded",
        "this account may not go below zero, like all that are not declared",
    ),
    ("balance", "how much of its asset the account holds"),
    ("...", "left out"),
];

/// What a word of the language means.
pub(super) fn meaning(word: &str) -> Option<&'static str> {
    let items = ITEMS.iter().map(|(word, meaning, _)| (*word, *meaning));
    let functions = FUNCTIONS.iter().map(|(word, _, meaning)| (*word, *meaning));
    let mut all = (items.chain(functions))
        .chain(SECTIONS)
        .chain(TYPES)
        .chain(MODES)
        .chain(OTHERS);
    all.find(|(known, _)| *known == word).map(|(_, meaning)| meaning)
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_reserved_word_means_something() {
        for word in aethel_syntax::RESERVED {
            assert!(super::meaning(word).is_some(), "{word}");
        }
    }
}
