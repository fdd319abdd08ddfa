//! Calls the library as the proxy does, without a network.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};
use llm_proxy::canonical::{Losses, OnLoss};
use llm_proxy::capability;
use llm_proxy::dialect::{self, ClientRequest, Dialect, DialectName, WrittenRequest};
use llm_proxy::prompt::SystemEdits;
use llm_proxy::translate::{
    Carriers, Exchange, ExchangeConfig, ExchangeIdentity, ReasoningMemory, ReasoningOwner,
};
use llm_proxy::wire::framing::FrameDecoder;
use llm_proxy::wire::splice::{self, Splices};

use crate::{MODEL, upstream_model};

/// A pair of dialects, and the state that the proxy keeps between requests.
pub struct BenchPair {
    client: &'static dyn Dialect,
    upstream: &'static dyn Dialect,
    headers: HeaderMap,
    edits: SystemEdits,
    carriers: Carriers,
    memory: Arc<ReasoningMemory>,
}

fn find(name: DialectName) -> &'static dyn Dialect {
    dialect::find(name)
}

impl BenchPair {
    /// Creates the pair.
    ///
    /// # Panics
    /// A dialect has no translation.
    pub fn new(client: DialectName, upstream: DialectName) -> Self {
        let name = HeaderName::from_static("anthropic-version");
        let value = HeaderValue::from_static("2023-06-01");
        Self {
            client: find(client),
            upstream: find(upstream),
            headers: HeaderMap::from_iter([(name, value)]),
            edits: SystemEdits::default(),
            carriers: Carriers::default(),
            memory: Arc::default(),
        }
    }

    /// All pairs, including those with the same dialect on both sides.
    pub fn all() -> impl Iterator<Item = (DialectName, DialectName)> {
        let all = DialectName::ALL.into_iter();
        all.flat_map(|client| {
            DialectName::ALL
                .into_iter()
                .map(move |upstream| (client, upstream))
        })
    }

    /// Translates a request.
    ///
    /// # Panics
    /// The request is refused.
    pub fn begin(&self, body: &Bytes, stream: bool) -> (Exchange, WrittenRequest) {
        let in_path = self.client.name() == DialectName::Bedrock;
        let inbound = ClientRequest {
            headers: &self.headers,
            model: in_path.then_some(MODEL),
            stream: in_path.then_some(stream),
            body,
        };
        let route = ExchangeConfig {
            client: self.client,
            upstream: self.upstream,
            upstream_model: &|_| upstream_model(self.upstream.name()).to_owned(),
            capabilities: &|model| capability::lookup(self.upstream.name(), model),
            edits: &self.edits,
            on_loss: OnLoss::Warn,
            carriers: &self.carriers,
            memory: Some((&self.memory, ReasoningOwner::new("/bench", b"credential"))),
        };
        Exchange::begin(
            &mut Losses::new(),
            &route,
            &inbound,
            ExchangeIdentity {
                created: 0,
                request_id: "req_bench",
            },
        )
        .unwrap_or_else(|error| panic!("the request is refused at {:?}: {error}", error.param))
    }

    /// Translates a request. In a same-dialect pair, replaces only the model name, as the proxy does.
    pub fn send(&self, body: &Bytes) -> Vec<Bytes> {
        if self.client.name() != self.upstream.name() {
            return vec![self.begin(body, true).1.body.into()];
        }
        let name = splice::encode_str(upstream_model(self.upstream.name()));
        let mut splices = Splices::new();
        if self.client.name() != DialectName::Bedrock {
            let [places] = splice::find_members(body, ["model"]).expect("an object");
            for place in places {
                splices.replace(place.span(), name.clone());
            }
        }
        splices.apply(body).expect("edits that fit").into_parts()
    }

    /// Begins the stream of a response.
    pub fn stream(&self, request: &Bytes) -> BenchStream {
        BenchStream::of(&self.begin(request, true).0)
    }
}

/// A streamed response in translation.
pub struct BenchStream {
    decoder: FrameDecoder,
    stream: llm_proxy::translate::TranslatedStream,
    out: BytesMut,
}

impl BenchStream {
    /// Begins the stream of an exchange.
    pub fn of(exchange: &Exchange) -> Self {
        let mut stream = exchange.start_stream();
        stream.commit();
        Self {
            decoder: exchange.decoder(),
            stream,
            out: BytesMut::new(),
        }
    }

    /// Translates a piece of the upstream's stream.
    ///
    /// # Panics
    /// The stream is not valid.
    pub fn push(&mut self, piece: &Bytes) -> Bytes {
        self.decoder.push(piece.clone());
        while let Some(frame) = self.decoder.next().expect("a stream") {
            self.stream.push(frame.name(), &frame.data, &mut self.out);
        }
        self.out.split().freeze()
    }

    /// Whether the stream has ended without an error.
    pub fn is_complete(&self) -> bool {
        self.stream.is_ended() && self.stream.failure().is_none()
    }
}
