//! How each construct is laid out.

use super::doc::Doc;
use super::tree::{Leaf, Node};
use crate::lexer::{Bracket, TokenKind};

/// Operators by how strongly they bind, the weakest first; the assignment is weaker than all of them.
const LEVELS: [&[&str]; 6] = [
    &["==>"],
    &["||"],
    &["&&"],
    &["==", "!=", "<", "<=", ">", ">="],
    &["+", "-"],
    &["*", "/", "%"],
];

/// Where statements stand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Within {
    /// At top level or in a batch, where items are set apart by empty lines.
    Items,
    /// In a section, an intent or a loop.
    Lines,
}

/// Statements one below the other.
pub(super) fn statements<'t>(nodes: &[Node<'t>], within: Within) -> Vec<Doc<'t>> {
    let mut docs = Vec::new();
    let mut previous: Option<bool> = None;
    for statement in cut(nodes) {
        let block = statement.last().is_some_and(Node::is_block) && inline(statement).is_none();
        let apart = within == Within::Items && (block || previous == Some(true));
        let Some(leaf) = statement.first().map(Node::first) else {
            continue;
        };
        // The comments before the statement, then the statement: each on a line, with the empty lines before them.
        let comments = leaf
            .before
            .iter()
            .map(|comment| (comment.blank, Some(comment.text)));
        for (index, (blank, comment)) in comments.chain([(leaf.blank, None)]).enumerate() {
            let first = index == 0;
            let blank = (blank || first && apart) && !(first && previous.is_none());
            docs.push(Doc::Hard { blank });
            docs.extend(comment.map(Doc::Lead));
        }
        docs.extend(statement_docs(statement));
        previous = Some(block);
    }
    docs
}

/// Cuts a block's content behind each `;`, each block and each elision.
fn cut<'n, 't>(nodes: &'n [Node<'t>]) -> Vec<&'n [Node<'t>]> {
    let mut statements = Vec::new();
    let mut start = 0;
    for (index, node) in nodes.iter().enumerate() {
        let goes_on = nodes
            .get(index + 1)
            .is_some_and(|next| next.is(TokenKind::Semicolon));
        let ends = node.is(TokenKind::Semicolon)
            || node.is_block()
            || start == index && node.is(TokenKind::Elision) && !goes_on;
        if ends {
            statements.push(&nodes[start..=index]);
            start = index + 1;
        }
    }
    if start < nodes.len() {
        statements.push(&nodes[start..]);
    }
    statements
}

/// One statement; the comments before its first token are printed already.
fn statement_docs<'t>(statement: &[Node<'t>]) -> Vec<Doc<'t>> {
    let Some((last, head)) = statement.split_last() else {
        return Vec::new();
    };
    let word = statement.first().map_or("", |node| node.first().text);
    let types = matches!(word, "intent" | "field");
    if let Some(inside) = inline(statement) {
        let mut docs = sequence(head, types, true);
        docs.push(Doc::Text(if inside.is_empty() { " {" } else { " { " }));
        docs.extend(sequence(inside, false, false));
        docs.push(Doc::Text(if inside.is_empty() { "}" } else { " }" }));
        if let Node::Bracket { close, .. } = last {
            docs.extend(close.after.map(Doc::Comment));
        }
        return docs;
    }
    match last {
        Node::Bracket {
            kind: Bracket::Curly,
            open,
            inside,
            close,
        } => {
            let mut docs = vec![Doc::group(sequence(head, types, true))];
            if !head.is_empty() {
                docs.push(Doc::Text(" "));
            }
            docs.extend(block(open, inside, close, word, head.is_empty()));
            docs
        }
        last => {
            let (body, end) = match last.is(TokenKind::Semicolon) {
                true => (head, Some(last)),
                false => (statement, None),
            };
            let mut docs = match types {
                true => sequence(body, types, true),
                false => vec![expression(body, true)],
            };
            docs.extend(end.into_iter().flat_map(|node| leaf_docs(node.first(), false)));
            vec![Doc::group(docs)]
        }
    }
}

/// What stands in the braces of an asset or account, when it goes on the same line.
fn inline<'n, 't>(statement: &'n [Node<'t>]) -> Option<&'n [Node<'t>]> {
    let word = statement.first()?.first().text;
    let Node::Bracket {
        kind: Bracket::Curly,
        open,
        inside,
        close,
    } = statement.last()?
    else {
        return None;
    };
    let bare = |leaf: &Leaf<'_>| leaf.after.is_none() && leaf.before.is_empty();
    let all_bare = bare(open)
        && close.before.is_empty()
        && inside
            .iter()
            .all(|node| matches!(node, Node::Leaf(leaf) if bare(leaf)));
    (matches!(word, "asset" | "account") && all_bare && cut(inside).len() <= 1).then_some(inside)
}

fn block<'t>(
    open: &Leaf<'t>,
    inside: &[Node<'t>],
    close: &Leaf<'t>,
    word: &str,
    first: bool,
) -> Vec<Doc<'t>> {
    let mut docs = opening(open, first);
    let within = match word {
        "atomic_batch" => Within::Items,
        _ => Within::Lines,
    };
    let mut inner: Vec<Doc<'t>> = open.after.map(Doc::Comment).into_iter().collect();
    inner.extend(statements(inside, within));
    for comment in &close.before {
        let blank = comment.blank && !inside.is_empty();
        inner.push(Doc::Hard { blank });
        inner.push(Doc::Lead(comment.text));
    }
    if !inner.is_empty() {
        docs.push(Doc::Indent(inner));
        docs.push(Doc::Hard { blank: false });
    }
    docs.push(Doc::Text(close.text));
    docs.extend(close.after.map(Doc::Comment));
    docs
}

/// A token with its comments; those before it are left out where they are printed already.
fn leaf_docs<'t>(leaf: &Leaf<'t>, first: bool) -> Vec<Doc<'t>> {
    let mut docs = opening(leaf, first);
    docs.extend(leaf.after.map(Doc::Comment));
    docs
}

/// A token without the comment behind it, which in the case of an opening bracket belongs to what is inside.
fn opening<'t>(open: &Leaf<'t>, first: bool) -> Vec<Doc<'t>> {
    let before = open.before.iter().filter(|_| !first);
    let mut docs: Vec<Doc<'t>> = before.map(|comment| Doc::Lead(comment.text)).collect();
    docs.push(Doc::Text(open.text));
    docs
}

/// An expression, or anything else made of words, operators and brackets. `first` says that the comments before its first
/// token are printed already.
fn expression<'t>(nodes: &[Node<'t>], first: bool) -> Doc<'t> {
    let assign = |node: &Node<'_>| node.is(TokenKind::Assign);
    if let Some(at) = nodes.iter().position(assign) {
        let mut docs = vec![operators(&nodes[..at], 0, first), Doc::Text(" ")];
        docs.extend(leaf_docs(nodes[at].first(), false));
        docs.push(Doc::Text(" "));
        docs.push(Doc::Indent(vec![operators(&nodes[at + 1..], 0, false)]));
        return Doc::group(docs);
    }
    operators(nodes, 0, first)
}

/// A chain of operators from this level on.
fn operators<'t>(nodes: &[Node<'t>], level: usize, first: bool) -> Doc<'t> {
    let Some(marks) = LEVELS.get(level) else {
        return Doc::group(sequence(nodes, false, first));
    };
    let is_operator = |node: &Node<'_>| {
        matches!(node, Node::Leaf(leaf)
            if leaf.kind == TokenKind::Operator && !leaf.sign && marks.contains(&leaf.text))
    };
    let mut cuts = nodes
        .iter()
        .enumerate()
        .filter(|(_, node)| is_operator(node))
        .map(|(at, _)| at);
    let Some(mut at) = cuts.next() else {
        return operators(nodes, level + 1, first);
    };
    let mut docs = vec![operators(&nodes[..at], level + 1, first)];
    let mut rest = Vec::new();
    loop {
        let next = cuts.next();
        rest.push(Doc::Line(" "));
        rest.extend(leaf_docs(nodes[at].first(), false));
        rest.push(Doc::Text(" "));
        rest.push(operators(
            &nodes[at + 1..next.unwrap_or(nodes.len())],
            level + 1,
            false,
        ));
        match next {
            Some(next) => at = next,
            None => break,
        }
    }
    docs.push(Doc::Indent(rest));
    Doc::group(docs)
}

/// Words, marks and brackets in a row. In `types` the signs `<` and `>` are brackets.
fn sequence<'t>(nodes: &[Node<'t>], types: bool, first: bool) -> Vec<Doc<'t>> {
    let mut docs: Vec<Doc<'t>> = Vec::new();
    let mut previous: Option<&Node<'t>> = None;
    for (at, node) in nodes.iter().enumerate() {
        if let Some(previous) = previous {
            if space(previous, node, types) {
                docs.push(Doc::Text(" "));
            }
            if matches!(node, Node::Leaf(leaf) if leaf.kind == TokenKind::Word && leaf.text == "after") {
                docs.push(waiting_for(&nodes[at..]));
                return docs;
            }
        }
        match node {
            Node::Leaf(leaf) => docs.extend(leaf_docs(leaf, first && previous.is_none())),
            Node::Bracket {
                kind: Bracket::Curly,
                open,
                inside,
                close,
            } => docs.extend(block(open, inside, close, "", first && previous.is_none())),
            Node::Bracket {
                open, inside, close, ..
            } => docs.push(bracket(open, inside, close, types, first && previous.is_none())),
        }
        previous = Some(node);
    }
    docs
}

/// `after` and the names behind it.
fn waiting_for<'t>(nodes: &[Node<'t>]) -> Doc<'t> {
    let mut docs = Vec::new();
    for (at, node) in nodes.iter().enumerate() {
        match at {
            0 => {}
            1 => docs.push(Doc::Text(" ")),
            _ if node.is(TokenKind::Comma) => {}
            _ => docs.push(Doc::Line(" ")),
        }
        docs.extend(leaf_docs(node.first(), false));
    }
    Doc::group(vec![Doc::Indent(docs)])
}

/// What stands between round or square brackets, cut at its commas.
fn bracket<'t>(open: &Leaf<'t>, inside: &[Node<'t>], close: &Leaf<'t>, types: bool, first: bool) -> Doc<'t> {
    let mut docs = opening(open, first);
    let mut inner: Vec<Doc<'t>> = open.after.map(Doc::Comment).into_iter().collect();
    for (index, element) in elements(inside, types).into_iter().enumerate() {
        inner.push(Doc::Line(if index > 0 { " " } else { "" }));
        let (body, comma) = match element.split_last() {
            Some((last, body)) if last.is(TokenKind::Comma) => (body, Some(last)),
            _ => (element, None),
        };
        match types {
            true => inner.extend(sequence(body, types, false)),
            false => inner.push(argument(body)),
        }
        inner.extend(
            comma
                .into_iter()
                .flat_map(|comma| leaf_docs(comma.first(), false)),
        );
    }
    inner.extend(close.before.iter().map(|comment| Doc::Lead(comment.text)));
    let filled = !inner.is_empty();
    docs.push(Doc::Indent(inner));
    if filled {
        docs.push(Doc::Line(""));
    }
    docs.push(Doc::Text(close.text));
    docs.extend(close.after.map(Doc::Comment));
    Doc::group(docs)
}

/// An argument with its label, if it has one.
fn argument<'t>(nodes: &[Node<'t>]) -> Doc<'t> {
    match nodes {
        [name, colon, value @ ..] if colon.is(TokenKind::Colon) => {
            let mut docs = leaf_docs(name.first(), false);
            docs.extend(leaf_docs(colon.first(), false));
            docs.push(Doc::Text(" "));
            docs.push(expression(value, false));
            Doc::group(docs)
        }
        nodes => expression(nodes, false),
    }
}

/// The parts of a list, each with its comma.
fn elements<'n, 't>(nodes: &'n [Node<'t>], types: bool) -> Vec<&'n [Node<'t>]> {
    let mut elements = Vec::new();
    let (mut start, mut angles) = (0, 0_usize);
    for (index, node) in nodes.iter().enumerate() {
        match node {
            Node::Leaf(leaf) if types && leaf.text == "<" => angles += 1,
            Node::Leaf(leaf) if types && leaf.text == ">" => angles = angles.saturating_sub(1),
            Node::Leaf(leaf) if leaf.kind == TokenKind::Comma && angles == 0 => {
                elements.push(&nodes[start..=index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    if start < nodes.len() {
        elements.push(&nodes[start..]);
    }
    elements
}

/// Whether a space stands between two neighbours.
fn space(left: &Node<'_>, right: &Node<'_>, types: bool) -> bool {
    use TokenKind::{Colon, Comma, Dot, Semicolon, Word};
    let angle = |node: &Node<'_>| types && matches!(node.first().text, "<" | ">");
    if let Node::Leaf(leaf) = right
        && matches!(leaf.kind, Comma | Semicolon | Colon | Dot)
    {
        return false;
    }
    if angle(right) || angle(left) && left.first().text == "<" {
        return false;
    }
    match left {
        Node::Leaf(leaf) if leaf.kind == Dot || leaf.sign => false,
        // A call: `min(a, b)`, and the parameters of an intent.
        Node::Leaf(leaf) if leaf.kind == Word => !matches!(
            right,
            Node::Bracket {
                kind: Bracket::Round,
                ..
            }
        ),
        _ => true,
    }
}
