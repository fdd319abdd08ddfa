//! The value of an entry: one turn of a conversation, in the JSON of the client's dialect.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::StoreError;

/// The version of the format. Values of another version are not read.
const VERSION: u32 = 1;

/// One turn of a conversation: a request's input and its response.
#[derive(Debug, Serialize, Deserialize)]
pub struct TurnRecord {
    #[serde(rename = "v")]
    version: u32,
    /// The identifier of the response that this turn continues.
    pub previous: Option<String>,
    /// The input items of this turn alone, each with its identifier.
    pub input: Vec<Box<RawValue>>,
    /// The response as the client got it.
    pub response: Box<RawValue>,
}

impl TurnRecord {
    /// A turn in the current version of the format.
    pub fn new(previous: Option<String>, input: Vec<Box<RawValue>>, response: Box<RawValue>) -> Self {
        Self {
            version: VERSION,
            previous,
            input,
            response,
        }
    }

    /// Reads the value of an entry.
    ///
    /// # Errors
    /// When it is not a turn, or one of another version.
    pub fn read(value: &[u8]) -> Result<Self, StoreError> {
        let record: Self = serde_json::from_slice(value).map_err(|error| {
            StoreError::new(format!("an entry of the response store cannot be read: {error}"))
        })?;
        if record.version == VERSION {
            Ok(record)
        } else {
            let message = format!(
                "an entry of the response store has version {}, but this program reads version {VERSION}",
                record.version
            );
            Err(StoreError::new(message))
        }
    }

    /// Writes the value of an entry.
    ///
    /// # Errors
    /// None are known, since all parts are JSON already.
    pub fn write(&self) -> Result<Bytes, StoreError> {
        serde_json::to_vec(self).map(Bytes::from).map_err(StoreError::new)
    }

    /// The output items of the response; none if it has no list of them.
    pub fn output(&self) -> Vec<Box<RawValue>> {
        #[derive(Deserialize)]
        struct Output {
            output: Vec<Box<RawValue>>,
        }
        serde_json::from_str(self.response.get()).map_or_else(|_| Vec::new(), |Output { output }| output)
    }
}
