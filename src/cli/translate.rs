//! `llm-proxy translate`: translates a document or stream from standard input to standard output, with the code that
//! the proxy uses.

use std::io::{self, Read, Write};
use std::process::ExitCode;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;

use super::args::{DocumentKind, TranslateArgs};
use super::table::write_table;
use crate::canonical::{Error, Losses, OnLoss};
use crate::capability;
use crate::dialect::{self, ClientRequest, Dialect, DialectName, Preferences, ResponseContext};
use crate::prompt::SystemEdits;
use crate::translate::{Carriers, Exchange, ExchangeConfig, ExchangeIdentity};
use crate::wire::splice::Splices;

/// Replaces the identifier that the proxy gives each request.
const REQUEST_ID: &str = "req_offline";

/// How many bytes of a stream are read at once, at most. Fewer bytes are translated as soon as they arrive.
const CHUNK: usize = 16 * 1024;

/// Translates `input` to `out`, and prints losses and errors to `err`.
///
/// The exit code is 0 if the input was translated, also with losses, and otherwise 1.
///
/// # Errors
/// If `input` cannot be read, or `out` or `err` cannot be written to.
pub fn translate(
    args: &TranslateArgs,
    input: &mut impl Read,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<ExitCode> {
    let mut losses = Losses::new();
    let (from, to) = (dialect::find(args.from), dialect::find(args.to));
    let outcome = match args.kind {
        DocumentKind::Request => {
            translate_request(args, from, to, &read_all(input)?, &mut losses).map_err(|e| e.to_string())
        }
        DocumentKind::Response => {
            translate_response(args, from, to, &read_all(input)?, &mut losses).map_err(|e| e.to_string())
        }
        DocumentKind::Stream => {
            let failure = translate_stream(args, from, to, input, out, &mut losses)?;
            failure.map_or_else(|| Ok(Vec::new()), |error| Err(error.to_string()))
        }
    };
    let code = match outcome {
        Ok(document) => {
            out.write_all(&document)?;
            ExitCode::SUCCESS
        }
        Err(problem) => {
            writeln!(err, "llm-proxy: standard input cannot be translated: {problem}")?;
            ExitCode::FAILURE
        }
    };
    report_losses(args, &losses, err)?;
    Ok(code)
}

fn read_all(input: &mut impl Read) -> io::Result<Bytes> {
    let mut document = Vec::new();
    input.read_to_end(&mut document)?;
    Ok(document.into())
}

/// Translates a request from the client's dialect to the upstream's.
fn translate_request(
    args: &TranslateArgs,
    from: &'static dyn Dialect,
    to: &'static dyn Dialect,
    body: &Bytes,
    losses: &mut Losses,
) -> Result<Vec<u8>, Error> {
    if from.name() == to.name() {
        return replace_model(args, body);
    }
    let route = ExchangeConfig {
        client: from,
        upstream: to,
        upstream_model: &|name| args.model.clone().unwrap_or_else(|| name.to_owned()),
        capabilities: &|model| capability::lookup(to.name(), model),
        edits: &SystemEdits::default(),
        on_loss: OnLoss::Warn,
        carriers: &Carriers::default(),
        memory: None,
    };
    // Bedrock clients send the model name in the path, which is not part of the document.
    let in_path = (from.name() == DialectName::Bedrock).then(|| args.model.as_deref().unwrap_or_default());
    let inbound = ClientRequest {
        headers: &HeaderMap::new(),
        model: in_path,
        stream: None,
        body,
    };
    let (_, written) = Exchange::begin(
        losses,
        &route,
        &inbound,
        ExchangeIdentity {
            created: 0,
            request_id: REQUEST_ID,
        },
    )?;
    Ok(written.body)
}

/// Replaces the model name, which is the only change if both dialects are the same.
fn replace_model(args: &TranslateArgs, body: &Bytes) -> Result<Vec<u8>, Error> {
    let invalid = |error: &dyn std::fmt::Display| {
        Error::new(crate::canonical::ErrorClass::InvalidRequest, error.to_string())
    };
    let Some(model) = &args.model else {
        return Ok(body.to_vec());
    };
    let mut splices = Splices::new();
    let name = crate::wire::splice::encode_str(model);
    splices
        .set_member(body, "model", name)
        .map_err(|error| invalid(&error))?;
    Ok(splices
        .apply(body)
        .map_err(|error| invalid(&error))?
        .into_bytes()
        .to_vec())
}

/// The exchange that translates a response, without a request.
fn begin_exchange(args: &TranslateArgs, from: &'static dyn Dialect, to: &'static dyn Dialect) -> Exchange {
    let reply = ResponseContext {
        model: args.model.clone().unwrap_or_default(),
        preferences: Preferences {
            include_usage: true,
            ..Preferences::default()
        },
        created: 0,
        request_id: REQUEST_ID.to_owned(),
        input_estimate: 0,
    };
    Exchange::without_request(to, from, reply)
}

/// Translates a complete response from the upstream's dialect to the client's.
fn translate_response(
    args: &TranslateArgs,
    from: &'static dyn Dialect,
    to: &'static dyn Dialect,
    body: &Bytes,
    losses: &mut Losses,
) -> Result<Vec<u8>, Error> {
    if from.name() == to.name() {
        return Ok(body.to_vec());
    }
    let written = begin_exchange(args, from, to).translate_response(losses, body)?;
    Ok(written.body)
}

/// Translates a streamed response, each event as it arrives. Returns the error that ended the stream, which the
/// output contains, too.
fn translate_stream(
    args: &TranslateArgs,
    from: &'static dyn Dialect,
    to: &'static dyn Dialect,
    input: &mut impl Read,
    out: &mut impl Write,
    losses: &mut Losses,
) -> io::Result<Option<Error>> {
    if from.name() == to.name() {
        io::copy(input, out)?;
        return Ok(None);
    }
    let exchange = begin_exchange(args, from, to);
    let mut translated = exchange.start_stream();
    translated.commit();
    let mut decoder = exchange.decoder();
    let mut written = BytesMut::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        let length = input.read(&mut chunk)?;
        match chunk.get(..length) {
            Some([]) | None => decoder.finish(),
            Some(piece) => decoder.push(Bytes::copy_from_slice(piece)),
        }
        loop {
            match decoder.next() {
                Ok(Some(frame)) => translated.push(frame.name(), &frame.data, &mut written),
                Ok(None) => break,
                Err(error) => {
                    let error = Error::new(crate::canonical::ErrorClass::Upstream, error.to_string());
                    translated.fail(error, &mut written);
                    break;
                }
            }
        }
        if length == 0 {
            translated.end(&mut written);
        }
        out.write_all(&written.split())?;
        out.flush()?;
        if translated.is_ended() {
            for loss in translated.losses().entries() {
                losses.record(loss.kind, loss.path.clone(), loss.reason.clone());
            }
            return Ok(translated.failure().cloned());
        }
    }
}

/// Prints the losses as a table, or as one JSON object per line.
fn report_losses(args: &TranslateArgs, losses: &Losses, err: &mut impl Write) -> io::Result<()> {
    if args.json {
        for loss in losses.entries() {
            writeln!(err, "{}", serde_json::to_string(loss)?)?;
        }
        return Ok(());
    }
    if losses.is_empty() {
        return Ok(());
    }
    let rows: Vec<[String; 3]> = losses
        .entries()
        .iter()
        .map(|loss| {
            [
                loss.kind.as_str().to_owned(),
                loss.path.clone(),
                loss.reason.to_string(),
            ]
        })
        .collect();
    write_table(err, ["LOSS", "PATH", "REASON"], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(
        from: DialectName,
        to: DialectName,
        kind: DocumentKind,
        model: Option<&str>,
        input: &str,
    ) -> (String, String) {
        let model = model.map(str::to_owned);
        let args = TranslateArgs {
            from,
            to,
            kind,
            model,
            json: false,
        };
        let (mut out, mut err) = (Vec::new(), Vec::new());
        translate(&args, &mut input.as_bytes(), &mut out, &mut err).unwrap();
        (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }

    #[test]
    fn a_request_is_translated_and_its_losses_are_reported() {
        let input = r#"{"model":"gpt","seed":7,"messages":[{"role":"user","content":"hi"}]}"#;
        let model = Some("claude-sonnet-4-5");
        let (out, err) = run(
            DialectName::OpenAiChat,
            DialectName::Claude,
            DocumentKind::Request,
            model,
            input,
        );
        let out: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(out["model"], "claude-sonnet-4-5");
        assert_eq!(out["messages"][0]["content"], "hi");
        assert!(err.starts_with("LOSS") && err.contains("dropped  seed"), "{err}");
    }

    #[test]
    fn within_a_dialect_only_the_model_changes() {
        let input = r#"{ "model":"a", "x":1.0 }"#;
        let (out, err) = run(
            DialectName::Claude,
            DialectName::Claude,
            DocumentKind::Request,
            Some("b"),
            input,
        );
        assert_eq!((out.as_str(), err.as_str()), (r#"{ "model":"b", "x":1.0 }"#, ""));
    }

    #[test]
    fn a_stream_that_breaks_off_ends_with_an_error_and_prints_it() {
        let input = "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hel\"}}]}\n\n";
        let (out, err) = run(
            DialectName::OpenAiChat,
            DialectName::Claude,
            DocumentKind::Stream,
            None,
            input,
        );
        assert!(out.contains("\"Hel\"") && out.contains("event: error"), "{out}");
        assert!(err.contains("upstream"), "{err}");
    }

    #[test]
    fn an_unreadable_document_is_an_error_with_its_path() {
        let input = r#"{"model":"m","max_tokens":1,"messages":[{"role":"user","content":7}]}"#;
        let (out, err) = run(
            DialectName::Claude,
            DialectName::OpenAiChat,
            DocumentKind::Request,
            None,
            input,
        );
        assert!(out.is_empty() && err.contains("messages[0].content"), "{err}");
    }
}
