//! What is measured, and the goals.

/// One kind of work between one pair of dialects.
#[derive(Clone, Copy)]
pub struct Workload {
    /// The client's dialect.
    pub client: &'static str,
    /// The upstream's dialect.
    pub upstream: &'static str,
    pub shape: Shape,
    /// The most that the proxy may cost, as a ratio to the floor.
    pub goal: Option<f64>,
}

/// A kind of work.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A short question, a short answer.
    Small,
    /// The same on one connection, nothing else going on.
    Alone,
    /// 120 KB of a coding agent's tools and history, a short answer.
    Code,
    /// An image of 5 MB, a short answer.
    Image,
    /// A streamed text, all events ready at once.
    Burst,
    /// A streamed tool call, all events ready at once.
    Tool,
    /// A thousand streams, ten events a second each.
    Paced,
}

/// How a kind of work is done.
pub struct Plan {
    /// The driver's name of the request.
    pub request: &'static str,
    /// The upstream's name of the answer.
    pub answer: &'static str,
    /// Pieces of each streamed answer; 0 for complete ones.
    pub pieces: usize,
    /// Milliseconds between two pieces.
    pub pause: u64,
    pub connections: usize,
    pub requests: usize,
}

impl Shape {
    pub fn describe(self) -> &'static str {
        match self {
            Self::Small => "small request",
            Self::Alone => "small request, one at a time",
            Self::Code => "120 KB request",
            Self::Image => "5 MB image request",
            Self::Burst => "event of a burst",
            Self::Tool => "event of a tool call's burst",
            Self::Paced => "event, 1,000 paced streams",
        }
    }

    pub fn plan(self, quick: bool) -> Plan {
        let complete = |request, connections, requests| Plan {
            request,
            answer: "complete",
            pieces: 0,
            pause: 0,
            connections,
            requests: if quick { requests / 4 } else { requests },
        };
        let burst = |answer| Plan {
            request: "small",
            answer,
            pieces: 400,
            pause: 0,
            connections: 16,
            requests: if quick { 200 } else { 800 },
        };
        match self {
            Self::Small => complete("small", 32, 16_000),
            Self::Alone => complete("small", 1, 4_000),
            Self::Code => complete("code", 16, 2_000),
            Self::Image => complete("image", 4, 80),
            Self::Burst => burst("text"),
            Self::Tool => burst("tool"),
            Self::Paced => Plan {
                request: "small",
                answer: "text",
                pieces: if quick { 30 } else { 80 },
                pause: 100,
                connections: 1000,
                requests: 1000,
            },
        }
    }
}

impl Workload {
    pub fn name(&self) -> String {
        format!("{}@{} {}", self.client, self.upstream, self.shape.describe())
    }

    pub fn pair(&self) -> String {
        if self.client == self.upstream {
            format!("{} to itself", self.client)
        } else {
            format!("{} → {}", self.client, self.upstream)
        }
    }
}

/// The most that a proxy may hold without any request: 10 MB.
pub const IDLE_MEMORY_KIB: u64 = 10_000_000 / 1024;
/// The most that the memory of a thousand open streams may be, as a ratio to the floor's.
pub const OPEN_MEMORY_RATIO: f64 = 1.2;

/// Shapes with their goals.
type Rows = &'static [(Shape, Option<f64>)];

/// All that is measured, in the order in which it is told.
pub fn all() -> Vec<Workload> {
    use Shape::{Alone, Burst, Code, Image, Paced, Small, Tool};
    let rows: [(&'static str, &'static str, Rows); 7] = [
        (
            "claude",
            "claude",
            &[
                (Small, Some(1.3)),
                (Alone, None),
                (Code, Some(1.15)),
                (Image, Some(1.25)),
                (Burst, Some(0.4)),
                (Tool, Some(0.4)),
                (Paced, None),
            ],
        ),
        ("claude", "openai-chat", TRANSLATED),
        ("openai-chat", "claude", TRANSLATED),
        ("openai-responses", "claude", RESPONSES),
        ("claude", "openai-responses", RESPONSES),
        ("bedrock", "claude", BEDROCK),
        ("claude", "bedrock", BEDROCK),
    ];
    let of = |(client, upstream, shapes): (&'static str, &'static str, Rows)| {
        shapes.iter().map(move |&(shape, goal)| Workload {
            client,
            upstream,
            shape,
            goal,
        })
    };
    rows.into_iter().flat_map(of).collect()
}

const TRANSLATED: Rows = &[
    (Shape::Small, Some(2.0)),
    (Shape::Alone, None),
    (Shape::Code, Some(3.5)),
    (Shape::Image, None),
    (Shape::Burst, Some(0.8)),
    (Shape::Tool, Some(0.8)),
    (Shape::Paced, Some(1.2)),
];
const RESPONSES: Rows = &[
    (Shape::Small, None),
    (Shape::Code, Some(3.5)),
    (Shape::Burst, Some(0.8)),
    (Shape::Tool, Some(0.8)),
    (Shape::Paced, Some(1.2)),
];
const BEDROCK: Rows = &[
    (Shape::Small, None),
    (Shape::Code, None),
    (Shape::Burst, Some(2.5)),
    (Shape::Tool, Some(2.5)),
    (Shape::Paced, Some(2.5)),
];
