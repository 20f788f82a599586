//! Rows of JSONL, JSON, TOML and CSV files, one at a time; a bad one spoils only itself.

use std::io::{self, BufRead, BufReader, Read};

use serde_json::Value;
use serde_json::value::RawValue;

use super::toml_rows;
use crate::record::Fields;

/// Longest line of JSONL.
const MAX_LINE: usize = 8 << 20;
/// Characters of an unreadable row that are kept.
const MAX_SHOWN: usize = 500;

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Format {
    /// One JSON object a line
    Jsonl,
    /// A header and a row a line, separated by commas
    Csv,
    /// One array of objects
    Json,
    /// Tables that are named as their kind, or one record
    Toml,
}

impl Format {
    /// Guesses from the name of a file, also a packed one; JSONL when it says nothing.
    pub fn of_name(name: &str) -> Self {
        let name = name.to_lowercase();
        let name = name.strip_suffix(".gz").unwrap_or(&name);
        match name.rsplit_once('.') {
            Some((_, "csv")) => Format::Csv,
            Some((_, "json")) => Format::Json,
            Some((_, "toml")) => Format::Toml,
            _ => Format::Jsonl,
        }
    }
}

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Counted from 1.
    pub line: u64,
    pub bytes: usize,
    pub fields: Result<Fields, RowError>,
}

/// Why a row is none.
#[derive(Clone, Debug, PartialEq)]
pub struct RowError {
    pub reason: String,
    pub row: Value,
}

/// Reads rows. An error of reading ends it; a bad row does not.
pub enum Rows<'a> {
    Jsonl { reader: Box<dyn BufRead + 'a>, line: u64, buffer: Vec<u8> },
    Csv { reader: Box<csv::Reader<Box<dyn Read + 'a>>>, header: Vec<String> },
    Whole { rows: std::vec::IntoIter<Row> },
}

/// Unpacks what begins like gzip, also several files in one; anything else is given as it is.
pub fn unpacked<'a>(reader: impl Read + 'a) -> io::Result<Box<dyn BufRead + 'a>> {
    let mut reader = BufReader::with_capacity(1 << 16, reader);
    if reader.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
        let unpacked = flate2::bufread::MultiGzDecoder::new(reader);
        return Ok(Box::new(BufReader::with_capacity(1 << 16, unpacked)));
    }
    Ok(Box::new(reader))
}

impl<'a> Rows<'a> {
    /// Begins to read; of CSV the header, which must name each column once; JSON and TOML whole.
    pub fn new(mut reader: Box<dyn BufRead + 'a>, format: Format) -> io::Result<Self> {
        if let Some(found) = other_format(reader.fill_buf()?) {
            let text = format!("{found}, which is not read: JSONL, JSON, CSV or TOML is expected");
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        match format {
            Format::Jsonl => return Ok(Self::Jsonl { reader, line: 0, buffer: Vec::new() }),
            Format::Json => return Ok(Self::Whole { rows: array(&whole(reader)?)?.into_iter() }),
            Format::Toml => return Ok(Self::Whole { rows: tables(&whole(reader)?)?.into_iter() }),
            Format::Csv => {}
        }
        let reader: Box<dyn Read + 'a> = Box::new(reader);
        let mut reader =
            csv::ReaderBuilder::new().flexible(true).has_headers(true).from_reader(reader);
        let mut header: Vec<String> = Vec::new();
        for cell in reader.byte_headers().map_err(csv_error)? {
            let cell = std::str::from_utf8(cell)
                .map_err(|_| bad("the header is not UTF-8; save the file as UTF-8".into()))?;
            let name = cell.trim_start_matches('\u{feff}').trim().to_owned();
            if header.contains(&name) && !name.is_empty() {
                return Err(bad(format!("the header has the column {name:?} twice")));
            }
            header.push(name);
        }
        Ok(Self::Csv { reader: Box::new(reader), header })
    }

    /// Reads the next row; `None` at the end. Blank lines are none.
    pub fn next_row(&mut self) -> io::Result<Option<Row>> {
        match self {
            Self::Jsonl { reader, line, buffer } => loop {
                let (bytes, is_whole) = read_line(reader, buffer)?;
                if bytes == 0 {
                    return Ok(None);
                }
                *line += 1;
                let mut text: &[u8] = buffer;
                if *line == 1 {
                    text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
                }
                let text = text.trim_ascii();
                if !text.is_empty() {
                    let fields = if is_whole { object(text) } else { Err(too_long(text, bytes)) };
                    return Ok(Some(Row { line: *line, bytes, fields }));
                }
            },
            Self::Csv { reader, header } => {
                let mut cells = csv::ByteRecord::new();
                loop {
                    if !reader.read_byte_record(&mut cells).map_err(csv_error)? {
                        return Ok(None);
                    }
                    if cells.iter().any(|cell| !cell.trim_ascii().is_empty()) {
                        break;
                    }
                }
                // Blank lines before a row count as its beginning for the reader; from its end they do not.
                let begun = cells.position().map_or(1, csv::Position::line);
                let within = cells.as_slice().iter().filter(|byte| **byte == b'\n').count() as u64;
                let line = begun.max(reader.position().line().saturating_sub(within + 1));
                let bytes = cells.as_slice().len();
                Ok(Some(Row { line, bytes, fields: row_of(&cells, header) }))
            }
            Self::Whole { rows } => Ok(rows.next()),
        }
    }
}

/// Names what begins like a file of another program.
fn other_format(beginning: &[u8]) -> Option<&'static str> {
    const SIGNATURES: [(&[u8], &str); 3] = [
        (b"PK\x03\x04", "a workbook (.xlsx) or archive (.zip)"),
        (b"\xd0\xcf\x11\xe0", "an old workbook (.xls) or document (.doc)"),
        (b"%PDF-", "a PDF"),
    ];
    let found = SIGNATURES.iter().find(|(signature, _)| beginning.starts_with(signature));
    found.map(|(_, name)| *name)
}

fn csv_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::new(io::ErrorKind::InvalidData, format!("{other:?}")),
    }
}

/// Reads one line into `buffer`, at most [`MAX_LINE`] bytes of it; returns its length and whether it is all there.
fn read_line(reader: &mut dyn BufRead, buffer: &mut Vec<u8>) -> io::Result<(usize, bool)> {
    buffer.clear();
    let mut bytes = 0;
    loop {
        let chunk = reader.fill_buf()?;
        if chunk.is_empty() {
            return Ok((bytes, bytes <= MAX_LINE));
        }
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(chunk.len(), |end| end + 1);
        let room = MAX_LINE.saturating_sub(buffer.len());
        buffer.extend_from_slice(&chunk[..taken.min(room)]);
        bytes += taken;
        reader.consume(taken);
        if end.is_some() {
            return Ok((bytes, bytes <= MAX_LINE));
        }
    }
}

fn object(text: &[u8]) -> Result<Fields, RowError> {
    let error = |reason: String| RowError { reason, row: beginning(text) };
    let text = std::str::from_utf8(text)
        .map_err(|bad| error(format!("not UTF-8 at byte {} of the line", bad.valid_up_to())))?;
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(error("a JSON object is expected".into())),
        Err(bad) => {
            let message = bad.to_string();
            // The place within the line says enough: every row is one line.
            let message = message.split(" at line ").next().unwrap_or(&message);
            Err(error(format!("not JSON: {message} at character {}", bad.column())))
        }
    }
}

/// Most bytes of a file that is read whole.
const MAX_WHOLE: u64 = 256 << 20;

fn bad(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// Reads a file of JSON or TOML, without a byte order mark.
fn whole(reader: Box<dyn BufRead + '_>) -> io::Result<String> {
    let mut bytes = Vec::new();
    reader.take(MAX_WHOLE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_WHOLE {
        return Err(bad(format!("the file has more than {MAX_WHOLE} bytes; use JSONL")));
    }
    if bytes.starts_with(b"\xef\xbb\xbf") {
        bytes.drain(..3);
    }
    String::from_utf8(bytes)
        .map_err(|error| bad(format!("not UTF-8 at byte {}", error.utf8_error().valid_up_to())))
}

fn tables(text: &str) -> io::Result<Vec<Row>> {
    toml_rows::rows(text).map_err(|error| {
        let problems = error.problems.iter().map(|wrong| {
            let line = wrong.line.map(|line| format!("line {line}: ")).unwrap_or_default();
            format!("{line}{}", wrong.message)
        });
        bad(problems.collect::<Vec<_>>().join("; "))
    })
}

/// Reads an array of objects; each is a row at the line where it begins.
fn array(text: &str) -> io::Result<Vec<Row>> {
    let items: Vec<&RawValue> = serde_json::from_str(text)
        .map_err(|error| bad(format!("an array of objects is expected: {error}")))?;
    let (mut line, mut seen) = (1, 0);
    let rows = items.into_iter().map(|item| {
        let item = item.get();
        let start = item.as_ptr() as usize - text.as_ptr() as usize;
        line += text[seen..start].bytes().filter(|byte| *byte == b'\n').count() as u64;
        seen = start;
        Row { line, bytes: item.len(), fields: object(item.as_bytes()) }
    });
    Ok(rows.collect())
}

fn too_long(text: &[u8], bytes: usize) -> RowError {
    RowError {
        reason: format!("the line has {bytes} bytes; at most {MAX_LINE} are taken"),
        row: beginning(text),
    }
}

/// The beginning of an unreadable row.
fn beginning(text: &[u8]) -> Value {
    let text = String::from_utf8_lossy(&text[..text.len().min(4 * MAX_SHOWN)]);
    match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into_owned().into(),
    }
}

/// The row as a line of CSV.
fn line_of(cells: &csv::ByteRecord) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Nothing fails that is written to memory; the reason says enough without the row.
    let written = writer.write_byte_record(cells);
    let line = written.ok().and_then(|()| writer.into_inner().ok()).unwrap_or_default();
    line.trim_ascii_end().to_vec()
}

fn row_of(cells: &csv::ByteRecord, header: &[String]) -> Result<Fields, RowError> {
    let error = |reason: String| RowError { reason, row: beginning(&line_of(cells)) };
    if cells.len() != header.len() {
        return Err(error(format!(
            "the row has {} cells, the header {}",
            cells.len(),
            header.len()
        )));
    }
    let mut fields = Fields::new();
    for (name, cell) in header.iter().zip(cells) {
        let cell = std::str::from_utf8(cell).map_err(|_| {
            error(format!("the cell of {name:?} is not UTF-8; save the file as UTF-8"))
        })?;
        if !name.is_empty() {
            fields.insert(name.clone(), cell.into());
        }
    }
    Ok(fields)
}
