//! The plan or todo list that an agent keeps with its tools.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::user_text::one_line;
use crate::canonical::{Block, ToolCall, ToolInput, ToolResult};

/// The most steps that are listed. A longer list leaves out the completed steps first.
const MAX_STEPS: usize = 10;

/// The most characters of a step or goal.
const STEP_CHARS: usize = 80;

/// The plan after the calls that were [recorded](AgentPlan::record).
#[derive(Debug, Default)]
pub(super) struct AgentPlan {
    goal: Option<PlanGoal>,
    steps: Vec<PlanStep>,
}

#[derive(Debug)]
struct PlanGoal {
    objective: String,
    status: Option<String>,
}

#[derive(Debug)]
struct PlanStep {
    /// Claude Code's number of the task, if it has one.
    id: Option<String>,
    text: String,
    status: StepStatus,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StepStatus {
    Pending,
    InProgress,
    Completed,
}

impl From<&str> for StepStatus {
    fn from(name: &str) -> Self {
        match name {
            "completed" => Self::Completed,
            "in_progress" => Self::InProgress,
            _ => Self::Pending,
        }
    }
}

/// Claude Code's `TodoWrite`, and `todowrite` of opencode: the whole list.
#[derive(Deserialize)]
struct TodoWrite {
    todos: Vec<Todo>,
}

#[derive(Deserialize)]
struct Todo {
    content: String,
    #[serde(default)]
    status: String,
}

/// Codex's `update_plan`: the whole list.
#[derive(Deserialize)]
struct UpdatePlan {
    plan: Vec<UpdatePlanStep>,
}

#[derive(Deserialize)]
struct UpdatePlanStep {
    step: String,
    #[serde(default)]
    status: String,
}

/// Claude Code's `TaskCreate`: one more task; the result of the call has its number.
#[derive(Deserialize)]
struct TaskCreate {
    subject: String,
}

/// Claude Code's `TaskUpdate`: the changes of one task.
#[derive(Deserialize)]
struct TaskUpdate {
    #[serde(rename = "taskId")]
    task_id: String,
    subject: Option<String>,
    status: Option<String>,
}

/// Codex's `create_goal`.
#[derive(Deserialize)]
struct CreateGoal {
    objective: String,
}

/// Codex's `update_goal`.
#[derive(Deserialize)]
struct UpdateGoal {
    status: String,
}

impl AgentPlan {
    /// Records a call that did not fail. Calls of other tools, and input of another shape, change nothing.
    pub(super) fn record(&mut self, call: &ToolCall, result: Option<&ToolResult>) {
        match call.name.as_str() {
            "TodoWrite" | "todowrite" => {
                if let Some(TodoWrite { todos }) = read_input(call) {
                    let step = |todo: Todo| PlanStep::new(todo.content, &todo.status);
                    self.steps = todos.into_iter().map(step).collect();
                }
            }
            "update_plan" => {
                if let Some(UpdatePlan { plan }) = read_input(call) {
                    let step = |step: UpdatePlanStep| PlanStep::new(step.step, &step.status);
                    self.steps = plan.into_iter().map(step).collect();
                }
            }
            "TaskCreate" => {
                if let Some(TaskCreate { subject }) = read_input(call) {
                    let id = result.and_then(task_number);
                    self.steps.push(PlanStep {
                        id,
                        ..PlanStep::new(subject, "pending")
                    });
                }
            }
            "TaskUpdate" => {
                if let Some(update) = read_input(call) {
                    self.update_task(update);
                }
            }
            "create_goal" => {
                if let Some(CreateGoal { objective }) = read_input(call) {
                    self.goal = Some(PlanGoal {
                        objective,
                        status: None,
                    });
                }
            }
            "update_goal" => {
                if let (Some(UpdateGoal { status }), Some(goal)) = (read_input(call), &mut self.goal) {
                    goal.status = Some(status);
                }
            }
            _ => {}
        }
    }

    fn update_task(&mut self, update: TaskUpdate) {
        let TaskUpdate {
            task_id,
            subject,
            status,
        } = update;
        let is_task = |step: &PlanStep| step.id.as_deref() == Some(task_id.as_str());
        if status.as_deref() == Some("deleted") {
            self.steps.retain(|step| !is_task(step));
            return;
        }
        if let Some(step) = self.steps.iter_mut().find(|step| is_task(step)) {
            if let Some(subject) = subject {
                step.text = subject;
            }
            if let Some(status) = status {
                step.status = StepStatus::from(status.as_str());
            }
        }
    }

    /// Adds a line for the goal and one for each step, as far as there are any.
    pub(super) fn render(&self, lines: &mut Vec<String>) {
        if let Some(goal) = &self.goal {
            let status = goal.status.as_deref().map_or(String::new(), |status| {
                format!(" ({})", one_line(status, STEP_CHARS / 4))
            });
            lines.push(format!("Goal: {}{status}", one_line(&goal.objective, STEP_CHARS)));
        }
        if self.steps.is_empty() {
            return;
        }
        let is_done = |step: &&PlanStep| step.status == StepStatus::Completed;
        let done = self.steps.iter().filter(is_done).count();
        lines.push(format!("Plan: {done} of {} done", self.steps.len()));
        let is_long = self.steps.len() > MAX_STEPS;
        let listed = self.steps.iter().filter(|step| !(is_long && is_done(step)));
        let before = lines.len();
        lines.extend(listed.take(MAX_STEPS).map(PlanStep::render));
        let hidden = self.steps.len().saturating_sub(lines.len() - before);
        if hidden > 0 {
            lines.push(format!("- and {hidden} more"));
        }
    }
}

impl PlanStep {
    fn new(text: String, status: &str) -> Self {
        Self {
            id: None,
            text,
            status: StepStatus::from(status),
        }
    }

    fn render(&self) -> String {
        let mark = match self.status {
            StepStatus::Pending => "[ ]",
            StepStatus::InProgress => "[>]",
            StepStatus::Completed => "[x]",
        };
        format!("- {mark} {}", one_line(&self.text, STEP_CHARS))
    }
}

fn read_input<T: DeserializeOwned>(call: &ToolCall) -> Option<T> {
    match &call.input {
        ToolInput::Object { json } => serde_json::from_str(json.get()).ok(),
        ToolInput::Malformed { .. } | ToolInput::Freeform { .. } => None,
    }
}

/// The number that Claude Code gives a task in the result of its creation: `Task #7 created successfully: …`.
fn task_number(result: &ToolResult) -> Option<String> {
    let text = result.content.iter().find_map(|block| match block {
        Block::Text(text) => Some(text.text.as_str()),
        _ => None,
    })?;
    let (_, rest) = text.split_once("Task #")?;
    let number: String = rest.chars().take_while(char::is_ascii_digit).take(20).collect();
    (!number.is_empty()).then_some(number)
}
