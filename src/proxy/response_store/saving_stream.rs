//! A streamed response that is saved before its last event is sent.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;

use super::super::translated_body::TranslatedBody;
use super::{NotSaved, PendingSave};
use crate::dialect::openai_responses::response_store::{self as shapes, LastEvent};

/// A translated stream whose last event waits until the response is saved. No other event waits.
///
/// The last event contains the whole response, and says whether it is stored. A client may refer to the response as
/// soon as it has that event, so the entry has to exist by then.
pub struct SavingStream {
    translated: Box<TranslatedBody>,
    /// The data to save; `None` once saving has begun.
    save: Option<PendingSave>,
    /// Saves the response, and then yields the last event.
    last_event: Option<Pin<Box<dyn Future<Output = Bytes> + Send>>>,
}

impl SavingStream {
    /// A stream whose pieces consist of whole events.
    pub(super) fn new(translated: Box<TranslatedBody>, save: PendingSave) -> Self {
        Self {
            translated,
            save: Some(save),
            last_event: None,
        }
    }

    /// The stream that is saved.
    pub fn translated(&self) -> &TranslatedBody {
        &self.translated
    }

    /// Whether the whole stream has been read.
    pub fn is_end(&self) -> bool {
        self.last_event.is_none() && self.translated.is_end()
    }

    /// The next piece of the client's stream.
    pub fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            if let Some(last_event) = &mut self.last_event {
                let event = ready!(last_event.as_mut().poll(cx));
                self.last_event = None;
                return Poll::Ready(Some(event));
            }
            let Some(piece) = ready!(self.translated.poll_data(cx)) else {
                if self.save.take().is_some() && self.translated.failure().is_none() {
                    tracing::error!(
                        "a streamed response had no final event, so it was not saved in the response store"
                    );
                }
                return Poll::Ready(None);
            };
            // A piece contains all events that arrived together, so others may precede the last one in it.
            let Some(found) = self.save.as_ref().and_then(|_| shapes::last_event(&piece)) else {
                return Poll::Ready(Some(piece));
            };
            let event = piece.slice(found.start..);
            if let Some(save) = self.save.take() {
                self.last_event = Some(Box::pin(save_before_event(
                    save,
                    piece.clone(),
                    found.clone(),
                    event,
                )));
            }
            // The events before the last one do not wait for the store.
            if found.start > 0 {
                return Poll::Ready(Some(piece.slice(..found.start)));
            }
        }
    }
}

/// Saves the response that is in a stream's last event, and returns the event: unchanged, or with a response that is
/// marked as not stored. `event` is the part of `piece` from the position that was found.
async fn save_before_event(save: PendingSave, piece: Bytes, found: LastEvent, event: Bytes) -> Bytes {
    let LastEvent { start, response } = found;
    let object = piece.slice(response.clone());
    match save.run(&object).await {
        Ok(()) => event,
        Err(NotSaved) => {
            let parts = [
                piece.slice(start..response.start),
                shapes::unkept(&object),
                piece.slice(response.end..),
            ];
            Bytes::from(parts.concat())
        }
    }
}
