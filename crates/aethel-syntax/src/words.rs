//! The words for things: what each rule of the grammar is called in a message, and the words that are reserved.

use crate::strict::Rule;

/// Words that cannot be names. `aethel.pest` has the same list in its rule `reserved`; a test compares them.
pub const RESERVED: &[&str] = &[
    "asset",
    "account",
    "field",
    "const",
    "intent",
    "atomic_batch",
    "guard",
    "solve",
    "verify",
    "let",
    "for",
    "in",
    "after",
    "external",
    "secret",
    "true",
    "false",
    "old",
];

/// Words that begin an item at top level.
pub(crate) const ITEMS: &[&str] = &["asset", "account", "field", "const", "intent", "atomic_batch"];

/// The item that other languages call by another word.
pub(crate) fn item_elsewhere(word: &str) -> Option<&'static str> {
    Some(match word {
        "batch" | "transaction" => "atomic_batch",
        "token" | "currency" | "coin" => "asset",
        _ => return None,
    })
}

/// The sections of an intent, in their order.
pub(crate) const SECTIONS: &[&str] = &["guard", "solve", "verify"];

/// Whether a word is reserved.
pub fn is_reserved(word: &str) -> bool {
    RESERVED.contains(&word)
}

/// The closest of some words, unless the text is too long to be any of them (comparing costs time and memory).
pub(crate) fn closest<'a>(text: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if text.len() > 40 {
        None
    } else {
        aethel_ir::closest(text, words)
    }
}

/// What a rule is called in "expected ..". Rules that fail only through one of their parts say what they are anyway: a
/// failed part at their very beginning is told under their name.
pub(crate) fn word(rule: Rule) -> &'static str {
    match rule {
        Rule::EOI => "the end",
        Rule::WHITESPACE => "a space",
        Rule::comment => "a comment",
        Rule::byte_order_mark => "a byte-order mark",
        Rule::program => "a program",
        Rule::item => "an item",
        Rule::asset | Rule::kw_asset => "`asset`",
        Rule::account | Rule::kw_account => "`account`",
        Rule::field | Rule::kw_field => "`field`",
        Rule::r#const | Rule::kw_const => "`const`",
        Rule::intent | Rule::kw_intent => "`intent`",
        Rule::batch | Rule::kw_batch => "`atomic_batch`",
        Rule::batch_item => "an intent, a call or a loop",
        Rule::r#loop | Rule::kw_for => "`for`",
        Rule::guard | Rule::kw_guard => "`guard`",
        Rule::solve | Rule::kw_solve => "`solve`",
        Rule::verify | Rule::kw_verify => "`verify`",
        Rule::account_head | Rule::piece_account_head => "a name or a string",
        Rule::asset_entry | Rule::kw_scale | Rule::piece_asset_entry => "`scale`",
        Rule::account_entry | Rule::piece_account_entry => "`unbounded` or `bounded`",
        Rule::kw_unbounded => "`unbounded`",
        Rule::kw_bounded => "`bounded`",
        Rule::asset_head
        | Rule::batch_head
        | Rule::intent_head
        | Rule::loop_head
        | Rule::field_rest
        | Rule::const_rest
        | Rule::call
        | Rule::inner_call
        | Rule::label
        | Rule::name
        | Rule::word
        | Rule::word_start
        | Rule::word_rest
        | Rule::reserved
        | Rule::piece_asset_head
        | Rule::piece_batch_head
        | Rule::piece_intent_head
        | Rule::piece_loop_head
        | Rule::piece_field
        | Rule::piece_const
        | Rule::piece_call
        | Rule::solve_entry
        | Rule::piece_solve_entry => "a name",
        Rule::params | Rule::args | Rule::arguments | Rule::group | Rule::paren_open => "`(`",
        Rule::param | Rule::piece_param => "a parameter",
        Rule::modifier => "`external` or `secret`",
        Rule::kw_external => "`external`",
        Rule::kw_secret => "`secret`",
        Rule::type_ref | Rule::type_name => "a type",
        Rule::type_args | Rule::angle_open => "`<`",
        Rule::angle_close => "`>`",
        Rule::after | Rule::kw_after | Rule::piece_after => "`after`",
        Rule::kw_in => "`in`",
        Rule::arg => "an argument",
        Rule::solve_value => "a name, a number or a string",
        Rule::solve_list | Rule::square_open => "`[`",
        Rule::square_close => "`]`",
        Rule::statement | Rule::piece_statement => "a condition",
        Rule::let_line | Rule::kw_let => "`let`",
        Rule::expr | Rule::piece_expr | Rule::operand => "a value",
        Rule::prefix | Rule::bang => "`!`",
        Rule::old | Rule::kw_old => "`old`",
        Rule::reference => "a name",
        Rule::member | Rule::dot => "`.`",
        Rule::binary
        | Rule::implies
        | Rule::or
        | Rule::and
        | Rule::equal
        | Rule::not_equal
        | Rule::less_equal
        | Rule::greater_equal
        | Rule::less
        | Rule::greater
        | Rule::plus
        | Rule::minus
        | Rule::star
        | Rule::slash
        | Rule::percent => "an operator",
        Rule::assign => "`=`",
        Rule::brace_open => "`{`",
        Rule::brace_close => "`}`",
        Rule::paren_close => "`)`",
        Rule::comma => "`,`",
        Rule::semicolon => "`;`",
        Rule::colon => "`:`",
        Rule::elision => "`...`",
        Rule::kw_true => "`true`",
        Rule::kw_false => "`false`",
        Rule::number | Rule::digits => "a number",
        Rule::string | Rule::escape => "a string",
    }
}

/// The words of some rules as one phrase: `a`, `a or b`, `a, b or c`. `end` is what must follow the whole part.
pub(crate) fn phrase(rules: &[Rule], end: &str) -> String {
    let mut words: Vec<&str> = Vec::new();
    for rule in rules {
        let all = if *rule == Rule::EOI { end } else { word(*rule) };
        for word in all.split(" or ") {
            if !words.contains(&word) && word != "`...`" {
                words.push(word);
            }
        }
    }
    // After a complete value nearly everything may follow; the marks that only go on with a name say little there.
    if words.contains(&"an operator") {
        words.retain(|word| !["`(`", "`.`", "`=`", "`:`"].contains(word));
    }
    // First what a person would type, then the marks, last what ends it all.
    words.sort_by_key(|word| {
        (
            *word == end,
            word.starts_with('`'),
            word.contains([')', ']', '>', '}']),
        )
    });
    match words.split_last() {
        None => end.to_owned(),
        Some((last, [])) => (*last).to_owned(),
        Some((last, first)) => format!("{} or {last}", first.join(", ")),
    }
}

/// The keyword a rule stands for, for did-you-mean.
pub(crate) fn keyword(rule: Rule) -> Vec<&'static str> {
    word(rule)
        .split('`')
        .filter(|part| part.starts_with(|c: char| c.is_ascii_lowercase()))
        .filter(|part| !part.contains(' '))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strict;
    use pest::Parser;

    #[test]
    fn the_grammar_reserves_the_same_words() {
        for word in RESERVED {
            assert!(
                strict::Grammar::parse(Rule::piece_batch_head, word).is_err(),
                "{word}"
            );
            let longer = format!("{word}s");
            assert!(
                strict::Grammar::parse(Rule::piece_batch_head, &longer).is_ok(),
                "{longer}"
            );
        }
        let grammar = include_str!("../../../grammar/aethel.pest");
        let rule = grammar
            .split("reserved   = _{")
            .nth(1)
            .and_then(|rest| rest.split('}').next())
            .unwrap();
        assert_eq!(rule.matches('"').count(), 2 * RESERVED.len());
    }

    #[test]
    fn phrases_read_well() {
        assert_eq!(phrase(&[Rule::EOI], "`;`"), "`;`");
        assert_eq!(phrase(&[Rule::comma, Rule::paren_close], ""), "`,` or `)`");
        assert_eq!(
            phrase(&[Rule::EOI, Rule::angle_open], "`,` or `)`"),
            "`,`, `<` or `)`"
        );
        assert_eq!(
            phrase(&[Rule::paren_open, Rule::dot, Rule::binary, Rule::EOI], "`;`"),
            "an operator or `;`"
        );
    }

    #[test]
    fn keywords_come_out_of_their_words() {
        assert_eq!(keyword(Rule::account_entry), ["unbounded", "bounded"]);
        assert!(keyword(Rule::statement).is_empty());
        assert!(keyword(Rule::comma).is_empty());
    }
}
