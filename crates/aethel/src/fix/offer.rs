//! Fixes that need the text around a problem: lines to remove, conditions to add to a guard, values to round.

use crate::program::{Program, intents};
use aethel_ir::{Code, Diagnostic, Fix, Safety, SourceMap, Span};
use aethel_syntax::ast::{Expr, ExprKind, IntentDecl, Item, Statement};

/// Adds fixes to diagnostics of a program.
pub(crate) fn offer(program: &Program, sources: &SourceMap, diagnostics: &mut [Diagnostic]) {
    let Some(file) = sources.get(program.source) else {
        return;
    };
    let offers = Offers {
        text: &file.text,
        program,
    };
    for diagnostic in diagnostics.iter_mut().filter(|d| d.fixes.is_empty()) {
        let Some(label) = diagnostic.labels.first() else {
            continue;
        };
        if label.source == program.source
            && let Some(fix) = offers.fix(diagnostic, label.span)
        {
            diagnostic.fixes.push(fix);
        }
    }
}

struct Offers<'a> {
    text: &'a str,
    program: &'a Program,
}

impl Offers<'_> {
    fn fix(&self, diagnostic: &Diagnostic, span: Span) -> Option<Fix> {
        match diagnostic.code {
            Code::AE0214 => self.without_parameter(span),
            Code::AE0217 => self.with_scale(span),
            // What is always true or follows from the rest can go.
            Code::AE0310 | Code::AE1009 => self.without_line(span),
            Code::AE0311 | Code::AE1004 | Code::AE1006 => {
                let condition = added_condition(diagnostic.help.as_deref()?)?;
                self.with_condition(span, condition)
            }
            Code::AE0504 | Code::AE1007 => self.rounded(span),
            Code::AE1002 if diagnostic.help.as_deref()?.contains("`round(") => self.rounded(span),
            _ => None,
        }
    }

    fn one(&self, title: impl Into<String>, span: Span, text: impl Into<String>) -> Fix {
        Fix {
            title: title.into(),
            safety: Safety::Unsafe,
            edits: vec![(self.program.source, span, text.into())],
        }
    }

    fn slice(&self, start: usize, end: usize) -> &str {
        self.text.get(start..end).unwrap_or("")
    }

    fn intent_around(&self, span: Span) -> Option<&IntentDecl> {
        intents(&self.program.tree)
            .find(|intent| intent.span.start <= span.start && span.end <= intent.span.end)
    }

    /// A parameter without its comma.
    fn without_parameter(&self, name: Span) -> Option<Fix> {
        let intent = self.intent_around(name)?;
        let at = intent.params.iter().position(|param| param.name.span == name)?;
        let (param, next) = (&intent.params[at], intent.params.get(at + 1));
        let span = match (
            next,
            at.checked_sub(1).and_then(|before| intent.params.get(before)),
        ) {
            (Some(next), _) => Span {
                start: param.span.start,
                end: next.span.start,
            },
            (None, Some(before)) => Span {
                start: before.span.end,
                end: param.span.end,
            },
            (None, None) => param.span,
        };
        Some(self.one(format!("remove `{}`", param.name.text), span, ""))
    }

    /// An asset with a scale; two decimal places are the most common.
    fn with_scale(&self, at: Span) -> Option<Fix> {
        let asset = self.program.tree.items.iter().find_map(|item| match item {
            Item::Asset(asset) if asset.span.start <= at.start && at.end <= asset.span.end => Some(asset),
            _ => None,
        })?;
        let text = format!("asset {} {{ scale: 2; }}", asset.name.text);
        Some(self.one(format!("write `{text}`"), asset.span, text))
    }

    /// A line of a section without its `;`, and without the line when nothing else stands on it.
    fn without_line(&self, condition: Span) -> Option<Fix> {
        let (start, end) = (condition.start as usize, condition.end as usize);
        let rest = self.text.get(end..)?;
        let end = end
            + rest
                .find(';')
                .filter(|at| rest[..*at].trim_matches([')', ' ']).is_empty())?
            + 1;
        // Brackets around a condition are no part of it.
        let before = self.slice(0, start).trim_end_matches(['(', ' ', '\t']);
        let bare = !self.slice(before.len(), start).contains('(');
        if !bare {
            return None;
        }
        let after = self.text.get(end..)?;
        let line_end = after.find('\n').map_or(after.len(), |at| at + 1);
        let alone = before.ends_with('\n') && after[..line_end].trim().is_empty();
        let span = match alone {
            true => Span::new(before.len(), end + line_end),
            false => Span::new(start, end),
        };
        Some(self.one("remove this condition", span, ""))
    }

    /// A guard with one more condition: at its end, or a new one before `verify`.
    fn with_condition(&self, at: Span, condition: &str) -> Option<Fix> {
        let intent = self.intent_around(at)?;
        let title = format!("add `{condition};` to `guard`");
        if let (Some(last), Some(_)) = (intent.guard.last().map(statement_span), intent.guard_span) {
            let end = last.end as usize;
            let rest = self.text.get(end..)?;
            let end = end + rest.find(';')? + 1;
            // A comment behind the last line stays with it.
            let rest = self.text.get(end..)?;
            let line = rest.split('\n').next().unwrap_or("").trim_end();
            let comment = line.trim_start().starts_with(['#', '/']);
            let end = if comment { end + line.len() } else { end };
            let start = last.start as usize;
            let gap = self.gap_before(start);
            return Some(self.one(title, Span::new(end, end), format!("{gap}{condition};")));
        }
        if let Some(guard) = intent.guard_span {
            let open = guard.end as usize + self.text.get(guard.end as usize..)?.find('{')? + 1;
            return Some(self.one(title, Span::new(open, open), format!(" {condition};")));
        }
        let verify = intent.verify_span?.start as usize;
        let gap = self.gap_before(verify);
        let text = format!("guard {{ {condition}; }}{gap}");
        Some(self.one(title, Span::new(verify, verify), text))
    }

    /// What sets something apart from what begins at a place: a line of its own, indented alike, where that has one.
    fn gap_before(&self, at: usize) -> String {
        let line = self.slice(0, at).rfind('\n').map_or(0, |at| at + 1);
        let indent = self.slice(line, at);
        match indent.trim().is_empty() {
            true => format!("\n{indent}"),
            false => " ".to_owned(),
        }
    }

    /// A value rounded to what it is used for.
    fn rounded(&self, at: Span) -> Option<Fix> {
        let intent = self.intent_around(at)?;
        let value = intent
            .guard
            .iter()
            .chain(&intent.verify)
            .find_map(|line| rounded_part(line, at))?;
        let (start, end) = (value.start as usize, value.end as usize);
        let text = format!("round({}, half_even)", self.slice(start, end));
        Some(self.one("round it half to even", value, text))
    }
}

/// The condition that a help says to add.
fn added_condition(help: &str) -> Option<&str> {
    let (_, rest) = help.split_once("add `")?;
    let (condition, _) = rest.split_once(";` to `guard`")?;
    Some(condition)
}

fn statement_span(statement: &Statement) -> Span {
    match statement {
        Statement::Condition(expr) => expr.span,
        Statement::Let { span, .. } | Statement::Assign { span, .. } => *span,
    }
}

/// The part of a line at `at` that can be rounded: what an equation gives, less the place that it changes.
fn rounded_part(line: &Statement, at: Span) -> Option<Span> {
    let value = match line {
        Statement::Condition(expr) => match &expr.kind {
            ExprKind::Binary(_, _, left, right) if expr.span == at || right.span == at => {
                return Some(moved_part(left, right));
            }
            ExprKind::Binary(_, _, left, _) if left.span == at => left,
            _ => return None,
        },
        Statement::Let { value, span, .. } | Statement::Assign { value, span, .. }
            if *span == at || value.span == at =>
        {
            value
        }
        _ => return None,
    };
    Some(value.span)
}

/// Of `a.balance == a.balance + x`, `x`: a balance is whole, so it is what has to be rounded.
fn moved_part(left: &Expr, right: &Expr) -> Span {
    use aethel_syntax::ast::BinaryOp::{Add, Subtract};
    match &right.kind {
        ExprKind::Binary(Add | Subtract, _, place, part) if same_place(left, place) => part.span,
        _ => right.span,
    }
}

fn same_place(a: &Expr, b: &Expr) -> bool {
    match (&a.kind, &b.kind) {
        (ExprKind::Name(a), ExprKind::Name(b)) => a == b,
        (ExprKind::Field(a, x), ExprKind::Field(b, y)) => a.text == b.text && x.text == y.text,
        _ => false,
    }
}
