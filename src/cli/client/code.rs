//! The settings of clients that are configured in code or called in a shell.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use super::choose::endpoint_path;
use super::settings::{ClientSettings, SettingsWriter, Snippet, quote_literal};
use super::show::quote_for_shell;
use crate::canonical::DialectName;

/// The characters to encode in a model name in a path: all except the unreserved characters of RFC 3986, section 2.3.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

impl SettingsWriter<'_> {
    pub(super) fn write_vercel(&self, settings: &mut ClientSettings) {
        let (base, model) = (quote_literal(&self.base), quote_literal(self.model));
        let versioned = quote_literal(&format!("{}/v1", self.base));
        let key = quote_literal(&self.client_key());
        let text = match self.target.dialect {
            DialectName::OpenAiChat => format!(
                "import {{ createOpenAI }} from \"@ai-sdk/openai\";\n\n\
                 const model = createOpenAI({{ baseURL: {base}, apiKey: {key} }}).chat({model});\n"
            ),
            // With `store: true`, the default, the SDK sends identifiers of earlier items instead of the items.
            DialectName::OpenAiResponses => format!(
                "import {{ createOpenAI }} from \"@ai-sdk/openai\";\n\n\
                 const model = createOpenAI({{ baseURL: {base}, apiKey: {key} }}).responses({model});\n\
                 const providerOptions = {{ openai: {{ store: false }} }}; // pass this with every call\n"
            ),
            DialectName::Claude => format!(
                "import {{ createAnthropic }} from \"@ai-sdk/anthropic\";\n\n\
                 const model = createAnthropic({{ baseURL: {versioned}, apiKey: {key} }})({model});\n"
            ),
            DialectName::Bedrock => {
                settings.env = self.aws_credentials();
                format!(
                    "import {{ createAmazonBedrockAnthropic }} from \"@ai-sdk/amazon-bedrock/anthropic\";\n\n\
                     const model = createAmazonBedrockAnthropic({{ baseURL: {base}, region: {} }})({model});\n",
                    quote_literal(&self.region())
                )
            }
        };
        settings.snippets = vec![Snippet {
            title: "JavaScript",
            text,
        }];
    }

    pub(super) fn write_curl(&self, settings: &mut ClientSettings) {
        let hello = json!([{"role": "user", "content": "Hello"}]);
        let key = |header: &str| {
            format!(
                " \\\n  -H {}",
                quote_for_shell(&format!("{header}{}", self.client_key()))
            )
        };
        let mut url = format!("{}{}", self.base, endpoint_path(self.target.dialect));
        let (headers, body) = match self.target.dialect {
            DialectName::OpenAiChat => (
                key("authorization: Bearer "),
                json!({"model": self.model, "messages": hello}),
            ),
            DialectName::OpenAiResponses => (
                key("authorization: Bearer "),
                json!({"model": self.model, "input": "Hello"}),
            ),
            DialectName::Claude => (
                format!("{} -H 'anthropic-version: 2023-06-01'", key("x-api-key: ")),
                json!({"model": self.model, "max_tokens": 1024, "messages": hello}),
            ),
            DialectName::Bedrock => {
                let id = utf8_percent_encode(self.model, IN_PATH);
                url.push_str(&format!("/{id}/invoke"));
                let headers = match self.target.access_key_id {
                    None => key("authorization: Bearer "),
                    Some(_) => {
                        settings.env = self.aws_credentials();
                        if url.contains('%') {
                            let note = "curl signs paths with percent escapes incorrectly: use a model name without a colon.";
                            settings.notes.push(note.to_owned());
                        }
                        format!(
                            " \\\n  --aws-sigv4 aws:amz:{}:bedrock --user \"$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY\"",
                            self.region()
                        )
                    }
                };
                let body =
                    json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 1024, "messages": hello});
                (headers, body)
            }
        };
        settings.snippets = vec![Snippet {
            title: "Shell",
            text: format!(
                "curl {} -H 'content-type: application/json'{headers} \\\n  -d {}\n",
                quote_for_shell(&url),
                quote_for_shell(&body.to_string())
            ),
        }];
    }
}
