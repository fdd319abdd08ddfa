//! Values that are passed over, or kept as text.

use super::super::error::JsonFault;
use super::super::serde_json_compat::raw_from_valid;
use super::super::{RawJson, string};
use super::Scanner;

impl<'de> Scanner<'de> {
    /// Passes a value and gives its text.
    pub(in super::super) fn read_span(&mut self) -> Result<&'de str, JsonFault> {
        self.peek();
        let start = self.at;
        match self.skipped {
            (known, end) if known == start && end > start => self.at = end,
            _ => self.skip_value()?,
        }
        Ok(self.text.get(start..self.at).unwrap_or_default())
    }

    /// Says that the value at this place has been passed over, and where it ends: it is kept as text without another
    /// look at it.
    pub(in super::super) fn remember_span(&mut self, skipped: (usize, usize)) {
        self.skipped = skipped;
    }

    /// Keeps a value as its text.
    pub fn read_raw(&mut self) -> Result<RawJson, JsonFault> {
        let span = self.read_span()?;
        raw_from_valid(span).ok_or_else(|| self.syntax_fault("invalid value"))
    }

    /// Passes a value of any depth.
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

    fn skip_name(&mut self) -> Result<(), JsonFault> {
        if self.peek() != Some(b'"') {
            return Err(self.syntax_fault("key must be a string"));
        }
        self.skip_string()?;
        self.skip_colon()
    }

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
