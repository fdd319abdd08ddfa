//! Reads any bytes as a request, response, stream or error of this dialect, and translates them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use llm_proxy::dialect::DialectName;

fuzz_target!(|data: &[u8]| llm_proxy_fuzz::read(DialectName::Claude, data));
