//! The formatter: the same program, one way of writing it, and nothing lost.

use crate::properties::program;
use crate::support::dump;
use aethel_ir::SourceId;
use aethel_syntax::lexer::{Lexer, TokenKind};
use aethel_syntax::{FormatError, format, parse};
use proptest::prelude::*;

fn formatted(text: &str) -> String {
    format(SourceId(0), text).unwrap_or_else(|error| panic!("{error:?} of {text}"))
}

/// The tokens of a text, comments among them if they are wanted.
fn tokens(text: &str, comments: bool) -> Vec<&str> {
    let mut lexer = Lexer::new(text);
    let mut tokens = Vec::new();
    loop {
        let token = lexer.next_with_comments();
        match token.kind {
            TokenKind::End => return tokens,
            TokenKind::Comment if !comments => {}
            _ => tokens.push(text[token.start..token.end].trim_end()),
        }
    }
}

/// What every formatted text is.
fn tidy(text: &str) {
    assert!(
        text.is_empty() || text.ends_with('\n') && !text.ends_with("\n\n"),
        "{text:?}"
    );
    assert!(!text.starts_with('\n') && !text.contains("\n\n\n"), "{text:?}");
    assert!(text.lines().all(|line| line.trim_end() == line), "{text:?}");
    assert!(!text.contains('\t') && !text.contains('\r'), "{text:?}");
    // Formatting again changes nothing.
    assert_eq!(formatted(text), text);
}

proptest! {
    #[test]
    fn p16_a_program_stays_the_same_program((text, tree) in program()) {
        let out = formatted(&text);
        let parsed = parse(SourceId(0), &out);
        prop_assert!(parsed.diagnostics.is_empty(), "{out}");
        prop_assert_eq!(dump(&parsed.program), tree);
        prop_assert_eq!(tokens(&text, true).iter().filter(|t| t.starts_with(['#'])).count(),
            tokens(&out, true).iter().filter(|t| t.starts_with(['#'])).count());
        tidy(&out);
    }

    #[test]
    fn p16_space_does_not_matter((text, _) in program(), gaps in prop::collection::vec(0..4_usize, 1..40)) {
        let tokens = tokens(&text, false);
        let spaced = |gaps: &[usize]| {
            let gap = |at: usize| [" ", "\n", "   ", " \r\n\t "][gaps[at % gaps.len()]];
            tokens.iter().enumerate().map(|(at, token)| format!("{token}{}", gap(at))).collect::<String>()
        };
        prop_assert_eq!(formatted(&spaced(&gaps)), formatted(&spaced(&[0])));
    }

    #[test]
    fn p16_comments_anywhere_are_kept((text, _) in program(), gaps in prop::collection::vec(0..7_usize, 1..40)) {
        let mut number = 0;
        let mut spaced = String::new();
        for (at, token) in tokens(&text, false).into_iter().enumerate() {
            number += 1;
            spaced += token;
            spaced += &match gaps[at % gaps.len()] {
                0 => " ".to_owned(),
                1 => "\n\n\n".to_owned(),
                2 => format!(" # behind {number}\n"),
                3 => format!("\n// above {number}  \n"),
                4 => format!("\n\n# above {number}\n\n# and {number}\n\n"),
                5 => format!(" # behind {number}\n # above {number}\n"),
                _ => "\n".to_owned(),
            };
        }
        let out = formatted(&spaced);
        let comments = |text| -> Vec<String> {
            let all = tokens(text, true).into_iter();
            all.filter(|t| t.starts_with('#') || t.starts_with("//")).map(str::to_owned).collect()
        };
        prop_assert_eq!(comments(&spaced), comments(&out));
        tidy(&out);
    }
}

#[test]
fn what_is_no_program_is_left_alone() {
    let Err(FormatError::Program(problems)) = format(SourceId(0), "intent a( {") else {
        panic!("formatted")
    };
    assert!(!problems.is_empty());
    assert_eq!(formatted(""), "");
    assert_eq!(
        formatted("\n\n# only this\n\n\n\n# and this"),
        "# only this\n\n# and this\n"
    );
}

/// The examples are written as the formatter writes.
#[test]
fn examples_are_formatted() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "ae") {
            let text = std::fs::read_to_string(&path).unwrap();
            assert_eq!(formatted(&text), text, "{}", path.display());
            seen += 1;
        }
    }
    assert!(seen >= 5);
}

#[test]
fn layouts() {
    let messy = include_str!("format/messy.ae");
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("format__messy", formatted(messy));
    });
}
