//! What an entry says: one turn of a conversation, in the words of its client's dialect.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::StoreError;

/// The form of the records; another one is not read.
const VERSION: u32 = 1;

/// One turn.
#[derive(Debug, Serialize, Deserialize)]
pub struct TurnRecord {
    #[serde(rename = "v")]
    version: u32,
    /// The answer that this turn goes on from.
    pub previous: Option<String>,
    /// The input items of this turn alone, each with its identifier.
    pub input: Vec<Box<RawValue>>,
    /// The answer's object as the client got it.
    pub response: Box<RawValue>,
}

impl TurnRecord {
    /// A turn.
    pub fn new(previous: Option<String>, input: Vec<Box<RawValue>>, response: Box<RawValue>) -> Self {
        Self {
            version: VERSION,
            previous,
            input,
            response,
        }
    }

    /// The turn that an entry's value says.
    ///
    /// # Errors
    /// When it is none of this version.
    pub fn read(value: &[u8]) -> Result<Self, StoreError> {
        let record: Self = serde_json::from_slice(value)
            .map_err(|error| StoreError::new(format!("an entry cannot be read: {error}")))?;
        if record.version == VERSION {
            Ok(record)
        } else {
            let message = format!("an entry has version {}, not {VERSION}", record.version);
            Err(StoreError::new(message))
        }
    }

    /// The value to keep.
    ///
    /// # Errors
    /// Never: all parts are JSON already.
    pub fn write(&self) -> Result<Bytes, StoreError> {
        serde_json::to_vec(self).map(Bytes::from).map_err(StoreError::new)
    }

    /// The items of the answer.
    pub fn output(&self) -> Vec<Box<RawValue>> {
        #[derive(Deserialize)]
        struct Output {
            output: Vec<Box<RawValue>>,
        }
        serde_json::from_str(self.response.get()).map_or_else(|_| Vec::new(), |Output { output }| output)
    }
}
