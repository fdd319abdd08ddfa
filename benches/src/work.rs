//! The micro set: every unit of work by name, for the clock (`cargo bench`) and for instruction counts.

use bytes::Bytes;
use llm_proxy::dialect::DialectName;
use llm_proxy::wire::framing::Framing;

use crate::answer::{self, Script};
use crate::exchange::Pair;
use crate::request;

/// A unit of work, ready to be done any number of times.
pub struct Work {
    /// What it is, such as `request/code/claude@openai-chat`.
    pub name: String,
    /// How often it is done for one measurement; what is told is the mean.
    pub times: usize,
    run: Box<dyn FnMut(usize)>,
}

impl Work {
    fn new(name: String, times: usize, run: impl FnMut(usize) + 'static) -> Self {
        let run = Box::new(run);
        Self { name, times, run }
    }

    /// Does it so many times.
    pub fn run(&mut self, times: usize) {
        (self.run)(times);
    }
}

/// A maker of a unit of work; nothing is made before it is wanted.
pub type Maker = (String, Box<dyn Fn() -> Work>);

fn maker(name: String, make: impl Fn(String) -> Work + 'static) -> Maker {
    let same = name.clone();
    (name, Box::new(move || make(same.clone())))
}

/// Every unit of work.
pub fn all() -> Vec<Maker> {
    let mut all = Vec::new();
    for (client, upstream) in Pair::all() {
        for kind in [request::Kind::Small, request::Kind::Code, request::Kind::Image] {
            let name = format!("request/{}/{client}@{upstream}", kind.as_str());
            all.push(maker(name, move |name| sent(name, kind, client, upstream)));
        }
    }
    for (client, upstream) in Pair::all().filter(|(client, upstream)| client != upstream) {
        let name = format!("answer/{client}@{upstream}");
        all.push(maker(name, move |name| answered(name, client, upstream)));
        for kind in answer::Kind::ALL {
            let name = format!("event/{}/{client}@{upstream}", kind.as_str());
            all.push(maker(name, move |name| event(name, kind, client, upstream)));
        }
        let name = format!("stream/ends/{client}@{upstream}");
        all.push(maker(name, move |name| ends(name, client, upstream)));
    }
    for (dialect, name) in [
        (DialectName::Claude, "framing/sse"),
        (DialectName::Bedrock, "framing/event-stream"),
    ] {
        all.push(maker(name.to_owned(), move |name| framing(name, dialect)));
    }
    for count in [1, 100] {
        let name = format!("route/{count}");
        all.push(maker(name, move |name| route(name, count)));
    }
    all
}

fn sent(name: String, kind: request::Kind, client: DialectName, upstream: DialectName) -> Work {
    let pair = Pair::new(client, upstream);
    let body = request::request(kind, client, true);
    // Where little is done, the allocator's moods have to be spread over many times.
    let little = client == DialectName::Bedrock && upstream == DialectName::Bedrock;
    let times = if kind == request::Kind::Small || little {
        50
    } else {
        1
    };
    Work::new(name, times, move |times| {
        for _ in 0..times {
            std::hint::black_box(pair.send(&body));
        }
    })
}

fn answered(name: String, client: DialectName, upstream: DialectName) -> Work {
    let request = request::request(request::Kind::Small, client, false);
    let (exchange, _) = Pair::new(client, upstream).begin(&request, false);
    let body = answer::complete(upstream);
    Work::new(name, 20, move |times| {
        for _ in 0..times {
            let answered = exchange.translate_response(&mut llm_proxy::canonical::Losses::new(), &body);
            std::hint::black_box(answered.expect("an answer"));
        }
    })
}

/// One more piece of a stream that is under way.
fn event(name: String, kind: answer::Kind, client: DialectName, upstream: DialectName) -> Work {
    let request = request::request(request::Kind::Small, client, true);
    let script = Script::new(upstream, kind, 0);
    let mut stream = Pair::new(client, upstream).stream(&request);
    for head in &script.head {
        stream.push(head);
    }
    let piece = script.piece(1, "");
    Work::new(name, 200, move |times| {
        for _ in 0..times {
            std::hint::black_box(stream.push(&piece));
        }
    })
}

/// A stream's first and last events, with one piece between them.
fn ends(name: String, client: DialectName, upstream: DialectName) -> Work {
    let request = request::request(request::Kind::Small, client, true);
    let pair = Pair::new(client, upstream);
    let (exchange, _) = pair.begin(&request, true);
    let events = Script::events(upstream, answer::Kind::Text, 1);
    Work::new(name, 10, move |times| {
        for _ in 0..times {
            let mut stream = crate::exchange::Stream::of(&exchange);
            for event in &events {
                std::hint::black_box(stream.push(event));
            }
            assert!(stream.is_complete(), "the stream has not ended");
        }
    })
}

fn framing(name: String, dialect: DialectName) -> Work {
    let framing = if dialect == DialectName::Bedrock {
        Framing::EventStream
    } else {
        Framing::Sse
    };
    let piece = Script::new(dialect, answer::Kind::Text, 0).piece(1, "");
    let mut decoder = framing.decoder();
    Work::new(name, 200, move |times| {
        for _ in 0..times {
            decoder.push(piece.clone());
            std::hint::black_box(decoder.next().expect("a frame"));
        }
    })
}

/// From a path and a model's name to the upstream, in a configuration of so many prefixes with two models each.
fn route(name: String, count: usize) -> Work {
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
    Work::new(name, 200, move |times| {
        for _ in 0..times {
            let (group, rest) = routes.find(&path).expect("a prefix");
            std::hint::black_box((group.lookup(crate::MODEL).expect("a model"), rest));
        }
    })
}

/// Requests of growing size: translated they have to cost the same for each byte.
pub fn request_of_size(size: usize, client: DialectName, upstream: DialectName) -> (Work, usize) {
    let pair = Pair::new(client, upstream);
    let body: Bytes = request::chat(size, client);
    let length = body.len();
    let name = format!("growth/request/{size}/{client}@{upstream}");
    let work = Work::new(name, 1, move |times| {
        for _ in 0..times {
            std::hint::black_box(pair.send(&body));
        }
    });
    (work, length)
}

/// One more event of a stream, however many were before it.
pub fn stream(client: DialectName, upstream: DialectName) -> Work {
    let name = format!("growth/event/{client}@{upstream}");
    event(name, answer::Kind::Text, client, upstream)
}

#[cfg(test)]
mod tests {
    /// A change that a bench cannot follow is found by the tests.
    #[test]
    fn all_work_can_be_done() {
        for (name, make) in super::all() {
            if !name.starts_with("request/image") {
                make().run(1);
            }
        }
    }
}
