//! Reads the tools of a client's request.

use crate::canonical::{FreeformTool, FunctionTool, Grammar, Scope, Tool, UserLocation, WebSearchTool};
use crate::dialect::openai::reasons::OpenAiReason;
use crate::dialect::openai_chat::types::*;
use crate::dialect::shared::json_schema::refuse_unless_object;
use crate::dialect::shared::unknown::{drop_unknown, refuse_variant};

/// Reads `tools`; `scope` is that of the list.
pub fn read(scope: &mut Scope<'_>, tools: Vec<ChatCompletionToolUnionParam>) -> Vec<Tool> {
    let tools = tools.into_iter().enumerate();
    tools
        .filter_map(|(index, tool)| read_tool(&mut scope.index(index), tool, index))
        .collect()
}

/// `index` is the tool's position, which writers make its path of.
fn read_tool(scope: &mut Scope<'_>, tool: ChatCompletionToolUnionParam, index: usize) -> Option<Tool> {
    match tool {
        ChatCompletionToolUnionParam::Function(tool) => {
            let ChatCompletionFunctionToolParam { function, extra } = tool;
            drop_unknown(scope, &extra);
            let FunctionDefinition {
                description,
                name,
                parameters,
                strict,
                extra,
            } = function;
            let mut scope = scope.field("function");
            drop_unknown(&mut scope, &extra);
            refuse_unless_object(&mut scope.field("parameters"), parameters.as_ref());
            Some(Tool::Function(FunctionTool {
                name,
                namespace: None,
                description,
                parameters,
                strict,
                cache: None,
                index,
            }))
        }
        ChatCompletionToolUnionParam::Custom(tool) => {
            let ChatCompletionCustomToolParam { custom, extra } = tool;
            drop_unknown(scope, &extra);
            let ChatCompletionCustomToolParamCustom {
                description,
                format,
                name,
                extra,
            } = custom;
            let mut scope = scope.field("custom");
            drop_unknown(&mut scope, &extra);
            Some(Tool::Freeform(FreeformTool {
                name,
                namespace: None,
                description,
                grammar: format.and_then(|format| read_grammar(&mut scope.field("format"), format)),
                index,
            }))
        }
        ChatCompletionToolUnionParam::Unknown(unknown) => {
            refuse_variant(scope, &unknown, "tool");
            None
        }
    }
}

fn read_grammar(scope: &mut Scope<'_>, format: ChatCompletionCustomToolParamCustomFormat) -> Option<Grammar> {
    match format {
        ChatCompletionCustomToolParamCustomFormat::Text(CustomFormatText { extra }) => {
            drop_unknown(scope, &extra);
            None
        }
        ChatCompletionCustomToolParamCustomFormat::Grammar(CustomFormatGrammar { grammar, extra }) => {
            drop_unknown(scope, &extra);
            let CustomFormatGrammarGrammar {
                definition,
                syntax,
                extra,
            } = grammar;
            drop_unknown(&mut scope.field("grammar"), &extra);
            Some(Grammar {
                syntax: syntax.as_str().to_owned(),
                definition,
            })
        }
        ChatCompletionCustomToolParamCustomFormat::Unknown(_) => {
            scope.drop(OpenAiReason::UnknownToolFormat);
            None
        }
    }
}

/// Reads the deprecated `functions`; `scope` is that of the list.
pub fn read_functions(scope: &mut Scope<'_>, functions: Vec<CompletionCreateParamsFunction>) -> Vec<Tool> {
    let functions = functions.into_iter().enumerate();
    functions
        .map(|(index, function)| {
            let CompletionCreateParamsFunction {
                description,
                name,
                parameters,
                extra,
            } = function;
            let mut scope = scope.index(index);
            drop_unknown(&mut scope, &extra);
            refuse_unless_object(&mut scope.field("parameters"), parameters.as_ref());
            Tool::Function(FunctionTool {
                name,
                namespace: None,
                description,
                parameters,
                strict: None,
                cache: None,
                index,
            })
        })
        .collect()
}

/// Reads `web_search_options`, whose presence asks for a search. `index` is the position of the tool that it becomes.
pub fn read_web_search(scope: &mut Scope<'_>, options: WebSearchOptions, index: usize) -> WebSearchTool {
    let WebSearchOptions {
        search_context_size,
        user_location,
        extra,
    } = options;
    drop_unknown(scope, &extra);
    WebSearchTool {
        user_location: user_location
            .map(|location| read_location(&mut scope.field("user_location"), location)),
        context_size: search_context_size.map(|size| size.as_str().to_owned()),
        index,
        ..WebSearchTool::default()
    }
}

fn read_location(scope: &mut Scope<'_>, location: WebSearchOptionsUserLocation) -> UserLocation {
    let WebSearchOptionsUserLocation { approximate, extra } = location;
    drop_unknown(scope, &extra);
    let WebSearchOptionsUserLocationApproximate {
        city,
        country,
        region,
        timezone,
        extra,
    } = approximate;
    drop_unknown(&mut scope.field("approximate"), &extra);
    UserLocation {
        city,
        country,
        region,
        timezone,
    }
}
