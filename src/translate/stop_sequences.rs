//! Stop sequences that an upstream does not accept: the proxy finds them in the text of the response.

/// Finds stop sequences in a text that arrives piece by piece. It holds back only text that may be the beginning of
/// one.
#[derive(Debug)]
pub struct StopWatch {
    sequences: Vec<String>,
    /// Text that has not been handed on.
    held: String,
}

/// What a piece of text gives.
#[derive(Debug, PartialEq, Eq)]
pub struct WatchedText {
    /// Text that can be handed on.
    pub text: String,
    /// The sequence that was found; the response ends before it.
    pub stop: Option<String>,
}

impl StopWatch {
    /// A watch for these sequences. Empty ones are left out: they would end the response before it begins.
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
    pub fn push(&mut self, piece: &str) -> WatchedText {
        self.held.push_str(piece);
        // The first sequence ends the response; of two that begin at the same place, the longer one.
        let found = self
            .sequences
            .iter()
            .filter_map(|stop| self.held.find(stop.as_str()).map(|at| (at, stop)))
            .min_by_key(|(at, stop)| (*at, usize::MAX - stop.len()));
        if let Some((at, stop)) = found {
            let stop = Some(stop.clone());
            self.held.truncate(at);
            return WatchedText {
                text: std::mem::take(&mut self.held),
                stop,
            };
        }
        let keep = self.possible_start();
        let rest = self.held.split_off(keep);
        WatchedText {
            text: std::mem::replace(&mut self.held, rest),
            stop: None,
        }
    }

    /// The text that is still held when the block ends without a stop sequence.
    pub fn flush(&mut self) -> String {
        std::mem::take(&mut self.held)
    }

    /// The position from which on the held text may be the beginning of a sequence; its length if there is none.
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
            let WatchedText { text, stop } = watch.push(piece);
            out.push_str(&text);
            if stop.is_some() {
                return (out, stop);
            }
        }
        out.push_str(&watch.flush());
        (out, None)
    }

    #[test]
    fn a_sequence_that_is_split_between_pieces_cuts_the_text() {
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
    fn text_that_only_begins_like_a_sequence_is_handed_on() {
        assert_eq!(
            run(&["END"], &["fooEN", "T é", "E"]),
            ("fooENT éE".to_owned(), None)
        );
        assert_eq!(run(&[""], &["any"]), ("any".to_owned(), None));
    }
}
