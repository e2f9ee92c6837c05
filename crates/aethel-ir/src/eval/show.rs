//! Values as people write them.

use super::Value;
use crate::batch::{Batch, Field};
use crate::intent::Type;
use crate::rational::Rational;

/// Shows a value of a type as people write it: amounts in units with their asset, prices in units per unit.
pub fn show_value(batch: &Batch, value: &Value, ty: Type) -> String {
    let number = match value {
        Value::Bool(flag) => return flag.to_string(),
        Value::Number(number) => number,
    };
    let asset = |id: crate::money::AssetId| batch.assets.get(usize::from(id.0));
    match ty {
        Type::Amount(id) => match (asset(id), number.to_i128()) {
            (Some(asset), Some(minor)) => {
                format!(
                    "{} {}",
                    crate::money::format_grouped(minor, asset.scale),
                    asset.name
                )
            }
            (Some(asset), None) => {
                let units = number.mul(&Rational::power_of_ten(-i32::from(asset.scale)));
                format!("{} {}", units.unwrap_or_else(|_| number.clone()), asset.name)
            }
            (None, _) => number.to_string(),
        },
        Type::Price(base, quote) => match (asset(base), asset(quote)) {
            (Some(base), Some(quote)) => {
                let shift = Rational::power_of_ten(i32::from(base.scale) - i32::from(quote.scale));
                let units = number.mul(&shift).unwrap_or_else(|_| number.clone());
                format!("{units} {}/{}", quote.name, base.name)
            }
            _ => number.to_string(),
        },
        Type::Bool | Type::Number | Type::Integer | Type::Time => number.to_string(),
    }
}

/// The type of the values of a field.
pub fn field_type(field: &Field) -> Type {
    match field {
        Field::Balance(asset) => Type::Amount(*asset),
        Field::Integer(_) => Type::Integer,
        Field::Bool(_) => Type::Bool,
    }
}
