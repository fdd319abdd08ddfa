//! Watches for stop sequences that an upstream does not take.

/// Watches a text for stop sequences, holding back only what may be the beginning of one.
#[derive(Debug)]
pub struct StopWatch {
    sequences: Vec<String>,
    held: String,
}

/// What a watched piece of text amounts to.
#[derive(Debug, PartialEq, Eq)]
pub struct Watched {
    /// Text that may leave.
    pub text: String,
    /// The sequence that was met; the answer ends before it.
    pub stop: Option<String>,
}

impl StopWatch {
    /// A watch for these sequences; empty ones are never met.
    pub fn new(sequences: &[String]) -> Self {
        let sequences = sequences
            .iter()
            .filter(|text| !text.is_empty())
            .cloned()
            .collect();
        Self {
            sequences,
            held: String::new(),
        }
    }

    /// Takes a piece of text.
    pub fn push(&mut self, piece: &str) -> Watched {
        self.held.push_str(piece);
        let found = self
            .sequences
            .iter()
            .filter_map(|stop| self.held.find(stop.as_str()).map(|at| (at, stop)))
            .min_by_key(|(at, stop)| (*at, usize::MAX - stop.len()));
        if let Some((at, stop)) = found {
            let stop = Some(stop.clone());
            self.held.truncate(at);
            return Watched {
                text: std::mem::take(&mut self.held),
                stop,
            };
        }
        let keep = self.possible_start();
        let rest = self.held.split_off(keep);
        Watched {
            text: std::mem::replace(&mut self.held, rest),
            stop: None,
        }
    }

    /// The text that is still held when the block ends without a stop sequence.
    pub fn flush(&mut self) -> String {
        std::mem::take(&mut self.held)
    }

    /// Where the longest end of the held text begins that some sequence starts with.
    fn possible_start(&self) -> usize {
        let longest = self.sequences.iter().map(String::len).max().unwrap_or(0);
        let from = self.held.len().saturating_sub(longest);
        self.held
            .char_indices()
            .map(|(at, _)| at)
            .filter(|at| *at >= from)
            .find(|at| {
                self.sequences
                    .iter()
                    .any(|stop| stop.starts_with(&self.held[*at..]))
            })
            .unwrap_or(self.held.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(stops: &[&str], pieces: &[&str]) -> (String, Option<String>) {
        let stops: Vec<String> = stops.iter().map(|stop| (*stop).to_owned()).collect();
        let mut watch = StopWatch::new(&stops);
        let mut out = String::new();
        for piece in pieces {
            let Watched { text, stop } = watch.push(piece);
            out.push_str(&text);
            if stop.is_some() {
                return (out, stop);
            }
        }
        out.push_str(&watch.flush());
        (out, None)
    }

    #[test]
    fn a_sequence_split_between_pieces_cuts_the_text() {
        assert_eq!(
            run(&["END"], &["fooE", "NDbar"]),
            ("foo".to_owned(), Some("END".to_owned()))
        );
        assert_eq!(
            run(&["ENDE", "END"], &["x END"]),
            ("x ".to_owned(), Some("END".to_owned()))
        );
    }

    #[test]
    fn what_only_begins_like_one_is_let_go() {
        assert_eq!(
            run(&["END"], &["fooEN", "T é", "E"]),
            ("fooENT éE".to_owned(), None)
        );
        assert_eq!(run(&[""], &["any"]), ("any".to_owned(), None));
    }
}
