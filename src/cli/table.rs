//! A plain text table with aligned columns.

use std::io::{self, Write};

/// Writes `rows` below `header`, with two spaces between the columns and no spaces at the end of a line.
pub(super) fn write_table<const N: usize>(
    out: &mut impl Write,
    header: [&str; N],
    rows: &[[String; N]],
) -> io::Result<()> {
    let width = |text: &str| text.chars().count();
    let mut widths = header.map(width);
    for row in rows {
        for (column, cell) in widths.iter_mut().zip(row) {
            *column = width(cell).max(*column);
        }
    }
    let header = header.map(str::to_owned);
    for row in std::iter::once(&header).chain(rows) {
        let mut line = String::new();
        for (column, cell) in widths.iter().zip(row) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', column.saturating_sub(width(cell)) + 2));
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn columns_are_aligned_by_character() {
        let mut out = Vec::new();
        let rows = [
            ["→→→".to_owned(), "x".to_owned()],
            ["a".to_owned(), String::new()],
        ];
        super::write_table(&mut out, ["A", "LONG"], &rows).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "A    LONG\n→→→  x\na\n");
    }
}
