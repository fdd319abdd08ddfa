use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::HeaderMap;
use tokio::time::Instant;

use super::super::test_dialect::FAKE_DIALECT;
use super::*;
use crate::capability;
use crate::dialect::{ClientRequest, DialectName};
use crate::prompt::SystemEdits;
use crate::translate::{Exchange, ExchangeConfig, ExchangeIdentity};

/// What a scripted upstream does at one poll.
enum ScriptStep {
    /// A piece arrives.
    Send(&'static str),
    /// Nothing is ready at this poll.
    Wait,
    /// The body breaks off.
    Break,
    /// Nothing is ever ready again.
    Hang,
}

struct ScriptedUpstream {
    steps: VecDeque<ScriptStep>,
    dropped: Arc<AtomicBool>,
}

impl UpstreamPieces for ScriptedUpstream {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        match self.steps.pop_front() {
            Some(ScriptStep::Send(text)) => Poll::Ready(Some(Ok(Bytes::from_static(text.as_bytes())))),
            Some(ScriptStep::Wait) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Some(ScriptStep::Break) => Poll::Ready(Some(Err(Error::new(ErrorClass::Upstream, "lost")))),
            Some(ScriptStep::Hang) => {
                self.steps.push_front(ScriptStep::Hang);
                Poll::Pending
            }
            None => Poll::Ready(None),
        }
    }
}

impl Drop for ScriptedUpstream {
    fn drop(&mut self) {
        self.dropped.store(true, Ordering::SeqCst);
    }
}

fn scripted_body(steps: impl IntoIterator<Item = ScriptStep>) -> (TranslatedBody, Arc<AtomicBool>) {
    let route = ExchangeConfig {
        client: &FAKE_DIALECT,
        upstream: &FAKE_DIALECT,
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
    let script = ScriptedUpstream {
        steps: steps.into_iter().collect(),
        dropped: Arc::clone(&dropped),
    };
    (
        TranslatedBody::new(Box::new(script), exchange.decoder(), exchange.start_stream()),
        dropped,
    )
}

async fn next(body: &mut TranslatedBody) -> Option<String> {
    let piece = std::future::poll_fn(|cx| body.poll_data(cx)).await?;
    Some(String::from_utf8(piece.to_vec()).expect("text"))
}

const START: ScriptStep = ScriptStep::Send("data: start\n\n");
const END: ScriptStep = ScriptStep::Send("data: end\n\n");

#[tokio::test]
async fn what_arrives_together_leaves_together_and_nothing_waits() {
    let (mut body, dropped) = scripted_body([
        START,
        ScriptStep::Send("data: a\n\ndata: b\n\nda"),
        // Once for the wait before the status, once for the first piece.
        ScriptStep::Wait,
        ScriptStep::Wait,
        ScriptStep::Send("ta: c\n\n"),
        ScriptStep::Wait,
        END,
        ScriptStep::Hang,
    ]);
    body.begin().await.expect("a stream");
    assert_eq!(next(&mut body).await.as_deref(), Some("[start]ab"));
    assert_eq!(next(&mut body).await.as_deref(), Some("c"));
    assert!(!body.is_end());
    assert_eq!(next(&mut body).await.as_deref(), Some("[end]"));
    // The last event is the end, whether or not the upstream closes the body.
    assert!(body.is_end() && dropped.load(Ordering::SeqCst));
    assert_eq!(next(&mut body).await, None);
    assert!(body.failure().is_none());
    assert_eq!(body.usage().map(|usage| usage.input_total()), Some(5));
}

#[tokio::test]
async fn a_failure_before_the_first_event_has_a_status_of_its_own() {
    for (steps, class) in [
        (
            vec![ScriptStep::Wait, ScriptStep::Send("data: fail\n\n")],
            ErrorClass::Overloaded,
        ),
        (vec![ScriptStep::Wait, ScriptStep::Break], ErrorClass::Upstream),
        (vec![], ErrorClass::Upstream),
    ] {
        let (mut body, _) = scripted_body(steps);
        let error = body.begin().await.expect_err("a failure");
        assert_eq!(error.class, class);
    }
}

#[tokio::test]
async fn a_failure_after_the_first_event_is_an_event_of_the_stream() {
    for (step, expected) in [
        (Some(ScriptStep::Send("data: fail\n\n")), "[fail overloaded]"),
        (Some(ScriptStep::Break), "[fail upstream]"),
        (None, "[fail upstream]"),
    ] {
        let (mut body, _) = scripted_body(
            [START, ScriptStep::Wait, ScriptStep::Wait]
                .into_iter()
                .chain(step),
        );
        body.begin().await.expect("a stream");
        assert_eq!(next(&mut body).await.as_deref(), Some("[start]"));
        assert_eq!(next(&mut body).await.as_deref(), Some(expected));
        assert_eq!(next(&mut body).await, None);
        assert!(body.failure().is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_upstream_causes_keep_alive_events() {
    let (mut body, dropped) = scripted_body([ScriptStep::Hang]);
    let began = Instant::now();
    body.begin().await.expect("a stream");
    assert_eq!(next(&mut body).await.as_deref(), Some("[alive]"));
    assert_eq!(began.elapsed().as_secs(), KEEP_ALIVE.as_secs());
    assert_eq!(next(&mut body).await.as_deref(), Some("[alive]"));
    assert_eq!(began.elapsed().as_secs(), 2 * KEEP_ALIVE.as_secs());
    drop(body);
    assert!(dropped.load(Ordering::SeqCst));
}

#[tokio::test]
async fn an_endless_event_is_a_failure_and_does_not_fill_the_memory() {
    let piece = "x".repeat(1024 * 1024).leak();
    let endless = std::iter::repeat_with(|| ScriptStep::Send(&*piece)).take(64);
    let (mut body, dropped) = scripted_body([START].into_iter().chain(endless).chain([ScriptStep::Hang]));
    body.begin().await.expect("a stream");
    assert_eq!(next(&mut body).await.as_deref(), Some("[start][fail upstream]"));
    assert!(dropped.load(Ordering::SeqCst));
}
