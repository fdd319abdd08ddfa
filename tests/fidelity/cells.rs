//! What becomes of every document of the cases on every pair.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use llm_proxy::canonical::{ErrorClass, LossKind, Losses};
use llm_proxy::dialect::{self, Dialect, DialectName};

use crate::common::{Case, Failure, begin, cases, dialects, exchange, fold, stream};
use crate::data::{Data, Document};

/// How a document fares, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    Exact,
    Extension,
    Approximated,
    Dropped,
    Refused,
    /// It is an error in its own dialect already, or an upstream's failure: the client gets an error.
    Invalid(&'static str),
}

/// A reason for a mark. The order is that of the page.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Note {
    /// A loss, by its number in the data.
    Loss(usize),
    /// An extension, by its number in the data.
    Extension(usize),
    /// An error's class that the client's dialect reports as another.
    Class(&'static str, &'static str),
    /// An error that no longer says how long to wait.
    Delay,
    /// An error whose words are not the upstream's.
    Words,
}

/// How a document fares, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    pub mark: Mark,
    pub notes: BTreeSet<Note>,
}

/// One document of a case towards every other dialect, in the order of [`Table::columns`].
#[derive(Debug)]
pub struct Row {
    pub case: String,
    /// The documents: one list of cells for each that the case has.
    pub request: Vec<Cell>,
    pub response: Vec<Cell>,
    pub stream: Vec<Cell>,
    pub error: Vec<Cell>,
    /// The class of the error.
    pub class: &'static str,
}

/// The documents of one dialect, translated to every other.
#[derive(Debug)]
pub struct Table {
    pub from: DialectName,
    pub columns: Vec<DialectName>,
    pub rows: Vec<Row>,
}

/// All tables, and what they met on the way.
#[derive(Debug)]
pub struct Matrix {
    pub tables: Vec<Table>,
    /// The numbers of the losses that occurred, those without a mark included.
    pub losses: BTreeSet<usize>,
    /// The numbers of the extensions that occurred.
    pub extensions: BTreeSet<usize>,
    /// Losses that are not in the data, with a place each.
    pub unexpected: Vec<String>,
}

impl Matrix {
    pub fn build(data: &Data) -> Self {
        let mut matrix = Self {
            tables: Vec::new(),
            losses: BTreeSet::new(),
            extensions: BTreeSet::new(),
            unexpected: Vec::new(),
        };
        for from in dialects() {
            let others: Vec<&'static dyn Dialect> = dialects()
                .into_iter()
                .filter(|other| other.name() != from.name())
                .collect();
            let cases = cases(from);
            let rows = cases.iter().map(|case| matrix.row(data, from, case, &others));
            let rows = rows.collect();
            matrix.tables.push(Table {
                from: from.name(),
                columns: others.iter().map(|other| other.name()).collect(),
                rows,
            });
        }
        matrix
    }

    fn row(
        &mut self,
        data: &Data,
        from: &'static dyn Dialect,
        case: &Case,
        others: &[&'static dyn Dialect],
    ) -> Row {
        let mut row = Row {
            case: case.name.clone(),
            request: Vec::new(),
            response: Vec::new(),
            stream: Vec::new(),
            error: Vec::new(),
            class: "",
        };
        for other in others {
            if let Some(body) = case.document("request.json") {
                let mut losses = Losses::new();
                let outcome = match begin(from, *other, &case.facts, &body, &mut losses) {
                    Ok((_, written)) => Ok(String::from_utf8_lossy(&written.body).into_owned()),
                    Err(error) => Err(error.class),
                };
                let at = format!("{}/{} request to {}", case.dialect, case.name, other.name());
                let cell = self.judge(data, &at, other.name(), Document::Request, &losses, outcome);
                row.request.push(cell);
            }
            let at = format!("{}/{} response to {}", case.dialect, case.name, other.name());
            if let Some(body) = case.document("response.json") {
                let mut losses = Losses::new();
                let outcome = match exchange(*other, from, case).translate_response(&mut losses, &body) {
                    Ok(written) => Ok(String::from_utf8_lossy(&written.body).into_owned()),
                    Err(error) => Err(error.class),
                };
                let cell = self.judge(data, &at, other.name(), Document::Response, &losses, outcome);
                row.response.push(cell);
            }
            if let Some(body) = case.document("stream.sse") {
                let (text, losses) = stream(&exchange(*other, from, case), [body.clone()]);
                let outcome = streamed(from, body, *other, text);
                let cell = self.judge(data, &at, other.name(), Document::Response, &losses, outcome);
                row.stream.push(cell);
            }
            if let Some(body) = case.document("error.json") {
                let failure: Failure = serde_json::from_slice(&body).unwrap();
                let (class, cell) = error(&failure, *other, from, case);
                row.class = class;
                row.error.push(cell);
            }
        }
        row
    }

    /// The cell of a document that was written, or failed.
    fn judge(
        &mut self,
        data: &Data,
        at: &str,
        to: DialectName,
        document: Document,
        losses: &Losses,
        outcome: Result<String, ErrorClass>,
    ) -> Cell {
        let mut cell = Cell {
            mark: Mark::Exact,
            notes: BTreeSet::new(),
        };
        for loss in losses.entries() {
            let Some(number) = data.losses().position(|expected| expected.is(loss)) else {
                self.unexpected.push(format!("{at}: {loss}"));
                continue;
            };
            self.losses.insert(number);
            let mark = match loss.kind {
                LossKind::Refused => Mark::Refused,
                LossKind::Dropped => Mark::Dropped,
                LossKind::Approximated => Mark::Approximated,
                LossKind::Ignored => continue,
            };
            cell.mark = cell.mark.max(mark);
            cell.notes.insert(Note::Loss(number));
        }
        match outcome {
            Ok(written) => {
                let found = data.extensions.iter().enumerate();
                for (number, _) in found.filter(|(_, known)| known.is_in(to, document, &written)) {
                    self.extensions.insert(number);
                    cell.mark = cell.mark.max(Mark::Extension);
                    cell.notes.insert(Note::Extension(number));
                }
            }
            Err(class) if cell.mark != Mark::Refused => {
                cell.mark = Mark::Invalid(class.as_str());
                cell.notes.clear();
            }
            // What else would have been lost does not matter to what is not sent.
            Err(_) => {
                let refused = |number: &usize| {
                    let expected = data.losses().nth(*number);
                    expected.is_some_and(|expected| losses.refused().any(|loss| expected.is(loss)))
                };
                cell.notes
                    .retain(|note| matches!(note, Note::Loss(number) if refused(number)));
            }
        }
        cell
    }
}

/// A translated stream, or the class of the failure that it ends in.
fn streamed(
    upstream: &dyn Dialect,
    body: Bytes,
    client: &dyn Dialect,
    text: String,
) -> Result<String, ErrorClass> {
    // Frames of an event stream are shown as the server-sent events that they represent.
    let shown = match client.name() {
        DialectName::Bedrock => dialect::find(DialectName::Claude),
        _ => client,
    };
    // The upstream's class comes first: the client's dialect may tell it as another.
    let folded = fold(upstream, body).and_then(|_| fold(shown, Bytes::from(text.clone())));
    // A reader forgives an error after the response's last words; a vendor's client raises it.
    match folded {
        Ok(_) if text.contains("event: error\n") => Err(ErrorClass::Upstream),
        Ok(_) => Ok(text),
        Err(error) => Err(error.class),
    }
}

/// The cell of an upstream's failure: whether a client reads in it what the upstream reported.
fn error(
    failure: &Failure,
    client: &'static dyn Dialect,
    upstream: &'static dyn Dialect,
    case: &Case,
) -> (&'static str, Cell) {
    let (reported, written) = failure.translate(&exchange(client, upstream, case));
    let headers: HeaderMap = written.headers.into_iter().collect();
    let read = client.read_error(written.status, &headers, &written.body);
    let mut notes = BTreeSet::new();
    if read.class != reported.class {
        notes.insert(Note::Class(reported.class.as_str(), read.class.as_str()));
    }
    if read.message != reported.message {
        notes.insert(Note::Words);
    }
    let mut mark = match notes.is_empty() {
        true => Mark::Exact,
        false => Mark::Approximated,
    };
    // The header counts whole seconds.
    let seconds = |delay: Option<Duration>| delay.map(|delay| delay.as_secs_f64().ceil());
    if seconds(read.retry_after) != seconds(reported.retry_after) {
        notes.insert(Note::Delay);
        mark = Mark::Dropped;
    }
    (reported.class.as_str(), Cell { mark, notes })
}
