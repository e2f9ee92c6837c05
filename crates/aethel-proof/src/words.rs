//! Faults in plain words, and the numbers for them out of a model.

use crate::encode::Claim;
use crate::number::Number;
use aethel_ir::eval::field_type;
use aethel_ir::{
    Batch, FieldId, PlaceId, Rational, Site, TransactionId, TransactionView, Type, Value, show_value,
};
use z3::Model;
use z3::ast::Real;

/// The value of a number in a model, when it is known there and fits.
pub fn value(number: &Number, model: &Model) -> Option<Rational> {
    let (numerator, denominator) = match number {
        Number::Constant(value) => (
            i128::try_from(value.numer()).ok()?,
            i128::try_from(value.denom()).ok()?,
        ),
        Number::Ratio(term, denominator) => (
            model.eval(term, true)?.as_i128()?,
            i128::try_from(denominator).ok()?,
        ),
        Number::Real(term) => return fraction(&model.eval(term, true)?),
    };
    Rational::Int(numerator).div(&Rational::Int(denominator)).ok()
}

/// A known Real as a fraction; `None` when it is none, such as a root.
pub fn fraction(term: &Real) -> Option<Rational> {
    if let Some((numerator, denominator)) = term.as_rational() {
        return Rational::Int(numerator.into())
            .div(&Rational::Int(denominator.into()))
            .ok();
    }
    // The interface gives numbers of 64 bits only, the text has all of them.
    numeral(&term.to_string())
}

/// `1.0`, `(- 1.0)`, `(/ 1.0 3.0)` or `(- (/ 1.0 3.0))`, as SMT-LIB writes them.
fn numeral(text: &str) -> Option<Rational> {
    let inner = |lead: &str| text.strip_prefix(lead)?.strip_suffix(')');
    if let Some(rest) = inner("(- ") {
        return numeral(rest)?.neg().ok();
    }
    if let Some(rest) = inner("(/ ") {
        let (numerator, denominator) = rest.rsplit_once(' ')?;
        return numeral(numerator)?.div(&numeral(denominator)?).ok();
    }
    Rational::parse_decimal(text.strip_suffix(".0").unwrap_or(text))
}

/// Says that two parameters of a transaction are one account.
pub fn same_account(
    batch: &Batch,
    view: TransactionView<'_>,
    id: TransactionId,
    (first, second): (usize, usize),
) -> String {
    let parameter = |index: usize| view.intent.accounts.get(index).map_or("?", |p| &*p.name);
    let account = view.group.accounts.get(first).and_then(|c| c.get(view.row));
    let account = account.and_then(|id| batch.accounts.get(id.0 as usize));
    format!(
        "`{}`: `{}` and `{}` are both the account `{}`, which it changes",
        batch.transaction_name(id),
        parameter(first),
        parameter(second),
        account.map_or("?", |account| account.as_str())
    )
}

fn place_type(batch: &Batch, place: PlaceId) -> Type {
    let field = batch.places.get(place.0 as usize).map(|(_, field)| *field);
    field
        .and_then(|FieldId(index)| batch.fields.get(usize::from(index)))
        .map_or(Type::Integer, field_type)
}

/// Says that a place ends at another value than claimed.
pub fn ends(batch: &Batch, place: PlaceId, value: Option<i128>, claimed: &[i128]) -> String {
    let ty = place_type(batch, place);
    let show = |value: i128| match ty {
        Type::Bool => show_value(batch, &Value::Bool(value != 0), ty),
        _ => show_value(batch, &Value::Number(Rational::Int(value)), ty),
    };
    let value = value.map_or_else(|| "another value".to_owned(), show);
    let claimed = claimed
        .get(place.0 as usize)
        .map_or_else(String::new, |c| show(*c));
    let name = batch.place_name(place);
    format!("`{name}` ends at {value} in this order, not at {claimed}")
}

/// Says which claim of a transaction fails, with the numbers it is about.
pub fn claim(batch: &Batch, id: TransactionId, claim: Claim, shown: &[(Rational, Type)]) -> String {
    let name = batch.transaction_name(id);
    let view = batch.transaction(id);
    // A secret argument would show through the numbers.
    let secret = view.is_none_or(|view| {
        view.intent.values.iter().any(|p| p.secret) || view.intent.lets.iter().any(|l| l.secret)
    });
    let numbers: Vec<String> = shown
        .iter()
        .filter(|_| !secret)
        .map(|(value, ty)| show_value(batch, &Value::Number(value.clone()), *ty))
        .collect();
    let sides = match numbers.as_slice() {
        [left, right] => format!(": left {left}, right {right}"),
        [value] => format!(": {value}"),
        _ => String::new(),
    };
    let site = |site: Site| at_site(batch, view, site);
    match claim {
        Claim::Guard(n) => format!("`{name}`: guard condition {} is false{sides}", n + 1),
        Claim::Postcondition(n) => format!("`{name}`: postcondition {} is false{sides}", n + 1),
        Claim::Divisor(_) => format!("`{name}` divides by zero"),
        Claim::Whole(at) => format!(
            "`{name}`: {} is not a whole number of minor units{sides}",
            site(at)
        ),
        Claim::InRange(at) => format!("`{name}`: {} is beyond the range of amounts{sides}", site(at)),
        Claim::NotOverdrawn(n) => {
            let place = site(Site::Effect(n));
            format!("`{name}` leaves {place} below zero{sides}")
        }
    }
}

fn at_site(batch: &Batch, view: Option<TransactionView<'_>>, site: Site) -> String {
    let found = view.and_then(|view| match site {
        Site::Let(n) => view
            .intent
            .lets
            .get(usize::from(n))
            .map(|step| format!("`{}`", step.name)),
        Site::Effect(n) | Site::Supply(n) => {
            let effect = view.intent.effects.get(usize::from(n))?;
            let column = view.group.places.get(usize::from(effect.slot.0))?;
            Some(format!("`{}`", batch.place_name(*column.get(view.row)?)))
        }
        Site::Expr(_) => None,
    });
    found.unwrap_or_else(|| "a value".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_any_size_are_read() {
        let wide = "100000000000000000000000000";
        let number = |text: &str| Rational::parse_decimal(text).unwrap_or_default();
        let third = number(wide).div(&number("3")).unwrap_or_default();
        assert_eq!(numeral(&format!("{wide}.0")), Some(number(wide)));
        assert_eq!(numeral(&format!("(/ {wide}.0 3.0)")), Some(third.clone()));
        assert_eq!(numeral(&format!("(- (/ {wide}.0 3.0))")), third.neg().ok());
        assert_eq!(numeral("(- 7.0)"), Some(Rational::Int(-7)));
        assert_eq!(numeral("(root-obj (+ (^ x 2) (- 2)) 2)"), None);
    }
}
