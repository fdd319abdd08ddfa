use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::HeaderMap;
use tokio::time::Instant;

use super::super::words::WORDS;
use super::*;
use crate::capability;
use crate::dialect::{ClientRequest, DialectName};
use crate::prompt::SystemEdits;
use crate::translate::{Exchange, ExchangeConfig, ExchangeIdentity};

/// What a scripted upstream does at one poll.
enum Step {
    Say(&'static str),
    /// Nothing is ready at this poll.
    Wait,
    Break,
    /// Nothing is ever ready again.
    Hang,
}

struct Script {
    steps: VecDeque<Step>,
    dropped: Arc<AtomicBool>,
}

impl Pieces for Script {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        match self.steps.pop_front() {
            Some(Step::Say(text)) => Poll::Ready(Some(Ok(Bytes::from_static(text.as_bytes())))),
            Some(Step::Wait) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Some(Step::Break) => Poll::Ready(Some(Err(Error::new(ErrorClass::Upstream, "lost")))),
            Some(Step::Hang) => {
                self.steps.push_front(Step::Hang);
                Poll::Pending
            }
            None => Poll::Ready(None),
        }
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        self.dropped.store(true, Ordering::SeqCst);
    }
}

fn translation(steps: impl IntoIterator<Item = Step>) -> (Translation, Arc<AtomicBool>) {
    let route = ExchangeConfig {
        client: &WORDS,
        upstream: &WORDS,
        upstream_model: &str::to_owned,
        capabilities: &|model| capability::lookup(DialectName::OpenAiChat, model),
        edits: &SystemEdits::default(),
        on_loss: crate::canonical::OnLoss::Warn,
        carriers: &crate::translate::Carriers::default(),
        memory: None,
    };
    let inbound = ClientRequest {
        headers: &HeaderMap::new(),
        model: None,
        stream: None,
        body: &Bytes::from_static(b"m stream"),
    };
    let begun = Exchange::begin(
        &mut Losses::new(),
        &route,
        &inbound,
        ExchangeIdentity {
            created: 0,
            request_id: "req_1",
        },
    );
    let (exchange, _) = begun.expect("a request");
    let dropped = Arc::new(AtomicBool::new(false));
    let script = Script {
        steps: steps.into_iter().collect(),
        dropped: Arc::clone(&dropped),
    };
    (
        Translation::new(Box::new(script), exchange.decoder(), exchange.start_stream()),
        dropped,
    )
}

async fn next(translation: &mut Translation) -> Option<String> {
    let piece = std::future::poll_fn(|cx| translation.poll_data(cx)).await?;
    Some(String::from_utf8(piece.to_vec()).expect("text"))
}

const START: Step = Step::Say("data: start\n\n");
const END: Step = Step::Say("data: end\n\n");

#[tokio::test]
async fn what_arrives_together_leaves_together_and_nothing_waits() {
    let (mut translation, dropped) = translation([
        START,
        Step::Say("data: a\n\ndata: b\n\nda"),
        // Once for the wait before the status, once for the first piece.
        Step::Wait,
        Step::Wait,
        Step::Say("ta: c\n\n"),
        Step::Wait,
        END,
        Step::Hang,
    ]);
    translation.begin().await.expect("a stream");
    assert_eq!(next(&mut translation).await.as_deref(), Some("[start]ab"));
    assert_eq!(next(&mut translation).await.as_deref(), Some("c"));
    assert!(!translation.is_end());
    assert_eq!(next(&mut translation).await.as_deref(), Some("[end]"));
    // The end of the answer is the end, whether or not the upstream closes.
    assert!(translation.is_end() && dropped.load(Ordering::SeqCst));
    assert_eq!(next(&mut translation).await, None);
    assert!(translation.failure().is_none());
    assert_eq!(translation.usage().map(|usage| usage.input_total()), Some(5));
}

#[tokio::test]
async fn a_failure_before_the_first_event_has_a_status_of_its_own() {
    for (steps, class) in [
        (
            vec![Step::Wait, Step::Say("data: fail\n\n")],
            ErrorClass::Overloaded,
        ),
        (vec![Step::Wait, Step::Break], ErrorClass::Upstream),
        (vec![], ErrorClass::Upstream),
    ] {
        let (mut translation, _) = translation(steps);
        let error = translation.begin().await.expect_err("a failure");
        assert_eq!(error.class, class);
    }
}

#[tokio::test]
async fn a_failure_after_it_is_told_in_the_stream() {
    for (step, expected) in [
        (Some(Step::Say("data: fail\n\n")), "[fail overloaded]"),
        (Some(Step::Break), "[fail upstream]"),
        (None, "[fail upstream]"),
    ] {
        let (mut translation, _) = translation([START, Step::Wait, Step::Wait].into_iter().chain(step));
        translation.begin().await.expect("a stream");
        assert_eq!(next(&mut translation).await.as_deref(), Some("[start]"));
        assert_eq!(next(&mut translation).await.as_deref(), Some(expected));
        assert_eq!(next(&mut translation).await, None);
        assert!(translation.failure().is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn silence_is_broken_by_signs_of_life() {
    let (mut translation, dropped) = translation([Step::Hang]);
    let began = Instant::now();
    translation.begin().await.expect("a stream");
    assert_eq!(next(&mut translation).await.as_deref(), Some("[alive]"));
    assert_eq!(began.elapsed().as_secs(), KEEP_ALIVE.as_secs());
    assert_eq!(next(&mut translation).await.as_deref(), Some("[alive]"));
    assert_eq!(began.elapsed().as_secs(), 2 * KEEP_ALIVE.as_secs());
    drop(translation);
    assert!(dropped.load(Ordering::SeqCst));
}

#[tokio::test]
async fn an_event_without_end_is_a_failure_and_not_a_heap_of_memory() {
    let piece = "x".repeat(1024 * 1024).leak();
    let endless = std::iter::repeat_with(|| Step::Say(&*piece)).take(64);
    let (mut translation, dropped) = translation([START].into_iter().chain(endless).chain([Step::Hang]));
    translation.begin().await.expect("a stream");
    assert_eq!(
        next(&mut translation).await.as_deref(),
        Some("[start][fail upstream]")
    );
    assert!(dropped.load(Ordering::SeqCst));
}
