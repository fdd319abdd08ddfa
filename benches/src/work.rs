//! The micro benchmarks by name, for times (`cargo bench`) and for instruction counts.

use bytes::Bytes;
use llm_proxy::dialect::DialectName;
use llm_proxy::wire::framing::Framing;

use crate::exchange::BenchPair;
use crate::request;
use crate::response::{self, StreamScript};

/// A micro benchmark, ready to run.
pub struct MicroBench {
    /// Its name, such as `request/code/claude@openai-chat`.
    pub name: String,
    /// Number of repetitions in a measurement; results are means.
    pub times: usize,
    run: Box<dyn FnMut(usize)>,
}

impl MicroBench {
    fn new(name: String, times: usize, run: impl FnMut(usize) + 'static) -> Self {
        let run = Box::new(run);
        Self { name, times, run }
    }

    /// Runs it this number of times.
    pub fn run(&mut self, times: usize) {
        (self.run)(times);
    }
}

/// The name of a micro benchmark and a function that creates it. Creating one is expensive, so only the selected ones
/// are created.
pub type MicroBenchFactory = (String, Box<dyn Fn() -> MicroBench>);

fn factory(name: String, make: impl Fn(String) -> MicroBench + 'static) -> MicroBenchFactory {
    let same = name.clone();
    (name, Box::new(move || make(same.clone())))
}

/// All micro benchmarks.
pub fn all() -> Vec<MicroBenchFactory> {
    let mut all = Vec::new();
    for (client, upstream) in BenchPair::all() {
        for kind in [
            request::RequestKind::Small,
            request::RequestKind::Code,
            request::RequestKind::Image,
        ] {
            let name = format!("request/{}/{client}@{upstream}", kind.as_str());
            all.push(factory(name, move |name| {
                send_request(name, kind, client, upstream)
            }));
        }
    }
    for (client, upstream) in BenchPair::all().filter(|(client, upstream)| client != upstream) {
        let name = format!("answer/{client}@{upstream}");
        all.push(factory(name, move |name| read_response(name, client, upstream)));
        for kind in response::StreamKind::ALL {
            let name = format!("event/{}/{client}@{upstream}", kind.as_str());
            all.push(factory(name, move |name| event(name, kind, client, upstream)));
        }
        let name = format!("stream/ends/{client}@{upstream}");
        all.push(factory(name, move |name| ends(name, client, upstream)));
    }
    for (dialect, name) in [
        (DialectName::Claude, "framing/sse"),
        (DialectName::Bedrock, "framing/event-stream"),
    ] {
        all.push(factory(name.to_owned(), move |name| framing(name, dialect)));
    }
    for count in [1, 100] {
        let name = format!("route/{count}");
        all.push(factory(name, move |name| route(name, count)));
    }
    all
}

fn send_request(
    name: String,
    kind: request::RequestKind,
    client: DialectName,
    upstream: DialectName,
) -> MicroBench {
    let pair = BenchPair::new(client, upstream);
    let body = request::request(kind, client, true);
    // Small benchmarks need many repetitions: one call of the allocator can be as expensive as the work.
    let little = client == DialectName::Bedrock && upstream == DialectName::Bedrock;
    let times = if kind == request::RequestKind::Small || little {
        50
    } else {
        1
    };
    MicroBench::new(name, times, move |times| {
        for _ in 0..times {
            std::hint::black_box(pair.send(&body));
        }
    })
}

fn read_response(name: String, client: DialectName, upstream: DialectName) -> MicroBench {
    let request = request::request(request::RequestKind::Small, client, false);
    let (exchange, _) = BenchPair::new(client, upstream).begin(&request, false);
    let body = response::complete(upstream);
    MicroBench::new(name, 20, move |times| {
        for _ in 0..times {
            let response = exchange.translate_response(&mut llm_proxy::canonical::Losses::new(), &body);
            std::hint::black_box(response.expect("an answer"));
        }
    })
}

/// Translates one more event of a stream.
fn event(name: String, kind: response::StreamKind, client: DialectName, upstream: DialectName) -> MicroBench {
    let request = request::request(request::RequestKind::Small, client, true);
    let script = StreamScript::new(upstream, kind, 0);
    let mut stream = BenchPair::new(client, upstream).stream(&request);
    for head in &script.head {
        stream.push(head);
    }
    let piece = script.piece(1, "");
    MicroBench::new(name, 200, move |times| {
        for _ in 0..times {
            std::hint::black_box(stream.push(&piece));
        }
    })
}

/// Translates a complete stream with one piece of content: the cost of its first and last events.
fn ends(name: String, client: DialectName, upstream: DialectName) -> MicroBench {
    let request = request::request(request::RequestKind::Small, client, true);
    let pair = BenchPair::new(client, upstream);
    let (exchange, _) = pair.begin(&request, true);
    let events = StreamScript::events(upstream, response::StreamKind::Text, 1);
    MicroBench::new(name, 10, move |times| {
        for _ in 0..times {
            let mut stream = crate::exchange::BenchStream::of(&exchange);
            for event in &events {
                std::hint::black_box(stream.push(event));
            }
            assert!(stream.is_complete(), "the stream did not end with success");
        }
    })
}

fn framing(name: String, dialect: DialectName) -> MicroBench {
    let framing = if dialect == DialectName::Bedrock {
        Framing::EventStream
    } else {
        Framing::Sse
    };
    let piece = StreamScript::new(dialect, response::StreamKind::Text, 0).piece(1, "");
    let mut decoder = framing.decoder();
    MicroBench::new(name, 200, move |times| {
        for _ in 0..times {
            decoder.push(piece.clone());
            std::hint::black_box(decoder.next().expect("a frame"));
        }
    })
}

/// Finds the upstream for a path and a model name, in a configuration with `count` prefixes and two models each.
fn route(name: String, count: usize) -> MicroBench {
    let mut text = "models:\n".to_owned();
    for prefix in 0..count {
        for model in ["gpt-*", crate::MODEL] {
            text.push_str(&format!(
                "  - frontend_model_name: \"{model}\"\n    frontend_base_url: /team-{prefix}\n    \
                 backend_model_name: m\n    backend_base_url: http://127.0.0.1:1\n"
            ));
        }
    }
    let loaded = llm_proxy::config::parse(&text, &|_| None).expect("a configuration");
    let routes = llm_proxy::proxy::route::Routes::new(loaded.config);
    let path = format!("/team-{}/v1/messages", count / 2);
    MicroBench::new(name, 200, move |times| {
        for _ in 0..times {
            let (group, rest) = routes.find(&path).expect("a prefix");
            std::hint::black_box((group.lookup(crate::MODEL).expect("a model"), rest));
        }
    })
}

/// Translates a request of about `size` bytes. Returns the exact size as well. The cost per byte must not grow with the
/// size.
pub fn request_of_size(size: usize, client: DialectName, upstream: DialectName) -> (MicroBench, usize) {
    let pair = BenchPair::new(client, upstream);
    let body: Bytes = request::chat(size, client);
    let length = body.len();
    let name = format!("growth/request/{size}/{client}@{upstream}");
    let work = MicroBench::new(name, 1, move |times| {
        for _ in 0..times {
            std::hint::black_box(pair.send(&body));
        }
    });
    (work, length)
}

/// Translates one more event of a stream. The cost must not grow with the number of earlier events.
pub fn stream(client: DialectName, upstream: DialectName) -> MicroBench {
    let name = format!("growth/event/{client}@{upstream}");
    event(name, response::StreamKind::Text, client, upstream)
}

#[cfg(test)]
mod tests {
    /// `cargo test` does not run benchmarks; this test finds those that no longer work.
    #[test]
    fn every_benchmark_runs() {
        for (name, make) in super::all() {
            if !name.starts_with("request/image") {
                make().run(1);
            }
        }
    }
}
