//! Everything that a party of this dialect can say.
#![no_main]

use libfuzzer_sys::fuzz_target;
use llm_proxy::dialect::DialectName;

fuzz_target!(|data: &[u8]| llm_proxy_fuzz::read(DialectName::Bedrock, data));
