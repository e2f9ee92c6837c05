//! Compressed rows: a list of lists in two arrays.

/// Row `i` holds some values; all rows together are one allocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows<T> {
    first: Vec<usize>,
    data: Vec<T>,
}

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self {
            first: vec![0],
            data: Vec::new(),
        }
    }
}

impl<T> Rows<T> {
    /// So many rows without values.
    pub fn empty(rows: usize) -> Self {
        Self {
            first: vec![0; rows + 1],
            data: Vec::new(),
        }
    }

    /// These values in one row; no row, where there is none.
    pub fn one(data: Vec<T>) -> Self {
        match data.is_empty() {
            true => Self::default(),
            false => Self {
                first: vec![0, data.len()],
                data,
            },
        }
    }
}

impl<T: Copy> Rows<T> {
    /// Sorts values by their row, keeping their order within a row. Values of rows that do not exist are left out.
    pub fn sort(rows: usize, pairs: impl Iterator<Item = (u32, T)> + Clone) -> Self {
        let mut first = vec![0_usize; rows + 1];
        let mut sample = None;
        for (row, value) in pairs.clone() {
            if let Some(count) = first.get_mut(row as usize + 1) {
                *count += 1;
                sample = Some(value);
            }
        }
        for row in 0..rows {
            first[row + 1] += first[row];
        }
        let Some(sample) = sample else {
            return Self {
                first,
                data: Vec::new(),
            };
        };
        let mut data = vec![sample; first[rows]];
        let mut next = first.clone();
        for (row, value) in pairs {
            if (row as usize) < rows {
                data[next[row as usize]] = value;
                next[row as usize] += 1;
            }
        }
        Self { first, data }
    }

    /// The values of a row; empty for a row that does not exist.
    pub fn row(&self, row: usize) -> &[T] {
        match (self.first.get(row), self.first.get(row + 1)) {
            (Some(start), Some(end)) => &self.data[*start..*end],
            _ => &[],
        }
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.first.len() - 1
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many values in all rows.
    pub fn total(&self) -> usize {
        self.data.len()
    }

    /// Rewrites each row to the values that `keep` lets through; it may change them, and sees the row's number.
    pub fn retain(&mut self, mut keep: impl FnMut(usize, Option<&mut T>, T) -> bool) {
        let mut to = 0;
        for row in 0..self.len() {
            let (start, end) = (self.first[row], self.first[row + 1]);
            self.first[row] = to;
            let begin = to;
            for index in start..end {
                let value = self.data[index];
                let (kept, _) = self.data.split_at_mut(to);
                if keep(row, kept[begin..].last_mut(), value) {
                    self.data[to] = value;
                    to += 1;
                }
            }
        }
        let rows = self.len();
        self.first[rows] = to;
        self.data.truncate(to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_and_keeps_order() {
        let rows = Rows::sort(3, [(2, 'a'), (0, 'b'), (2, 'c'), (7, 'x')].into_iter());
        assert_eq!(
            (rows.row(0), rows.row(1), rows.row(2)),
            (&['b'][..], &[][..], &['a', 'c'][..])
        );
        assert_eq!(rows.row(9), &[] as &[char]);
    }

    #[test]
    fn retain_sees_what_was_kept_before() {
        let mut rows = Rows::sort(2, [(0, 1), (0, 1), (0, 2), (1, 2), (1, 2)].into_iter());
        rows.retain(|_, last, value| last.is_none_or(|last| *last != value));
        assert_eq!(
            (rows.row(0), rows.row(1), rows.total()),
            (&[1, 2][..], &[2][..], 3)
        );
    }
}
