//! Columns that are as wide as what stands in them.

use super::escape::line;
use super::stdout::print;

/// On which side of a column its cells stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// Prints a header and rows for people, each a line.
pub(crate) fn print_table<const N: usize>(columns: [(&str, Align); N], rows: &[[String; N]]) {
    lines(columns, rows).iter().for_each(print);
}

fn lines<const N: usize>(columns: [(&str, Align); N], rows: &[[String; N]]) -> Vec<String> {
    // As they will be printed: an escape is wider than what it stands for.
    let header = columns.map(|(name, _)| name.to_owned());
    let cells: Vec<[String; N]> = std::iter::once(&header)
        .chain(rows)
        .map(|row| row.each_ref().map(|cell| line(cell).into_owned()))
        .collect();
    let width = |column: usize| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: [usize; N] = std::array::from_fn(width);
    let padded = |row: &[String; N]| -> String {
        let cells = row.iter().zip(columns).zip(widths).map(|((cell, (_, align)), width)| match align {
            Align::Left => format!("{cell:<width$}"),
            Align::Right => format!("{cell:>width$}"),
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    cells.iter().map(padded).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_moves_its_whole_column() {
        let rows = [["a".to_owned(), "10000".to_owned()], ["long\nname".to_owned(), "7".to_owned()]];
        let wanted = ["RUN         TOTAL", "a           10000", r"long\nname      7"];
        assert_eq!(lines([("RUN", Align::Left), ("TOTAL", Align::Right)], &rows), wanted);
    }
}
