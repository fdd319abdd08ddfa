//! The choice among the tools, as far as both dialects write it alike.

use crate::canonical::{Request, Tool, ToolChoice};
use crate::capability::Capabilities;
use crate::dialect::shared::tool_names::ToolNames;

/// Whether a choice makes the model call a tool.
pub fn is_forced(choice: &ToolChoice) -> bool {
    match choice {
        ToolChoice::Any
        | ToolChoice::Named {
            name: _,
            namespace: _,
        } => true,
        ToolChoice::Subset { required, names: _ } => *required,
        ToolChoice::Auto | ToolChoice::None => false,
    }
}

/// Whether the tool of this name is written as a freeform one: it is declared so, and the model accepts such tools.
pub fn is_freeform(request: &Request, capabilities: &Capabilities, name: &str) -> bool {
    let is_declared = |tool: &Tool| matches!(tool, Tool::Freeform(tool) if tool.name == name);
    capabilities.freeform_tools && request.tools.iter().any(is_declared)
}

/// The upstream's name of the tool that a choice names. Most dialects name it without its namespace.
pub fn write_chosen_name(names: &ToolNames, name: &str, namespace: Option<&str>) -> String {
    match namespace {
        Some(namespace) => names.wire_name(name, Some(namespace)),
        None => names.wire_name_of_choice(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::{FreeformTool, FunctionTool};
    use crate::dialect::openai::request::write::TOOL_NAME_LIMIT;
    use crate::dialect::openai::testing::{empty_request, model, recorded};

    fn freeform(name: &str) -> Tool {
        Tool::Freeform(FreeformTool {
            name: name.to_owned(),
            namespace: None,
            description: None,
            grammar: None,
            index: 0,
        })
    }

    #[test]
    fn a_subset_is_forced_only_if_it_is_required() {
        let subset = |required| ToolChoice::Subset {
            required,
            names: Vec::new(),
        };
        assert!(is_forced(&subset(true)) && !is_forced(&subset(false)));
        assert!(is_forced(&ToolChoice::Any) && !is_forced(&ToolChoice::Auto));
    }

    #[test]
    fn a_tool_is_freeform_if_it_is_declared_so_and_the_model_accepts_it() {
        let mut request = empty_request();
        request.tools = vec![freeform("patch")];
        let model = |freeform_tools| Capabilities {
            freeform_tools,
            ..model()
        };
        assert!(is_freeform(&request, &model(true), "patch"));
        assert!(!is_freeform(&request, &model(true), "other"));
        assert!(!is_freeform(&request, &model(false), "patch"));
    }

    #[test]
    fn a_tool_that_is_chosen_without_its_namespace_is_found() {
        let mut request = empty_request();
        request.tools = vec![Tool::Function(FunctionTool {
            name: "find".to_owned(),
            namespace: Some("crm".to_owned()),
            description: None,
            parameters: None,
            strict: None,
            cache: None,
            index: 0,
        })];
        let (names, _) = recorded(|scope| ToolNames::new(scope, &request, TOOL_NAME_LIMIT));
        assert_eq!(write_chosen_name(&names, "find", None), "crm__find");
        assert_eq!(write_chosen_name(&names, "find", Some("crm")), "crm__find");
    }
}
