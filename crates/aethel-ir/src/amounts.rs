//! Logs of values in minor units, as narrow as they allow.

use std::ops::Range;

/// Values in minor units, one after the other; two with the same values are equal.
#[derive(Clone, Debug, Eq)]
pub enum Amounts {
    /// All of them are small.
    Narrow(Vec<i64>),
    /// Some need not be.
    Wide(Vec<i128>),
}

impl PartialEq for Amounts {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl Default for Amounts {
    fn default() -> Self {
        Amounts::Narrow(Vec::new())
    }
}

impl From<Vec<i64>> for Amounts {
    fn from(values: Vec<i64>) -> Self {
        Amounts::Narrow(values)
    }
}

impl From<Vec<i128>> for Amounts {
    fn from(values: Vec<i128>) -> Self {
        Amounts::Wide(values)
    }
}

impl Amounts {
    /// None, with room for so many small ones.
    pub fn with_capacity(count: usize) -> Self {
        Amounts::Narrow(Vec::with_capacity(count))
    }

    /// One of them.
    #[inline]
    pub fn get(&self, index: usize) -> Option<i128> {
        match self {
            Amounts::Narrow(values) => values.get(index).map(|value| i128::from(*value)),
            Amounts::Wide(values) => values.get(index).copied(),
        }
    }

    /// How many.
    pub fn len(&self) -> usize {
        match self {
            Amounts::Narrow(values) => values.len(),
            Amounts::Wide(values) => values.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = i128> + '_ {
        (0..self.len()).map_while(|index| self.get(index))
    }

    /// Adds one.
    pub fn push(&mut self, value: i128) {
        match (&mut *self, i64::try_from(value)) {
            (Amounts::Narrow(values), Ok(value)) => values.push(value),
            (Amounts::Narrow(_), Err(_)) => {
                let mut values: Vec<i128> = self.iter().collect();
                values.push(value);
                *self = Amounts::Wide(values);
            }
            (Amounts::Wide(values), _) => values.push(value),
        }
    }

    /// Appends some of them to others; those that are not there are left out.
    pub fn copy_to(&self, range: Range<usize>, to: &mut Vec<i128>) {
        match self {
            Amounts::Narrow(values) => {
                let values = values.get(range).unwrap_or_default();
                to.extend(values.iter().map(|value| i128::from(*value)));
            }
            Amounts::Wide(values) => to.extend_from_slice(values.get(range).unwrap_or_default()),
        }
    }

    /// All of them, where they are wide.
    pub fn wide(&self) -> &[i128] {
        match self {
            Amounts::Narrow(_) => &[],
            Amounts::Wide(values) => values,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn values_are_kept_however_wide(values in prop::collection::vec((any::<i128>(), 0_u32..128), 0..40)) {
            let values: Vec<i128> = values.into_iter().map(|(value, by)| value >> by).collect();
            let mut amounts = Amounts::with_capacity(values.len());
            values.iter().for_each(|value| amounts.push(*value));
            prop_assert!(amounts.iter().eq(values.iter().copied()));
            prop_assert_eq!(amounts.get(values.len()), None);
            let mut copied = vec![7];
            amounts.copy_to(0..values.len(), &mut copied);
            amounts.copy_to(1..values.len() + 1, &mut copied);
            prop_assert_eq!(&copied[1..], &values);
            prop_assert_eq!(&amounts, &Amounts::from(values.clone()));
            if let Some(last) = values.last() {
                amounts.push(last.wrapping_add(1));
                prop_assert_ne!(&amounts, &Amounts::from(values.clone()));
            }
        }
    }
}
