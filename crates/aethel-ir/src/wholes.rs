//! Columns of whole numbers, as narrow as they allow.
//!
//! Nearly all amounts fit into 64 bits. A column that says so, and between which numbers all of it lies, spares every loop
//! over it to look at each number again.

use crate::batch::Column;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// A column of whole numbers: one for all rows, or one each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Column<i128>", into = "Column<i128>")]
pub enum Wholes {
    /// Every row has this number.
    Same(i128),
    /// Row n has number n.
    Each(Numbers),
}

/// Whole numbers, one after the other; narrow wherever all of them fit into 64 bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbers(Stored);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Stored {
    /// The numbers, the least and the largest of them.
    Narrow(Vec<i64>, i64, i64),
    Wide(Vec<i128>),
}

/// Numbers that all fit into 64 bits.
#[derive(Clone, Copy, Debug)]
pub struct Narrow<'a> {
    /// The numbers.
    pub values: &'a [i64],
    /// None is less; 0 where there is none.
    pub least: i64,
    /// None is larger; 0 where there is none.
    pub most: i64,
}

impl Wholes {
    /// The number of a row, if the column is long enough.
    #[inline]
    pub fn get(&self, row: u32) -> Option<i128> {
        match self {
            Wholes::Same(number) => Some(*number),
            Wholes::Each(numbers) => numbers.get(row as usize),
        }
    }
}

impl Numbers {
    /// How many.
    pub fn len(&self) -> usize {
        match &self.0 {
            Stored::Narrow(values, ..) => values.len(),
            Stored::Wide(values) => values.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One of them.
    #[inline]
    pub fn get(&self, index: usize) -> Option<i128> {
        match &self.0 {
            Stored::Narrow(values, ..) => values.get(index).map(|value| i128::from(*value)),
            Stored::Wide(values) => values.get(index).copied(),
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = i128> + '_ {
        let count = u32::try_from(self.len()).unwrap_or(u32::MAX);
        (0..count).map(|index| self.get(index as usize).unwrap_or_default())
    }

    /// Appends some of them; those that are not there are left out.
    pub fn copy_to(&self, range: Range<usize>, to: &mut Vec<i128>) {
        match &self.0 {
            Stored::Narrow(values, ..) => {
                to.extend(values.get(range).unwrap_or(&[]).iter().map(|n| i128::from(*n)));
            }
            Stored::Wide(values) => to.extend_from_slice(values.get(range).unwrap_or(&[])),
        }
    }

    /// All of them, where they fit into 64 bits.
    pub fn narrow(&self) -> Option<Narrow<'_>> {
        match &self.0 {
            Stored::Narrow(values, least, most) => Some(Narrow {
                values,
                least: *least,
                most: *most,
            }),
            Stored::Wide(_) => None,
        }
    }

    /// All of them, where some does not.
    pub fn wide(&self) -> Option<&[i128]> {
        match &self.0 {
            Stored::Narrow(..) => None,
            Stored::Wide(values) => Some(values),
        }
    }
}

impl From<Vec<i128>> for Numbers {
    fn from(values: Vec<i128>) -> Self {
        let (mut least, mut most) = (i64::MAX, i64::MIN);
        let mut narrow = Vec::with_capacity(values.len());
        for value in &values {
            let Ok(value) = i64::try_from(*value) else {
                return Numbers(Stored::Wide(values));
            };
            (least, most) = (least.min(value), most.max(value));
            narrow.push(value);
        }
        if narrow.is_empty() {
            (least, most) = (0, 0);
        }
        Numbers(Stored::Narrow(narrow, least, most))
    }
}

impl From<Vec<i128>> for Wholes {
    fn from(values: Vec<i128>) -> Self {
        Wholes::Each(values.into())
    }
}

impl From<Column<i128>> for Wholes {
    fn from(column: Column<i128>) -> Self {
        match column {
            Column::Same(value) => Wholes::Same(value),
            Column::Each(values) => values.into(),
        }
    }
}

impl From<Wholes> for Column<i128> {
    fn from(column: Wholes) -> Self {
        match column {
            Wholes::Same(value) => Column::Same(value),
            Wholes::Each(numbers) => Column::Each(numbers.iter().collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_narrow_as_they_can_be() {
        let edges = [i128::from(i64::MIN), 0, 7, i128::from(i64::MAX)];
        let narrow = Numbers::from(edges.to_vec());
        let found = narrow
            .narrow()
            .map(|all| (all.values.to_vec(), all.least, all.most));
        assert_eq!(found, Some((vec![i64::MIN, 0, 7, i64::MAX], i64::MIN, i64::MAX)));
        assert_eq!(narrow.wide(), None);
        for beyond in [1 << 63, -(1 << 63) - 1, i128::MAX, i128::MIN] {
            let values = vec![3, beyond, -5];
            let wide = Numbers::from(values.clone());
            assert_eq!(wide.wide(), Some(&values[..]));
            assert!(wide.narrow().is_none());
            assert_eq!(wide.iter().collect::<Vec<_>>(), values);
            assert_eq!((wide.get(1), wide.get(3)), (Some(beyond), None));
        }
        assert_eq!(narrow.iter().collect::<Vec<_>>(), edges);
        let mut copied = vec![9];
        narrow.copy_to(1..3, &mut copied);
        narrow.copy_to(1..5, &mut copied);
        assert_eq!(copied, [9, 0, 7]);
        let none = Numbers::from(Vec::new());
        assert_eq!(none.narrow().map(|none| (none.least, none.most)), Some((0, 0)));
        assert!(none.is_empty());
    }
}
