//! A reverse proxy for LLM APIs that translates between their dialects.
