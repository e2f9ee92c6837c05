//! What holds for any text, and for any valid program.

use crate::support::{dump, expr, render, spans};
use aethel_ir::SourceId;
use aethel_syntax::ast::{Item, Program};
use aethel_syntax::{MAX_DIAGNOSTICS, grammar_accepts, parse, parse_bytes, parse_condition};
use proptest::prelude::*;

/// What must hold whatever the text.
fn check_any(text: &str) {
    let parsed = parse(SourceId(0), text);
    assert!(parsed.diagnostics.len() <= MAX_DIAGNOSTICS + 1);
    for span in spans(&parsed.program, &parsed.diagnostics) {
        assert!(
            text.get(span.range()).is_some(),
            "{span:?} lies outside of {text:?}"
        );
    }
    // Nothing that has no error may be missing from the one-shot grammar.
    if parsed.diagnostics.is_empty() {
        assert!(grammar_accepts(text), "the grammar refuses {text:?}");
    }
    if parsed
        .diagnostics
        .iter()
        .all(|d| d.code.id() == "AE0101" || d.code.id() == "AE0102")
        && !parsed.diagnostics.is_empty()
    {
        let beyond = ["chained", "twice", "`not`"]
            .iter()
            .any(|word| parsed.diagnostics.iter().any(|d| d.message.contains(word)));
        assert!(
            beyond || !grammar_accepts(text),
            "only the skeleton refuses {text:?}:\n{}",
            render(text, &parsed.diagnostics)
        );
    }
    let (condition, problems) = parse_condition(SourceId(0), text);
    assert_eq!(condition.is_none(), problems.len() == 1);
    for span in spans(&Program::default(), &problems) {
        assert!(
            text.get(span.range()).is_some(),
            "{span:?} lies outside of {text:?}"
        );
    }
}

/// Words and marks that a program may be made of, and some that it may not.
pub const SOUP: &[&str] = &[
    "asset ",
    "account ",
    "field ",
    "const ",
    "intent ",
    "atomic_batch ",
    "guard ",
    "solve ",
    "verify ",
    "let ",
    "for ",
    "in ",
    "after ",
    "external ",
    "secret ",
    "true ",
    "old",
    "USD ",
    "a ",
    "b ",
    "balance ",
    "scale",
    "unbounded",
    "gaurd ",
    "1",
    "1_000",
    "0.5",
    "1.",
    "1__0",
    "\"s\"",
    "\"open",
    "\"\\u{e9}\"",
    "{",
    "{ ",
    "}",
    "} ",
    "(",
    ")",
    "[",
    "]",
    ";",
    ";\n",
    ";\n    ",
    ",",
    ":",
    ".",
    "...",
    "=",
    "==",
    "!=",
    "<",
    "<=",
    ">",
    "==>",
    "&&",
    "||",
    "+",
    "-",
    "*",
    "/",
    "%",
    "!",
    "=>",
    "===",
    "≥",
    "\n",
    "\n    ",
    "# note\n",
    "// note\n",
    "\r\n",
    "é",
    "\u{feff}",
    "\u{a0}",
    "$",
    "\\",
    "if ",
    "and ",
    "not ",
];

fn soup() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(SOUP), 0..60).prop_map(|parts| parts.concat())
}

/// An identifier that is not reserved.
fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "a", "b", "alice", "amount", "in_", "oldest", "fortune", "x1", "_", "balance", "intents",
    ])
    .prop_map(str::to_owned)
}

/// Space and comments, as they may stand between any two tokens.
fn gap() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        " ",
        "  ",
        "\n",
        "\t",
        " # note ; {\n",
        " // note ( \"\n",
        "\r\n",
    ])
}

/// An expression as text, and as the dump of its tree.
fn expression() -> impl Strategy<Value = (String, String)> {
    let leaf = prop_oneof![
        name().prop_map(|n| (n.clone(), n)),
        (name(), name()).prop_map(|(a, b)| (format!("{a}.{b}"), format!("{a}.{b}"))),
        prop::sample::select(vec!["1", "1_000", "0.95", "true", "false", "\"text\""])
            .prop_map(|text| (text.to_owned(), text.to_owned())),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            (
                inner.clone(),
                inner.clone(),
                gap(),
                prop::sample::select(vec!["+", "-", "*", "/", "%", "==", "<", ">=", "&&", "||", "==>"])
            )
                .prop_map(|((a, at), (b, bt), gap, op)| (
                    format!("({a}){gap}{op} ({b})"),
                    format!("({op} {at} {bt})")
                )),
            (inner.clone(), prop::sample::select(vec!["-", "!"]))
                .prop_map(|((a, at), op)| (format!("{op}({a})"), format!("({op} {at})"))),
            inner
                .clone()
                .prop_map(|(a, at)| (format!("old({a})"), format!("(old {at})"))),
            (name(), prop::collection::vec(inner, 0..3)).prop_map(|(n, args)| {
                let (texts, trees): (Vec<_>, Vec<_>) = args.into_iter().unzip();
                (
                    format!("{n}({})", texts.join(",")),
                    format!("{n}({})", trees.join(", ")),
                )
            }),
        ]
    })
}

/// A line of `guard` or `verify`, and its dump.
fn line() -> impl Strategy<Value = (String, String)> {
    prop_oneof![
        expression(),
        (name(), expression()).prop_map(|(n, (e, t))| (format!("let {n} = {e}"), format!("let {n} = {t}"))),
        (name(), expression()).prop_map(|(n, (e, t))| (format!("{n} = {e}"), format!("assign {n} = {t}"))),
    ]
}

/// An intent as text, and as its dump indented by `indent`.
fn intent(indent: &'static str) -> impl Strategy<Value = (String, String)> {
    let param = (
        any::<bool>(),
        any::<bool>(),
        name(),
        prop::sample::select(vec!["Account", "Balance<USD>", "Price<BTC, USD>"]),
    )
        .prop_map(|(external, secret, n, ty)| {
            format!(
                "{}{}{n}: {ty}",
                if external { "external " } else { "" },
                if secret { "secret " } else { "" }
            )
        });
    let lines = || prop::option::of(prop::collection::vec(line(), 0..4));
    (
        name(),
        prop::collection::vec(param, 0..4),
        prop::collection::vec(name(), 0..3),
        lines(),
        lines(),
        gap(),
    )
        .prop_map(move |(n, params, after, guard, verify, gap)| {
            let after = if after.is_empty() {
                String::new()
            } else {
                format!(" after {}", after.join(", "))
            };
            let mut text = format!("intent {n}({}){after}{gap}{{", params.join(", "));
            let mut tree = format!("{indent}intent {n}({}){after}\n", params.join(", "));
            for (section, lines) in [("guard", guard), ("verify", verify)] {
                let Some(lines) = lines else { continue };
                text += &format!("{gap}{section} {{{gap}");
                tree += &format!("{indent}  {section}\n");
                for (line, dumped) in lines {
                    text += &format!("{line};{gap}");
                    tree += &format!("{indent}    {dumped}\n");
                }
                text += "}";
            }
            (text + gap + "}\n", tree)
        })
}

pub fn program() -> impl Strategy<Value = (String, String)> {
    let call = || {
        (
            name(),
            prop::collection::vec((prop::option::of(name()), expression()), 0..3),
        )
            .prop_map(|(n, args)| {
                let label = |l: &Option<String>| l.as_ref().map_or(String::new(), |l| format!("{l}: "));
                let texts: Vec<_> = args.iter().map(|(l, (e, _))| label(l) + e).collect();
                let trees: Vec<_> = args.iter().map(|(l, (_, t))| label(l) + t).collect();
                (
                    format!("{n}({})", texts.join(", ")),
                    format!("call {n}({})", trees.join(", ")),
                )
            })
    };
    let entry = prop_oneof![
        intent("  "),
        call().prop_map(|(text, tree)| (text + ";\n", format!("  {tree}\n"))),
        (name(), call(), name()).prop_map(|(l, (text, tree), a)| {
            (
                format!("{l}: {text} after {a};\n"),
                format!("  {l}: {tree} after {a}\n"),
            )
        }),
        (name(), prop::collection::vec(call(), 0..3)).prop_map(|(n, calls)| {
            let (texts, trees): (Vec<_>, Vec<_>) = calls
                .into_iter()
                .map(|(a, b)| (a + ";\n", format!("    {b}\n")))
                .unzip();
            (
                format!("for {n} in \"f.csv\" {{\n{}}}\n", texts.concat()),
                format!("  for {n} in \"f.csv\"\n{}", trees.concat()),
            )
        }),
    ];
    let batch = (name(), prop::collection::vec(entry, 0..4))
        .prop_map(|(n, entries)| {
            let (texts, trees): (Vec<_>, Vec<_>) = entries.into_iter().unzip();
            (
                format!("atomic_batch {n} {{\n{}}}\n", texts.concat()),
                format!("batch {n}\n{}", trees.concat()),
            )
        })
        .boxed();
    let item = prop_oneof![
        intent(""),
        batch.clone(),
        Just((
            "asset USD { scale: 2; }\n".to_owned(),
            "asset USD scale 2\n".to_owned()
        )),
        name().prop_map(|n| (
            format!("account {n} {{ unbounded; }}\n"),
            format!("account {n:?} unbounded true\n")
        )),
        name().prop_map(|n| (format!("field {n}: Bool;\n"), format!("field {n}: Bool\n"))),
        (name(), expression())
            .prop_map(|(n, (e, t))| (format!("const {n} = {e};\n"), format!("const {n} = {t}\n"))),
    ];
    (prop::collection::vec(item, 0..4), batch).prop_map(|(items, last)| {
        let (texts, trees): (Vec<_>, Vec<_>) = items.into_iter().chain([last]).unzip();
        (texts.concat(), trees.concat())
    })
}

proptest! {
    #[test]
    fn p24_any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        parse_bytes(SourceId(0), &bytes);
        check_any(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_text_is_survived(text in "\\PC{0,200}") {
        check_any(&text);
    }

    #[test]
    fn token_soup_is_survived(text in soup()) {
        check_any(&text);
        check_any(&format!("atomic_batch b {{ {text}"));
        check_any(&format!("intent a() {{ guard {{ {text} }} }}"));
        check_any(&format!("intent a({text}) {{ }}"));
    }

    #[test]
    fn p16_valid_programs_reach_the_tree_whole((text, tree) in program()) {
        let parsed = parse(SourceId(0), &text);
        prop_assert_eq!(render(&text, &parsed.diagnostics), "");
        prop_assert_eq!(dump(&parsed.program), tree);
        prop_assert!(grammar_accepts(&text));
        // Every place is that of its tokens, without space or comments at its ends.
        for span in spans(&parsed.program, &[]) {
            let slice = text.get(span.range());
            prop_assert!(slice.is_some_and(|s| !s.is_empty() && s.trim() == s && !s.starts_with('#') && !s.starts_with("//")), "{:?}", slice);
            prop_assert!(slice.is_some_and(|s| s.lines().last().is_some_and(|l| !l.contains("note"))), "{:?}", slice);
        }
    }

    #[test]
    fn damaged_programs_are_survived(
        (text, _) in program(),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..6, prop::sample::select(SOUP)), 1..4),
    ) {
        let mut characters: Vec<char> = text.chars().collect();
        for (at, length, insert) in cuts {
            let at = at.index(characters.len() + 1).min(characters.len());
            let end = (at + length).min(characters.len());
            characters.splice(at..end, insert.chars());
        }
        check_any(&characters.into_iter().collect::<String>());
    }

    #[test]
    fn one_bad_line_costs_only_itself(
        before in prop::collection::vec(line(), 0..4),
        after in prop::collection::vec(line(), 0..4),
        bad in prop::sample::select(vec!["a == ;", "== 1;", "a => 1;", "a == 1__0;", "a < b < c;", "min(a;", "a);", "a and b;"]),
    ) {
        let join = |lines: &[(String, String)]| lines.iter().map(|(text, _)| format!("{text};\n")).collect::<String>();
        let text = format!("intent a() {{\nguard {{\n{}{bad}\n{}}}\n}}", join(&before), join(&after));
        let parsed = parse(SourceId(0), &text);
        prop_assert_eq!(parsed.diagnostics.len(), 1, "{}", render(&text, &parsed.diagnostics));
        let Item::Intent(intent) = &parsed.program.items[0] else { panic!() };
        prop_assert!(intent.broken);
        prop_assert_eq!(intent.guard.len(), before.len() + after.len());
    }

    #[test]
    fn conditions_are_the_same_expressions((text, tree) in expression()) {
        let (found, problems) = parse_condition(SourceId(0), &text);
        prop_assert_eq!(render(&text, &problems), "");
        prop_assert_eq!(found.map(|e| expr(&e)), Some(tree));
    }
}
