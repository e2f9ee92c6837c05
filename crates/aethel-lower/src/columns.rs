//! Columns of arguments read from the rows of a loop's file.

use crate::calls::CallPlan;
use crate::intent::Compiled;
use crate::problems::Problems;
use crate::program::index32;
use crate::rows::{Row, Rows};
use crate::symbols::Symbols;
use crate::tables::Tables;
use crate::value::{self, Scalar};
use aethel_ir::{AccountId, Code, Column, Diagnostic, Rational, Span, Type, ValueColumn, quote};
use aethel_syntax::ast::{Loop, Name};
use std::collections::HashMap;

/// How many problems of one file are shown.
const MAX_PROBLEMS: usize = 20;

/// The columns of one call of a loop, by parameter.
#[derive(Debug, Default)]
pub(crate) struct CallColumns {
    pub(crate) accounts: HashMap<String, Vec<AccountId>>,
    pub(crate) values: HashMap<String, ValueColumn>,
}

/// What a loop's file gives.
pub(crate) struct Read {
    /// How many rows.
    pub(crate) count: u32,
    /// Where each row stands.
    pub(crate) spans: Vec<Span>,
    /// The columns of each call.
    pub(crate) calls: Vec<CallColumns>,
}

/// A column while it grows.
struct Builder<'a> {
    call: usize,
    param: &'a str,
    written: &'a Name,
    index: usize,
    cells: Cells,
}

enum Cells {
    Account(Vec<AccountId>),
    Whole(Type, Vec<i128>),
    Exact(Type, Vec<Rational>),
    Bool(Vec<bool>),
}

/// Reads every column that the calls of a loop use, in one pass over the rows.
pub(crate) fn read(
    symbols: &Symbols<'_>,
    tables: &mut Tables,
    rows: &Rows<'_>,
    each: &Loop,
    plans: &[(&Compiled, &CallPlan<'_>)],
    diagnostics: &mut Problems,
) -> Option<Read> {
    let mut builders = Vec::new();
    let before = diagnostics.errors();
    let count = rows.at_most();
    'calls: for (call, (compiled, plan)) in plans.iter().enumerate() {
        let mut columns: Vec<_> = plan.columns().collect();
        // A hash map gave them; what is told first must not depend on its order.
        columns.sort_by_key(|(_, written)| written.span.start);
        for (param, written) in columns {
            let Some(index) = rows.column(&written.text) else {
                let message = format!(
                    "\"{}\" has no column `{}`",
                    quote(&each.file.text),
                    quote(&written.text)
                );
                diagnostics.push(
                    Diagnostic::new(Code::AE0903, message)
                        .label(symbols.source, written.span, "not in the header")
                        .help(rows.header_words_for(&written.text))
                        .meant(symbols.source, written.span, &written.text, rows.header_names()),
                );
                if rows.other_separator().is_some() {
                    // No column can be found, for one reason.
                    break 'calls;
                }
                continue;
            };
            let account = compiled.intent.accounts.iter().any(|a| &*a.name == param);
            let cells = match compiled
                .intent
                .values
                .iter()
                .find(|v| &*v.name == param)
                .map(|v| v.ty)
            {
                _ if account => Cells::Account(Vec::with_capacity(count)),
                Some(Type::Bool) => Cells::Bool(Vec::with_capacity(count)),
                Some(ty) if ty.is_whole() => Cells::Whole(ty, Vec::with_capacity(count)),
                Some(ty) => Cells::Exact(ty, Vec::with_capacity(count)),
                None => continue,
            };
            builders.push(Builder {
                call,
                param,
                written,
                index,
                cells,
            });
        }
    }
    if diagnostics.errors() > before {
        return None;
    }
    // Hash maps gave the parameters; messages must not depend on their order.
    builders.sort_by_key(|b| (b.call, b.index, b.written.span));
    if builders.iter().any(|one| matches!(one.cells, Cells::Account(_))) {
        tables.accounts.reserve(count);
    }
    let mut spans = Vec::with_capacity(count);
    let mut problems = Vec::new();
    let outcome = rows.each(|row| {
        spans.push(row.span());
        for builder in &mut builders {
            if let Err(expected) = builder.push(tables, row) {
                problems.push(bad_cell(symbols, rows, row, builder, &expected));
            }
        }
        problems.len() < MAX_PROBLEMS
    });
    if let Err(diagnostic) = outcome {
        problems.push(diagnostic.label(symbols.source, each.file.span, "read for this loop"));
    }
    if !problems.is_empty() {
        problems.into_iter().for_each(|problem| diagnostics.push(problem));
        return None;
    }
    let count = index32(spans.len());
    let mut calls: Vec<CallColumns> = plans.iter().map(|_| CallColumns::default()).collect();
    for builder in builders {
        let columns = &mut calls[builder.call];
        let param = builder.param.to_owned();
        match builder.cells {
            Cells::Account(ids) => {
                columns.accounts.insert(param, ids);
            }
            Cells::Whole(_, cells) => {
                columns.values.insert(param, ValueColumn::Whole(cells.into()));
            }
            Cells::Exact(_, cells) => {
                columns
                    .values
                    .insert(param, ValueColumn::Exact(Column::Each(cells)));
            }
            Cells::Bool(cells) => {
                columns
                    .values
                    .insert(param, ValueColumn::Bool(Column::Each(cells)));
            }
        }
    }
    Some(Read { count, spans, calls })
}

impl Builder<'_> {
    /// Reads this column's cell of a row.
    fn push(&mut self, tables: &mut Tables, row: &Row<'_>) -> Result<(), String> {
        let text = row.cell(self.index);
        match &mut self.cells {
            Cells::Account(ids) => {
                let id = tables.accounts.id_of_text(text);
                ids.push(id.map_err(|error| error.to_string())?);
            }
            Cells::Whole(ty, cells) => match value::from_text(tables, text, *ty)? {
                Scalar::Whole(n) => cells.push(n),
                Scalar::Exact(_) | Scalar::Bool(_) => return Err("expected a whole number".into()),
            },
            Cells::Exact(ty, cells) => match value::from_text(tables, text, *ty)? {
                Scalar::Exact(n) => cells.push(n),
                Scalar::Whole(n) => cells.push(Rational::Int(n)),
                Scalar::Bool(_) => return Err("expected a number".into()),
            },
            Cells::Bool(cells) => match value::from_text(tables, text, Type::Bool)? {
                Scalar::Bool(b) => cells.push(b),
                Scalar::Whole(_) | Scalar::Exact(_) => return Err("expected `true` or `false`".into()),
            },
        }
        Ok(())
    }
}

fn bad_cell(
    symbols: &Symbols<'_>,
    rows: &Rows<'_>,
    row: &Row<'_>,
    builder: &Builder<'_>,
    expected: &str,
) -> Diagnostic {
    let text = row.cell(builder.index);
    let amount = matches!(builder.cells, Cells::Whole(Type::Amount(_), _) | Cells::Exact(..));
    let help = match plain_number(text).filter(|_| amount) {
        Some(plain) => format!("write `{plain}`: digits and one point, without grouping and currency"),
        None => "mend the file; cells are taken as they are, without trimming".to_owned(),
    };
    let message = if text.is_empty() {
        format!("the cell for `{}` is empty", builder.param)
    } else {
        format!("`{}` does not fit `{}`", quote(text), builder.param)
    };
    Diagnostic::new(Code::AE0903, message)
        .label(rows.source(), row.cell_span(builder.index), expected)
        .label(symbols.source, builder.written.span, "read for this argument")
        .help(help)
}

/// What a cell such as `$4,100.00` was meant as, if that is clear.
fn plain_number(text: &str) -> Option<String> {
    let trimmed = text.trim_matches(|c: char| !c.is_ascii_digit() && c != '-');
    let groups: Vec<&str> = trimmed
        .split([',', '\'', ' ', '_', '\u{a0}', '\u{202f}'])
        .collect();
    let (first, rest) = groups.split_first()?;
    let grouped = rest.iter().enumerate().all(|(index, group)| {
        let whole = group.split('.').next().unwrap_or("");
        whole.len() == 3 && (index + 1 == rest.len() || !group.contains('.'))
    });
    let plain = groups.concat();
    (grouped && !first.contains('.') | rest.is_empty() && plain != text)
        .then_some(())
        .and_then(|()| Rational::parse_decimal(&plain))
        .map(|_| plain)
}
