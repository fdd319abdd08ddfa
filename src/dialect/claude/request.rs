//! The request envelope: `POST /v1/messages`.

use http::{HeaderName, HeaderValue};

use super::content::{self, Read};
use super::reasoning::{self, Circumstances};
use super::turns::{self, Piece, Turn, Turns};
use super::types::*;
use super::{endpoints, tools};
use crate::canonical::{
    Block, Error, ErrorClass, FieldNames, Losses, Message as CanonicalMessage, OutputFormat, Path, Request,
    Restoration, Role, Sampling, Scope, ServiceTier, SystemBlock as CanonicalSystem, SystemOrigin, Text,
    Tool,
};
use crate::capability::SamplingSupport;
use crate::dialect::shared::end_user;
use crate::dialect::shared::legacy::{
    drop_some, drop_unknown, ignore_some, refuse_no_object, refuse_some, refuse_variant,
};
use crate::dialect::shared::tool_names::ToolNames;
use crate::dialect::{ClientRequest, Preferences, ReadRequest, Target, WrittenRequest};
use crate::wire::json::{LazyStr, Number, ReadError};

/// Version of the API that requests are written for: the last one that takes sampling parameters.
pub const VERSION: &str = "2023-06-01";

/// Longest tool name that the API takes, in characters.
const TOOL_NAME_LIMIT: usize = 128;

/// How the attribution line of Claude Code begins. It differs in every request and would defeat every prompt cache.
pub const ATTRIBUTION: &str = "x-anthropic-billing-header:";

/// Begins and ends instructions and summaries that stand in a user's text.
pub const REMINDER: [&str; 2] = ["<system-reminder>", "</system-reminder>"];

static FIELDS: FieldNames = FieldNames {
    system: "system",
    messages: "messages",
    max_output_tokens: "max_tokens",
    stop: "stop_sequences",
    effort: "output_config.effort",
    thinking: "thinking",
    output_format: "output_config.format",
    verbosity: "verbosity",
    parallel_tool_calls: "tool_choice.disable_parallel_tool_use",
    end_user: "metadata.user_id",
    logprobs: "logprobs",
};

/// An invalid request, from what the reader of its JSON says.
pub fn invalid(error: ReadError) -> Error {
    let invalid = Error::new(ErrorClass::InvalidRequest, error.to_string());
    if error.path.is_empty() {
        invalid
    } else {
        invalid.at(error.path)
    }
}

/// Reads a request.
///
/// # Errors
/// An invalid request, naming the field.
pub fn read(inbound: &ClientRequest<'_>, losses: &mut Losses) -> Result<ReadRequest, Error> {
    let MessageCreateParams {
        billing_policy,
        cache_control,
        compaction,
        container,
        context_management,
        diagnostics,
        fallback_credit_token,
        fallbacks,
        inference_geo,
        max_tokens,
        mcp_servers,
        messages,
        metadata,
        model,
        output_config,
        output_format,
        service_tier,
        speed,
        stop_sequences,
        stream,
        system,
        temperature,
        thinking,
        thread,
        tool_choice,
        tools,
        top_k,
        top_p,
        extra,
    } = parse_shared_request(inbound.body).map_err(invalid)?;
    let root = Path::Root;
    drop_unknown(&extra, &root, losses);
    drop_some(
        billing_policy.as_ref(),
        root.field("billing_policy"),
        "the vendor's own billing",
        losses,
    );
    ignore_some(
        cache_control.as_ref(),
        root.field("cache_control"),
        "other vendors cache by themselves",
        losses,
    );
    drop_some(
        compaction.as_ref(),
        root.field("compaction"),
        "the vendor's own compaction",
        losses,
    );
    refuse_some(
        container.as_ref(),
        root.field("container"),
        "state that the vendor holds",
        losses,
    );
    let no_editing = "the context is not edited on the way";
    drop_some(
        context_management.as_ref(),
        root.field("context_management"),
        no_editing,
        losses,
    );
    drop_some(
        diagnostics.as_ref(),
        root.field("diagnostics"),
        "the vendor's own diagnostics",
        losses,
    );
    let no_fallback = "the vendor's own fallback";
    drop_some(
        fallback_credit_token.as_ref(),
        root.field("fallback_credit_token"),
        no_fallback,
        losses,
    );
    drop_some(fallbacks.as_ref(), root.field("fallbacks"), no_fallback, losses);
    let residency = "where data stays is a promise that another vendor does not make";
    refuse_some(
        inference_geo.as_ref(),
        root.field("inference_geo"),
        residency,
        losses,
    );
    let servers = mcp_servers.filter(|servers| !servers.is_empty());
    refuse_some(
        servers.as_ref(),
        root.field("mcp_servers"),
        "servers that the vendor connects to",
        losses,
    );
    refuse_some(
        thread.as_ref(),
        root.field("thread"),
        "state that the vendor holds",
        losses,
    );

    let mut request = Request::new(&FIELDS, inbound.model.map_or(model, str::to_owned));
    let negative =
        || Error::new(ErrorClass::InvalidRequest, "max_tokens: must not be negative").at("max_tokens");
    request.max_output_tokens = Some(u64::try_from(max_tokens).map_err(|_| negative())?);
    request.stream = inbound.stream.or(stream).unwrap_or_default();
    request.tools = tools::read(tools.unwrap_or_default(), losses);
    request.system = read_system(system, losses);
    read_messages(messages, &mut request, losses);
    if let Some(choice) = tool_choice {
        (request.tool_choice, request.parallel_tool_calls) = tools::read_choice(choice, losses);
    }
    let top_k = top_k.and_then(|top_k| u64::try_from(top_k).ok());
    request.sampling = Sampling {
        temperature,
        top_p,
        top_k,
        ..Sampling::default()
    };
    request.stop = stop_sequences.unwrap_or_default();
    read_output_config(output_config, output_format, thinking, &mut request, losses);
    request.service_tier = match (speed, service_tier) {
        (Some(MessageCreateParamsSpeed::Fast), _) => Some(ServiceTier::Fast),
        (_, Some(MessageCreateParamsServiceTier::Auto)) => Some(ServiceTier::Auto),
        (_, Some(MessageCreateParamsServiceTier::StandardOnly)) => Some(ServiceTier::Default),
        (_, Some(MessageCreateParamsServiceTier::Other(_))) => {
            losses.drop_field("service_tier", "a tier that is not known");
            None
        }
        (Some(MessageCreateParamsSpeed::Standard | MessageCreateParamsSpeed::Other(_)) | None, None) => None,
    };
    request.end_user = metadata.and_then(|MetadataParam { user_id, extra }| {
        let metadata = root.field("metadata");
        drop_unknown(&extra, &metadata, losses);
        user_id.filter(|id| !id.is_empty())
    });
    request.cache_key = cache_key(inbound, request.end_user.as_deref());
    Ok(ReadRequest {
        request,
        preferences: Preferences::default(),
    })
}

/// A key that stays the same through a session: without one, prompt caches of other vendors are hit by chance only.
fn cache_key(inbound: &ClientRequest<'_>, end_user: Option<&str>) -> Option<String> {
    let session = inbound
        .headers
        .get("x-claude-code-session-id")
        .and_then(|value| value.to_str().ok());
    session
        .map(str::to_owned)
        .or_else(|| end_user.map(end_user::digest))
}

fn read_system(system: Option<SystemPrompt>, losses: &mut Losses) -> Vec<CanonicalSystem> {
    let at = Path::Root.field("system");
    let mut blocks = Vec::new();
    match system {
        None => {}
        Some(SystemPrompt::String(text)) => {
            let text = without_attribution(text, at, losses);
            if !text.is_blank() {
                blocks.push(CanonicalSystem {
                    text,
                    origin: SystemOrigin::Field,
                    cache: None,
                });
            }
        }
        Some(SystemPrompt::Array(list)) => {
            for (index, block) in list.into_iter().enumerate() {
                let at = at.index(index);
                match block {
                    SystemBlock::Text(mut block) => {
                        if index == 0 {
                            block.text = without_attribution(block.text, at, losses);
                        }
                        let Text {
                            text,
                            annotations: _,
                            cache,
                        } = content::read_text(block, &at, losses);
                        if !text.is_blank() {
                            blocks.push(CanonicalSystem {
                                text,
                                origin: SystemOrigin::Block,
                                cache,
                            });
                        }
                    }
                    SystemBlock::Unknown(unknown) => refuse_variant(&unknown, "system block", &at, losses),
                }
            }
        }
    }
    blocks
}

/// The leading instruction without the client's attribution line.
fn without_attribution(text: LazyStr, at: Path<'_>, losses: &mut Losses) -> LazyStr {
    if !text.starts_with(ATTRIBUTION) {
        return text;
    }
    losses.ignore(at, "the client's attribution line, different in every request");
    let (_, rest) = text.split_once('\n').unwrap_or_default();
    rest.trim_start().into()
}

fn read_messages(messages: Vec<MessageParam>, request: &mut Request, losses: &mut Losses) {
    let list = Path::Root.field("messages");
    let last_user = messages
        .iter()
        .rposition(|message| matches!(message, MessageParam::User(_)));
    request.messages.reserve(messages.len());
    for (index, message) in messages.into_iter().enumerate() {
        let at = list.index(index);
        match message {
            MessageParam::User(UserMessageParam { content, extra }) => {
                drop_unknown(&extra, &at, losses);
                read_content(content, Role::User, index, request, losses);
            }
            MessageParam::Assistant(AssistantMessageParam { content, extra }) => {
                drop_unknown(&extra, &at, losses);
                read_content(content, Role::Assistant, index, request, losses);
            }
            MessageParam::System(SystemMessageParam {
                clear_at,
                content,
                output_config,
                extra,
            }) => {
                drop_unknown(&extra, &at, losses);
                let reason = "effort cannot change in the middle of a conversation";
                drop_some(output_config.as_ref(), at.field("output_config"), reason, losses);
                let until_next_user = clear_at == Some(SystemMessageParamClearAt::NextUserMessage);
                if until_next_user && last_user.is_some_and(|last| last > index) {
                    losses.drop_field(at, "an instruction that held until the user's next message");
                    continue;
                }
                read_instruction(content, index, request, losses);
            }
            MessageParam::Unknown(unknown) => refuse_variant(&unknown, "message", &at, losses),
        }
    }
}

fn read_content(
    content: MessageContentParam,
    role: Role,
    index: usize,
    request: &mut Request,
    losses: &mut Losses,
) {
    let list = match content {
        MessageContentParam::String(text) => {
            let block = Block::Text(Text::from(text));
            request
                .messages
                .push(CanonicalMessage::new(role, index, vec![block]));
            return;
        }
        MessageContentParam::Array(list) => list,
    };
    let messages = Path::Root.field("messages");
    let message = messages.index(index);
    let content = message.field("content");
    let mut blocks = Vec::with_capacity(list.len());
    for (position, block) in list.into_iter().enumerate() {
        let at = content.index(position);
        match content::read(block, &at, losses) {
            Read::Block(block) => blocks.push(block),
            Read::Nothing => {}
            Read::Tool(tool) => add_tool(*tool, &at, request, losses),
            Read::Summary(text) => {
                if !blocks.is_empty() {
                    request
                        .messages
                        .push(CanonicalMessage::new(role, index, std::mem::take(&mut blocks)));
                }
                let [begin, end] = REMINDER;
                let text = format!("{begin}What was said before, in short:\n{text}{end}");
                let block = Block::Text(Text::from(text));
                request
                    .messages
                    .push(CanonicalMessage::new(Role::User, index, vec![block]));
            }
        }
    }
    if !blocks.is_empty() {
        request.messages.push(CanonicalMessage::new(role, index, blocks));
    }
}

fn read_instruction(
    content: Option<SystemMessageParamContent>,
    index: usize,
    request: &mut Request,
    losses: &mut Losses,
) {
    let messages = Path::Root.field("messages");
    let message = messages.index(index);
    let at = message.field("content");
    let mut blocks = Vec::new();
    match content {
        None => {}
        Some(SystemMessageParamContent::String(text)) => blocks.push(Block::Text(Text::from(text))),
        Some(SystemMessageParamContent::Array(list)) => {
            for (position, block) in list.into_iter().enumerate() {
                let at = at.index(position);
                match block {
                    SystemMessageBlockParam::Text(block) => {
                        blocks.push(Block::Text(content::read_text(block, &at, losses)));
                    }
                    SystemMessageBlockParam::ToolAddition(block) => {
                        if let Read::Tool(tool) = content::read_addition(block, &at, losses) {
                            add_tool(*tool, &at, request, losses);
                        }
                    }
                    SystemMessageBlockParam::ToolRemoval(_) => {
                        losses.drop_field(at, "a tool cannot be taken away in the middle of a conversation");
                    }
                    SystemMessageBlockParam::Unknown(unknown) => {
                        refuse_variant(&unknown, "content block", &at, losses);
                    }
                }
            }
        }
    }
    blocks.retain(|block| !matches!(block, Block::Text(text) if text.text.is_blank()));
    if !blocks.is_empty() {
        request
            .messages
            .push(CanonicalMessage::new(Role::System, index, blocks));
    }
}

/// Declares a tool that the conversation adds, after those of the list.
fn add_tool(tool: ToolParam, at: &Path<'_>, request: &mut Request, losses: &mut Losses) {
    let index = request.tools.len();
    let tool = tools::read_custom(tool, index, at, losses);
    let known = |known: &Tool| matches!(known, Tool::Function(known) if known.name == tool.name);
    if !request.tools.iter().any(known) {
        request.tools.push(Tool::Function(tool));
    }
}

fn read_output_config(
    config: Option<OutputConfigParam>,
    former_format: Option<JsonOutputFormatParam>,
    thinking: Option<ThinkingConfigParam>,
    request: &mut Request,
    losses: &mut Losses,
) {
    let at = Path::Root.field("output_config");
    let OutputConfigParam {
        effort,
        format,
        task_budget,
        extra,
    } = config.unwrap_or_default();
    drop_unknown(&extra, &at, losses);
    drop_some(
        task_budget.as_ref(),
        at.field("task_budget"),
        "a budget for a whole task",
        losses,
    );
    request.reasoning = reasoning::read_control(thinking, effort, losses);
    let format = format.map(|format| (format, at.field("format")));
    let former = former_format.map(|format| (format, Path::Root.field("output_format")));
    request.output_format = format.or(former).map(|(format, at)| {
        let JsonOutputFormatParam { schema, extra } = format;
        drop_unknown(&extra, &at, losses);
        refuse_no_object(Some(&schema), at.field("schema"), losses);
        OutputFormat::JsonSchema {
            name: None,
            description: None,
            schema,
            // What this API is given a schema for, it holds the answer to.
            strict: Some(true),
        }
    });
}

/// Writes a request.
pub fn write(request: &Request, target: &Target<'_>, losses: &mut Losses) -> WrittenRequest {
    let Built { body, restoration } = build(request, target, request.service_tier, losses);
    let version = (
        HeaderName::from_static("anthropic-version"),
        HeaderValue::from_static(VERSION),
    );
    WrittenRequest {
        path: endpoints::MESSAGES.into(),
        headers: vec![version],
        body,
        restoration,
    }
}

/// A request without its envelope.
#[derive(Debug)]
pub struct Built {
    /// The JSON body.
    pub body: Vec<u8>,
    /// What has to be undone in the answer.
    pub restoration: Restoration,
}

/// Writes the body of a request, for a service tier of its own.
pub fn build(
    request: &Request,
    target: &Target<'_>,
    tier: Option<ServiceTier>,
    losses: &mut Losses,
) -> Built {
    let Request {
        fields: _,
        model: _,
        stream,
        system,
        messages: _,
        tools: _,
        tool_choice: _,
        parallel_tool_calls: _,
        max_output_tokens,
        sampling,
        stop,
        reasoning: _,
        output_format: _,
        verbosity,
        end_user,
        cache_key,
        metadata,
        service_tier: _,
        logprobs,
    } = request;
    let Target {
        model, capabilities, ..
    } = target;
    let names = ToolNames::new(&mut Scope::root(losses), request, TOOL_NAME_LIMIT);
    let Turns {
        turns,
        system_as_user,
    } = turns::shape(request, capabilities, losses);
    let tools::Written {
        tools,
        choice,
        format,
        json_tool,
    } = tools::write(request, &names, capabilities, losses);
    let forced = matches!(choice, Some(ToolChoiceParam::Any(_) | ToolChoiceParam::Tool(_)));

    let max_tokens = write_max_tokens(*max_output_tokens, target, request.fields, losses);
    let circumstances = Circumstances {
        max_tokens,
        forced_tool: forced,
        lost_thinking: has_lost_thinking(&turns),
    };
    let control = reasoning::write_control(request, capabilities, circumstances, losses);

    let messages = write_messages(turns, &names, losses);
    let max_tokens = i64::try_from(max_tokens).unwrap_or(i64::MAX);
    let mut out = MessageCreateParams::new(max_tokens, messages, *model);
    out.stream = stream.then_some(true);
    out.system = write_system(system, system_as_user);
    out.tools = (!tools.is_empty()).then_some(tools);
    out.tool_choice = choice;
    write_sampling(sampling, target, control.has_budget(), &mut out, losses);
    out.thinking = control.thinking;
    if control.effort.is_some() || format.is_some() {
        out.output_config = Some(OutputConfigParam {
            effort: control.effort,
            format,
            ..OutputConfigParam::new()
        });
    }
    let stop: Vec<String> = stop
        .iter()
        .filter(|text| !text.trim().is_empty())
        .cloned()
        .collect();
    if stop.len() < request.stop.len() {
        losses.drop_field(request.fields.stop, "blank stop sequences are not taken");
    }
    out.stop_sequences = (!stop.is_empty()).then_some(stop);
    out.metadata = end_user.as_ref().map(|id| {
        let user_id = Some(end_user::make_opaque(id));
        MetadataParam {
            user_id,
            ..MetadataParam::new()
        }
    });
    write_tier(tier, &mut out, losses);
    if verbosity.is_some() {
        losses.drop_field(request.fields.verbosity, "verbosity cannot be asked for");
    }
    if logprobs.is_some() {
        losses.refuse(request.fields.logprobs, "log probabilities are not given");
    }
    if cache_key.is_some() {
        losses.ignore("prompt_cache_key", "caching follows the content alone");
    }
    if !metadata.is_empty() {
        losses.ignore("metadata", "nothing is stored with the answer");
    }

    let restoration = Restoration {
        tools: names.into_original_tools(),
        json_tool,
        stop: Vec::new(),
    };
    let mut body = target.buffer();
    write_request_into(&out, &mut body);
    Built { body, restoration }
}

/// Output tokens where neither the client nor the model's data gives a number; the API demands one.
const DEFAULT_MAX_TOKENS: u64 = 8192;

fn write_max_tokens(
    wanted: Option<u64>,
    target: &Target<'_>,
    fields: &FieldNames,
    losses: &mut Losses,
) -> u64 {
    let most = target.capabilities.max_output;
    match (wanted, most) {
        (Some(wanted), Some(most)) if wanted > most => {
            losses.approximate(
                fields.max_output_tokens,
                format!("cut to the model's limit of {most} tokens"),
            );
            most
        }
        (Some(wanted), _) => wanted,
        (None, most) => most.unwrap_or(DEFAULT_MAX_TOKENS),
    }
}

/// Whether the last turn of the assistant calls tools and does not begin with thinking. Models that think up to a budget
/// refuse such a history while thinking is on.
fn has_lost_thinking(turns: &[Turn<'_>]) -> bool {
    let Some(last) = turns.iter().rfind(|turn| turn.role == Role::Assistant) else {
        return false;
    };
    let calls = last
        .pieces
        .iter()
        .any(|piece| matches!(*piece.block, Block::ToolCall(_)));
    let thinks = last
        .pieces
        .first()
        .is_some_and(|piece| matches!(*piece.block, Block::Reasoning(_)));
    calls && !thinks
}

fn write_system(system: &[CanonicalSystem], last_is_user: bool) -> Option<SystemPrompt> {
    let system = if last_is_user {
        system.split_last().map_or(system, |(_, rest)| rest)
    } else {
        system
    };
    match system {
        [] => None,
        [
            CanonicalSystem {
                text,
                origin: SystemOrigin::Field,
                cache: None,
            },
        ] => Some(SystemPrompt::String(text.clone())),
        blocks => {
            let blocks = blocks.iter().map(
                |CanonicalSystem {
                     text,
                     origin: _,
                     cache,
                 }| {
                    let cache_control = content::write_cache(*cache);
                    SystemBlock::from(TextBlockParam {
                        cache_control,
                        ..TextBlockParam::new(text)
                    })
                },
            );
            Some(SystemPrompt::Array(blocks.collect()))
        }
    }
}

fn write_messages(turns: Vec<Turn<'_>>, names: &ToolNames, losses: &mut Losses) -> Vec<MessageParam> {
    let mut messages = Vec::with_capacity(turns.len());
    for Turn { role, pieces } in turns {
        if role == Role::System {
            let blocks = pieces.iter().filter_map(|piece| match &*piece.block {
                Block::Text(text) => Some(SystemMessageBlockParam::from(content::write_text(text))),
                _ => None,
            });
            let content = SystemMessageParamContent::Array(blocks.collect());
            messages.push(
                SystemMessageParam {
                    content: Some(content),
                    ..SystemMessageParam::new()
                }
                .into(),
            );
            continue;
        }
        let blocks = pieces
            .iter()
            .filter_map(|Piece { block, path }| content::write(block, *path, names, losses))
            .collect();
        let content = plain(blocks);
        messages.push(match role {
            Role::Assistant => AssistantMessageParam::new(content).into(),
            Role::User | Role::System => UserMessageParam::new(content).into(),
        });
    }
    messages
}

/// A single plain text as a string, the form that the API's own examples have.
fn plain(blocks: Vec<ContentBlockParam>) -> MessageContentParam {
    match <[ContentBlockParam; 1]>::try_from(blocks) {
        Ok([ContentBlockParam::Text(block)]) if block.cache_control.is_none() => {
            MessageContentParam::String(block.text)
        }
        Ok([block]) => MessageContentParam::Array(vec![block]),
        Err(blocks) => MessageContentParam::Array(blocks),
    }
}

fn write_sampling(
    sampling: &Sampling,
    target: &Target<'_>,
    has_budget: bool,
    out: &mut MessageCreateParams,
    losses: &mut Losses,
) {
    let Sampling {
        temperature,
        top_p,
        top_k,
        seed,
        frequency_penalty,
        presence_penalty,
    } = sampling;
    for (value, name) in [
        (seed, "seed"),
        (frequency_penalty, "frequency_penalty"),
        (presence_penalty, "presence_penalty"),
    ] {
        drop_some(
            value.as_ref(),
            Path::Root.field(name),
            "not taken by this dialect",
            losses,
        );
    }
    if target.capabilities.sampling != SamplingSupport::All {
        let reason = "this model takes no sampling parameters";
        drop_some(
            temperature.as_ref(),
            Path::Root.field("temperature"),
            reason,
            losses,
        );
        drop_some(top_p.as_ref(), Path::Root.field("top_p"), reason, losses);
        drop_some(top_k.as_ref(), Path::Root.field("top_k"), reason, losses);
        return;
    }
    let is_one = |number: &Number| number.as_f64() == Some(1.0);
    out.temperature = match temperature {
        Some(value) if has_budget && !is_one(value) => {
            losses.drop_field("temperature", "thinking allows no temperature but 1");
            None
        }
        Some(value) if value.as_f64().is_some_and(|value| value > 1.0) => {
            losses.approximate("temperature", "cut to 1, the most that is taken");
            Some(Number::from(1))
        }
        value => value.clone(),
    };
    out.top_p = match top_p {
        Some(_) if temperature.is_some() && !target.capabilities.temperature_with_top_p => {
            losses.drop_field("top_p", "this model takes either temperature or top_p");
            None
        }
        value => value.clone(),
    };
    out.top_k = match top_k {
        Some(_) if has_budget => {
            losses.drop_field("top_k", "thinking allows no top_k");
            None
        }
        value => value.and_then(|value| i64::try_from(value).ok()),
    };
}

fn write_tier(tier: Option<ServiceTier>, out: &mut MessageCreateParams, losses: &mut Losses) {
    let Some(tier) = tier else { return };
    out.service_tier = match tier {
        ServiceTier::Auto => Some(MessageCreateParamsServiceTier::Auto),
        ServiceTier::Default => Some(MessageCreateParamsServiceTier::StandardOnly),
        ServiceTier::Priority => {
            losses.approximate("service_tier", "the account's own tier is used");
            Some(MessageCreateParamsServiceTier::Auto)
        }
        ServiceTier::Flex | ServiceTier::Scale | ServiceTier::Fast | ServiceTier::Ultrafast => {
            losses.drop_field("service_tier", "a tier that this vendor does not have");
            None
        }
    };
}
