//! Rows of CSV files that people open in a spreadsheet.

/// Appends a row. Cells that a spreadsheet would run as a formula are quoted.
pub fn row(cells: impl IntoIterator<Item = impl AsRef<str>>, to: &mut Vec<u8>) {
    let mut writer = csv::WriterBuilder::new().from_writer(to);
    let safe = cells.into_iter().map(|cell| match cell.as_ref() {
        text if text.starts_with(['=', '+', '-', '@', '\t', '\r']) => format!("'{text}"),
        text => text.to_owned(),
    });
    writer
        .write_record(safe)
        .and_then(|()| Ok(writer.flush()?))
        .expect("a vector takes everything");
}
