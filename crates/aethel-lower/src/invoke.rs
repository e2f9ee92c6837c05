//! One call site: accounts and values of its parameters, resolved into columns.

use crate::calls::{ArgumentSource, CallPlan};
use crate::columns::CallColumns;
use crate::constant;
use crate::intent::{Compiled, Origin, index16};
use crate::lowered::{Assembly, place};
use crate::program::{BatchLowering, index32};
use crate::symbols::{Constant, bad_account_name};
use crate::value::{self, Scalar};
use aethel_ir::intent::ValueParameter;
use aethel_ir::{
    AccountId, Code, Column, Diagnostic, Group, Names, Rational, SourceId, Span, TransactionRef, Type,
    ValueColumn,
};

impl BatchLowering<'_, '_> {
    /// Adds the transactions of one call site: resolves accounts and values into columns.
    pub(crate) fn invoke(
        &mut self,
        compiled: &Compiled,
        names: Names,
        plan: &CallPlan<'_>,
        target: &Target<'_>,
        read: Option<CsvRows>,
        assembly: &mut Assembly<'_>,
    ) {
        let (mut columns, csv, rows) = match read {
            Some(read) => (read.columns, Some((read.source, read.spans)), read.count),
            None => (CallColumns::default(), None, 1),
        };
        let mut accounts = Vec::with_capacity(compiled.intent.accounts.len());
        for param in &compiled.intent.accounts {
            let column = match columns.accounts.remove(&*param.name) {
                Some(ids) => Column::Each(ids),
                None => Column::Same(self.account(&param.name, plan, target, assembly)),
            };
            accounts.push(column);
        }
        let mut values = Vec::with_capacity(compiled.intent.values.len());
        for (index, (param, origin)) in compiled.intent.values.iter().zip(&compiled.origins).enumerate() {
            let column = match (origin, columns.values.remove(&*param.name)) {
                (_, Some(column)) => column,
                (Origin::OracleFlag, None) => ValueColumn::Bool(Column::Same(true)),
                (Origin::Oracle, None) => {
                    let bound = target
                        .name
                        .and_then(|name| self.bind.get(target.batch, name, &param.name));
                    let feed = bound
                        .map_or(&*param.name, |setting| setting.value.text.as_str())
                        .to_owned();
                    if bound.is_some() {
                        assembly.feeds.push(((compiled.id, index16(index)), feed.clone()));
                    }
                    if !self.proofs.contains_key(feed.as_str()) {
                        assembly
                            .unknown
                            .push((index32(assembly.groups.len()), index16(index)));
                    }
                    let at = place(self.symbols.source, param.span);
                    assembly
                        .oracle_value(&self.proofs, &feed, param.ty, at, self.diagnostics)
                        .same()
                }
                (Origin::Argument, None) => self.value(index16(index), param, plan, target, assembly).same(),
            };
            values.push(column);
        }
        let places = assembly.tables.place_columns(&compiled.intent.places, &accounts);
        let call = place(self.symbols.source, target.span);
        let origin = match csv {
            Some((source, spans)) => Some((source, Column::Each(spans))),
            None => Some((self.symbols.source, Column::Same(target.span))),
        };
        let group = index32(assembly.groups.len());
        assembly.groups.push(Group {
            intent: compiled.id,
            rows,
            names,
            accounts,
            places,
            values,
            origin,
            call,
        });
        assembly
            .transactions
            .extend((0..rows).map(|row| TransactionRef { group, row }));
    }

    /// The account of a parameter: the argument, else the binding, else the account named like the parameter.
    fn account(
        &mut self,
        param: &str,
        plan: &CallPlan<'_>,
        target: &Target<'_>,
        assembly: &mut Assembly<'_>,
    ) -> AccountId {
        let source = self.symbols.source;
        let setting = target.name.and_then(|name| {
            let bound = self.bind.get(target.batch, name, param);
            bound.or_else(|| self.args.get(target.batch, name, param))
        });
        let (text, at) = match (plan.get(param), setting) {
            (Some(ArgumentSource::Account(text, span)), _) => (text.as_str(), place(source, *span)),
            (Some(ArgumentSource::Text(text, at)), _) => (text.as_str(), *at),
            (_, Some(setting)) => (setting.value.text.as_str(), setting.value.at),
            _ => (param, place(source, target.span)),
        };
        match assembly.tables.accounts.id_of_text(text) {
            Ok(id) => id,
            Err(error) => {
                self.diagnostics.push(bad_account_name(at, text, error));
                AccountId(0)
            }
        }
    }

    /// The value of parameter `index` that an argument or a setting gives.
    fn value(
        &mut self,
        index: u16,
        param: &ValueParameter,
        plan: &CallPlan<'_>,
        target: &Target<'_>,
        assembly: &mut Assembly<'_>,
    ) -> Scalar {
        let source = self.symbols.source;
        let setting = target
            .name
            .and_then(|name| self.args.get(target.batch, name, &param.name));
        let (result, at) = match (plan.get(&param.name), setting) {
            (Some(ArgumentSource::Constant(expr)), _) => {
                let at = place(source, expr.span);
                match constant::evaluate(self.symbols, expr, self.diagnostics) {
                    Some(Constant::Number(n)) => (value::from_units(assembly.tables, &n, param.ty), at),
                    Some(Constant::Bool(b)) if param.ty == Type::Bool => (Ok(Scalar::Bool(b)), at),
                    Some(Constant::Bool(_)) => (Err("expected a number".into()), at),
                    None => return Scalar::Bool(false),
                }
            }
            (Some(ArgumentSource::Text(text, at)), _) => {
                (value::from_text(assembly.tables, text, param.ty), *at)
            }
            (_, Some(setting)) => {
                let given = &setting.value;
                (value::from_text(assembly.tables, &given.text, param.ty), given.at)
            }
            // Missing values were reported by `complain_unfixed`; `check` goes on with a stand-in.
            _ => {
                assembly.unknown.push((index32(assembly.groups.len()), index));
                return value::from_units(assembly.tables, &Rational::ZERO, param.ty)
                    .unwrap_or(Scalar::Bool(false));
            }
        };
        result.unwrap_or_else(|expected| {
            let message = format!("this does not fit `{}`: {expected}", param.name);
            let amount = matches!(param.ty, Type::Amount(_));
            let code = if amount { Code::AE0309 } else { Code::AE0906 };
            let help = match param.ty {
                Type::Amount(_) => "write it in units of the asset, such as `1000.00`",
                Type::Bool => "write `true` or `false`",
                Type::Integer => "write a whole number, such as `12`",
                Type::Time => "write a time, such as `2026-03-31T12:00:00Z`",
                Type::Number | Type::Price(..) => "write a plain decimal number, such as `0.25`",
            };
            self.diagnostics.push(
                Diagnostic::new(code, message)
                    .label_at(at, "given here")
                    .label(source, param.span, "the parameter")
                    .help(help),
            );
            Scalar::Bool(false)
        })
    }
}

/// What settings can address a call by.
pub(crate) struct Target<'a> {
    pub(crate) batch: &'a str,
    /// `None` for an unlabelled call, which settings cannot address.
    pub(crate) name: Option<&'a str>,
    pub(crate) span: Span,
}

/// What the rows of a loop's file bring to one call.
pub(crate) struct CsvRows {
    pub(crate) columns: CallColumns,
    pub(crate) source: SourceId,
    pub(crate) spans: Vec<Span>,
    pub(crate) count: u32,
}
