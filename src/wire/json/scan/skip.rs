//! Values that are skipped or kept as raw JSON.
//!
//! Skipping checks the whole grammar; the lenient counterpart, which checks strings and brackets only and is several
//! times faster, is [`crate::wire::splice`].

use super::super::error::JsonFault;
use super::super::serde_json_compat::raw_from_valid;
use super::super::{RawJson, string};
use super::Scanner;

impl<'de> Scanner<'de> {
    /// Skips a value and returns its text. The value that [`Self::remember_span`] remembered is not scanned again.
    pub(in super::super) fn read_span(&mut self) -> Result<&'de str, JsonFault> {
        self.peek();
        let start = self.at;
        match self.skipped {
            (known, end) if known == start && end > start => self.at = end,
            _ => self.skip_value()?,
        }
        Ok(self.text.get(start..self.at).unwrap_or_default())
    }

    /// Remembers start and end of a value that was skipped to find the tag after it. If [`Self::read_span`] meets that
    /// start again, it jumps to the end. One value is enough: what makes a second scan expensive is one long member
    /// before the tag, such as a schema or the input of a tool. `(0, 0)` remembers nothing.
    pub(in super::super) fn remember_span(&mut self, skipped: (usize, usize)) {
        self.skipped = skipped;
    }

    /// Keeps a value as raw JSON.
    ///
    /// # Errors
    /// If the text is no valid JSON here.
    pub fn read_raw(&mut self) -> Result<RawJson, JsonFault> {
        let span = self.read_span()?;
        raw_from_valid(span).ok_or_else(|| self.syntax_fault("invalid value"))
    }

    /// Skips a value of any depth and checks its grammar.
    ///
    /// A loop with a stack of closing brackets instead of recursion: what is skipped may be deeper than the limit that
    /// protects the call stack, such as a JSON schema or the input of a tool, and serde_json accepts it as a
    /// `RawValue`.
    pub(in super::super) fn skip_value(&mut self) -> Result<(), JsonFault> {
        loop {
            match self.peek() {
                Some(b'"') => self.skip_string()?,
                Some(b'{') => {
                    self.at += 1;
                    if self.peek() == Some(b'}') {
                        self.at += 1;
                    } else {
                        self.skip_name()?;
                        self.open_brackets.push(b'}');
                        continue;
                    }
                }
                Some(b'[') => {
                    self.at += 1;
                    if self.peek() == Some(b']') {
                        self.at += 1;
                    } else {
                        self.open_brackets.push(b']');
                        continue;
                    }
                }
                Some(b'-' | b'0'..=b'9') => drop(self.read_digits()?),
                Some(b't') => self.skip_literal("true")?,
                Some(b'f') => self.skip_literal("false")?,
                Some(b'n') => self.skip_literal("null")?,
                _ => return Err(self.syntax_fault("expected value")),
            }
            // A value has ended. Close what ends with it, and go on at the next value of what is still open.
            loop {
                let Some(close) = self.open_brackets.last().copied() else {
                    return Ok(());
                };
                match self.peek() {
                    Some(b',') => {
                        self.at += 1;
                        if close == b'}' {
                            self.skip_name()?;
                        }
                        break;
                    }
                    Some(byte) if byte == close => {
                        self.at += 1;
                        self.open_brackets.pop();
                    }
                    _ => return Err(self.syntax_fault("expected `,` or a closing bracket")),
                }
            }
        }
    }

    /// Skips a member's name and the colon after it.
    fn skip_name(&mut self) -> Result<(), JsonFault> {
        if self.peek() != Some(b'"') {
            return Err(self.syntax_fault("key must be a string"));
        }
        self.skip_string()?;
        self.skip_colon()
    }

    /// Skips the string whose opening quote is the next byte.
    fn skip_string(&mut self) -> Result<(), JsonFault> {
        match string::check_string(self.text.as_bytes(), self.at + 1) {
            Ok(after) => {
                self.at = after;
                Ok(())
            }
            Err((reason, at)) => Err(JsonFault::syntax(reason, at)),
        }
    }
}
