//! A streamed answer that is kept before its last event leaves.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;

use super::super::translated_body::TranslatedBody;
use super::PendingSave;
use crate::dialect::openai_responses::stored::{self, LastEvent};

/// A translated stream whose last event waits until the answer is kept; no other does.
pub struct SavingStream {
    translation: Box<TranslatedBody>,
    /// What is to be kept; `None` once that is on its way.
    keep: Option<PendingSave>,
    /// The last event, when the answer is kept.
    last: Option<Pin<Box<dyn Future<Output = Bytes> + Send>>>,
}

impl SavingStream {
    /// A stream whose pieces are whole events.
    pub(super) fn new(translation: Box<TranslatedBody>, keep: PendingSave) -> Self {
        Self {
            translation,
            keep: Some(keep),
            last: None,
        }
    }

    /// The stream behind it, for what the log says of it.
    pub fn translation(&self) -> &TranslatedBody {
        &self.translation
    }

    /// Whether there is nothing more.
    pub fn is_end(&self) -> bool {
        self.last.is_none() && self.translation.is_end()
    }

    /// The next piece of the client's stream.
    pub fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            if let Some(last) = &mut self.last {
                let event = ready!(last.as_mut().poll(cx));
                self.last = None;
                return Poll::Ready(Some(event));
            }
            let Some(piece) = ready!(self.translation.poll_data(cx)) else {
                if self.keep.take().is_some() && self.translation.failure().is_none() {
                    tracing::error!("a streamed answer ended without an event that it could be kept by");
                }
                return Poll::Ready(None);
            };
            let Some(found) = self.keep.as_ref().and_then(|_| stored::last_event(&piece)) else {
                return Poll::Ready(Some(piece));
            };
            let event = piece.slice(found.start..);
            if let Some(keep) = self.keep.take() {
                self.last = Some(Box::pin(save(keep, piece.clone(), found.clone(), event)));
            }
            if found.start > 0 {
                return Poll::Ready(Some(piece.slice(..found.start)));
            }
        }
    }
}

/// Keeps the answer that an event ends, and gives the event: as it was, or saying that the answer was not kept.
async fn save(keep: PendingSave, piece: Bytes, found: LastEvent, event: Bytes) -> Bytes {
    let LastEvent { start, response } = found;
    let object = piece.slice(response.clone());
    match keep.save(&object).await {
        Ok(()) => event,
        Err(()) => {
            let parts = [
                piece.slice(start..response.start),
                stored::unkept(&object),
                piece.slice(response.end..),
            ];
            Bytes::from(parts.concat())
        }
    }
}
