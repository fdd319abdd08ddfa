//! What is written in code or typed in a shell.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use super::choose::endpoint;
use super::settings::{Settings, Snippet, Writer, literal};
use super::show::quoted;
use crate::canonical::DialectName;

/// What a model's name is encoded by in a path: what RFC 3986 calls unreserved stays.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

impl Writer<'_> {
    pub(super) fn vercel(&self, settings: &mut Settings) {
        let (base, model) = (literal(&self.base), literal(self.model));
        let versioned = literal(&format!("{}/v1", self.base));
        let key = literal(&self.key());
        let text = match self.target.dialect {
            DialectName::OpenAiChat => format!(
                "import {{ createOpenAI }} from \"@ai-sdk/openai\";\n\n\
                 const model = createOpenAI({{ baseURL: {base}, apiKey: {key} }}).chat({model});\n"
            ),
            // Otherwise it names earlier items by identifiers instead of sending them.
            DialectName::OpenAiResponses => format!(
                "import {{ createOpenAI }} from \"@ai-sdk/openai\";\n\n\
                 const model = createOpenAI({{ baseURL: {base}, apiKey: {key} }}).responses({model});\n\
                 const providerOptions = {{ openai: {{ store: false }} }}; // with every call\n"
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
                    literal(&self.region())
                )
            }
        };
        settings.snippets = vec![Snippet {
            title: "JavaScript",
            text,
        }];
    }

    pub(super) fn curl(&self, settings: &mut Settings) {
        let hello = json!([{"role": "user", "content": "Hello"}]);
        let key = |header: &str| format!(" \\\n  -H {}", quoted(&format!("{header}{}", self.key())));
        let mut url = format!("{}{}", self.base, endpoint(self.target.dialect));
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
                            let note = "curl signs paths with an escape wrongly: it takes a model name without a colon.";
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
                quoted(&url),
                quoted(&body.to_string())
            ),
        }];
    }
}
