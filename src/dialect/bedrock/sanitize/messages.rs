//! Instructions, messages, content blocks and cache breakpoints.

use super::super::reasons::BedrockReason;
use super::{Sanitizer, type_of};
use crate::canonical::Scope;
use crate::dialect::claude::request::{ATTRIBUTION, REMINDER};
use crate::wire::splice::{JsonKind, ScanError, SpliceNode, encode_str};

impl Sanitizer<'_> {
    /// Removes the attribution line from the system blocks, and sanitizes their cache breakpoints.
    pub(super) fn sanitize_system(
        &mut self,
        scope: &mut Scope<'_>,
        blocks: &SpliceNode<'_>,
    ) -> Result<(), ScanError> {
        let mut has_attribution = false;
        for (index, block) in blocks.elements()?.enumerate() {
            let block = block?;
            if block.kind() != JsonKind::Object {
                continue;
            }
            let text = block.get("text")?.filter(|text| text.kind() == JsonKind::String);
            let is_attribution = match text {
                Some(text) => text.text()?.starts_with(ATTRIBUTION),
                None => false,
            };
            if index == 0 && is_attribution {
                scope.index(index).ignore(BedrockReason::Attribution);
                has_attribution = true;
                continue;
            }
            self.sanitize_cache_control(&mut scope.index(index), &block)?;
        }
        if has_attribution {
            self.splices.retain_elements(blocks, |index, _| index > 0)?;
        }
        Ok(())
    }

    /// Sanitizes the messages. For models that accept no instructions among them, these become text of the user.
    pub(super) fn sanitize_messages(
        &mut self,
        scope: &mut Scope<'_>,
        messages: &SpliceNode<'_>,
    ) -> Result<(), ScanError> {
        for (index, message) in messages.elements()?.enumerate() {
            let message = message?;
            if message.kind() != JsonKind::Object {
                continue;
            }
            let mut scope = scope.index(index);
            let role = message.get("role")?;
            let is_system = role.is_some_and(|role| role.is_text("system"));
            let content = message.get("content")?;
            if let Some(role) = role.filter(|_| is_system && !self.capabilities.mid_system) {
                scope.approximate(BedrockReason::InstructionsAsUserText);
                self.splices.replace(role.span(), "\"user\"");
                if let Some(content) = content {
                    self.frame_instructions(&mut scope.field("content"), &content)?;
                }
                self.splices
                    .retain_members(&message, |key, _| key == "role" || key == "content")?;
            } else if let Some(content) = content.filter(|content| content.kind() == JsonKind::Array) {
                self.sanitize_blocks(&mut scope.field("content"), &content)?;
            }
        }
        Ok(())
    }

    /// Puts each text of the instructions between the tags that mark it within the user's text.
    fn frame_instructions(
        &mut self,
        scope: &mut Scope<'_>,
        content: &SpliceNode<'_>,
    ) -> Result<(), ScanError> {
        let [begin, end] = REMINDER;
        match content.kind() {
            JsonKind::String => {
                let framed = format!("{begin}{}{end}", content.text()?);
                self.splices.replace(content.span(), encode_str(&framed));
            }
            JsonKind::Array => {
                let mut are_texts = Vec::new();
                for (index, block) in content.elements()?.enumerate() {
                    let block = block?;
                    let is_text = type_of(&block)? == "text";
                    are_texts.push(is_text);
                    if !is_text {
                        scope.index(index).drop(BedrockReason::ToolChange);
                        continue;
                    }
                    if let Some(text) = block.get("text")?.filter(|text| text.kind() == JsonKind::String) {
                        let framed = format!("{begin}{}{end}", text.text()?);
                        self.splices.replace(text.span(), encode_str(&framed));
                    }
                    self.sanitize_cache_control(&mut scope.index(index), &block)?;
                }
                let stays = |index: usize| are_texts.get(index).copied().unwrap_or_default();
                self.splices.retain_elements(content, |index, _| stays(index))?;
            }
            JsonKind::Object | JsonKind::Number | JsonKind::Bool | JsonKind::Null => {}
        }
        Ok(())
    }

    /// Sanitizes the blocks of a message, of a tool result or of a document.
    fn sanitize_blocks(&mut self, scope: &mut Scope<'_>, blocks: &SpliceNode<'_>) -> Result<(), ScanError> {
        for (index, block) in blocks.elements()?.enumerate() {
            let block = block?;
            if block.kind() != JsonKind::Object {
                continue;
            }
            let mut scope = scope.index(index);
            self.sanitize_cache_control(&mut scope, &block)?;
            // Blocks of other types pass unchanged: results of the vendor's own tools may contain anything.
            match &*type_of(&block)? {
                "image" | "document" => {
                    let Some(source) = block
                        .get("source")?
                        .filter(|source| source.kind() == JsonKind::Object)
                    else {
                        continue;
                    };
                    let mut scope = scope.field("source");
                    match &*type_of(&source)? {
                        "url" => scope.refuse(BedrockReason::UrlSource),
                        "file" => scope.refuse(BedrockReason::FileSource),
                        "content" => self.sanitize_content(&mut scope, &source)?,
                        _ => {}
                    }
                }
                "tool_result" => self.sanitize_content(&mut scope, &block)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Sanitizes the blocks in the `content` of an object.
    fn sanitize_content(&mut self, scope: &mut Scope<'_>, holder: &SpliceNode<'_>) -> Result<(), ScanError> {
        let content = holder.get("content")?;
        match content.filter(|content| content.kind() == JsonKind::Array) {
            Some(content) => self.sanitize_blocks(&mut scope.field("content"), &content),
            None => Ok(()),
        }
    }

    /// Removes from an object's cache breakpoint what Bedrock does not know.
    pub(super) fn sanitize_cache_control(
        &mut self,
        scope: &mut Scope<'_>,
        holder: &SpliceNode<'_>,
    ) -> Result<(), ScanError> {
        let found = holder.get("cache_control")?;
        let Some(control) = found.filter(|control| control.kind() == JsonKind::Object) else {
            return Ok(());
        };
        let mut scope = scope.field("cache_control");
        let is_known = |key: &str| key == "type" || key == "ttl";
        for member in control.members()? {
            let key = member?.key.text()?;
            if !is_known(&key) {
                scope.field(&key).ignore(BedrockReason::CacheSetting);
            }
        }
        self.splices.retain_members(&control, |key, _| is_known(key))?;
        Ok(())
    }
}
