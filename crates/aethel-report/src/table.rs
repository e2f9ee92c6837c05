//! Columns of text.

/// How a column is aligned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// To the left.
    Left,
    /// To the right, as numbers are.
    Right,
}

/// Rows of cells as lines, each column as wide as its widest cell; cells are made harmless for terminals.
pub fn table(columns: &[Align], rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| crate::escape::terminal(cell)).collect())
        .collect();
    let mut widths = vec![0; columns.len()];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut out = String::new();
    for row in &rows {
        let mut line = String::new();
        for ((cell, width), align) in row.iter().zip(&widths).zip(columns) {
            let padding = " ".repeat(width - cell.chars().count());
            match align {
                Align::Left => line += &format!("{cell}{padding}  "),
                Align::Right => line += &format!("{padding}{cell}  "),
            }
        }
        out += line.trim_end();
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = vec![
            vec!["a".into(), "1.00".into()],
            vec!["é\u{1b}".into(), "10.00".into()],
        ];
        assert_eq!(
            table(&[Align::Left, Align::Right], &rows),
            "a         1.00\né\\u{1b}  10.00\n"
        );
    }
}
