use crate::regen::sources::Sources;
use std::path::Path;
pub fn api_txt(_: &Path, _: &Sources, _: &str) -> Result<String, String> {
    Ok(String::new())
}
pub fn rust(_: &Path, _: &Sources, _: &str) -> Result<String, String> {
    Ok(String::new())
}
