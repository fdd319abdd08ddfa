//! The workloads and their goals.

/// A kind of work for a pair of dialects.
#[derive(Clone, Copy)]
pub struct Workload {
    /// The client's dialect.
    pub client: &'static str,
    /// The upstream's dialect.
    pub upstream: &'static str,
    pub shape: WorkloadShape,
    /// Maximum processor time of the proxy, as a ratio to the floor.
    pub goal: Option<f64>,
}

/// A kind of work.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum WorkloadShape {
    /// A short question and a short response.
    Small,
    /// As `Small`, on one connection without other load.
    Alone,
    /// 120 KB of a coding agent's tools and history, and a short response.
    Code,
    /// An image of 5 MB and a short response.
    Image,
    /// A streamed text whose events are all ready at once.
    Burst,
    /// A streamed tool call whose events are all ready at once.
    Tool,
    /// A thousand concurrent streams with ten events per second each.
    Paced,
}

/// The parameters of a run for load driver and upstream.
pub struct LoadPlan {
    /// Name of the request for the load driver.
    pub request: &'static str,
    /// Name of the response for the upstream.
    pub response: &'static str,
    /// Pieces per streamed response; 0 for complete responses.
    pub pieces: usize,
    /// Milliseconds between two pieces of a stream.
    pub pause: u64,
    pub connections: usize,
    pub requests: usize,
}

impl WorkloadShape {
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

    pub fn plan(self, quick: bool) -> LoadPlan {
        let complete = |request, connections, requests| LoadPlan {
            request,
            response: "complete",
            pieces: 0,
            pause: 0,
            connections,
            requests: if quick { requests / 4 } else { requests },
        };
        let burst = |response| LoadPlan {
            request: "small",
            response,
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
            Self::Paced => LoadPlan {
                request: "small",
                response: "text",
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

/// Maximum memory of an idle proxy: 10 MB.
pub const IDLE_MEMORY_KIB: u64 = 10_000_000 / 1024;
/// Maximum memory with a thousand open streams, as a ratio to the floor.
pub const OPEN_MEMORY_RATIO: f64 = 1.2;

/// Kinds of work with their goals.
type Rows = &'static [(WorkloadShape, Option<f64>)];

/// All workloads, in the order of the tables.
pub fn all() -> Vec<Workload> {
    use WorkloadShape::{Alone, Burst, Code, Image, Paced, Small, Tool};
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
    (WorkloadShape::Small, Some(2.0)),
    (WorkloadShape::Alone, None),
    (WorkloadShape::Code, Some(3.5)),
    (WorkloadShape::Image, None),
    (WorkloadShape::Burst, Some(0.8)),
    (WorkloadShape::Tool, Some(0.8)),
    (WorkloadShape::Paced, Some(1.2)),
];
const RESPONSES: Rows = &[
    (WorkloadShape::Small, None),
    (WorkloadShape::Code, Some(3.5)),
    (WorkloadShape::Burst, Some(0.8)),
    (WorkloadShape::Tool, Some(0.8)),
    (WorkloadShape::Paced, Some(1.2)),
];
const BEDROCK: Rows = &[
    (WorkloadShape::Small, None),
    (WorkloadShape::Code, None),
    (WorkloadShape::Burst, Some(2.5)),
    (WorkloadShape::Tool, Some(2.5)),
    (WorkloadShape::Paced, Some(2.5)),
];
