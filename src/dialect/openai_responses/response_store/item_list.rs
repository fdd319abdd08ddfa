//! The list of a stored response's input items.

use serde::Serialize;
use serde_json::value::RawValue;
use url::form_urlencoded;

use crate::canonical::{Error, ErrorClass};
use crate::wire::splice::SpliceNode;

/// Items of a page if the query sets no limit.
const DEFAULT_LIMIT: usize = 20;
/// The highest limit that a query may set.
const MAX_LIMIT: usize = 100;

#[derive(Serialize)]
struct InputItemPage<'a> {
    object: &'static str,
    data: Vec<&'a RawValue>,
    first_id: Option<String>,
    last_id: Option<String>,
    has_more: bool,
}

/// Writes a page of items, which are given in the order of the conversation. The page begins with the newest, unless
/// the query sets another order.
///
/// # Errors
/// A query with a value out of range, or whose `after` names no item.
pub fn page(items: &[Box<RawValue>], query: Option<&str>) -> Result<Vec<u8>, Error> {
    let (mut limit, mut ascending, mut after) = (DEFAULT_LIMIT, false, None);
    for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        match &*name {
            "limit" => {
                let number = value
                    .parse()
                    .ok()
                    .filter(|number| (1..=MAX_LIMIT).contains(number));
                limit = number.ok_or_else(|| invalid("limit", format!("must be from 1 to {MAX_LIMIT}")))?;
            }
            "order" => {
                ascending = match &*value {
                    "asc" => true,
                    "desc" => false,
                    _ => return Err(invalid("order", "must be asc or desc")),
                }
            }
            "after" => after = Some(value.into_owned()),
            _ => {}
        }
    }
    let mut ordered: Vec<&RawValue> = items.iter().map(AsRef::as_ref).collect();
    if !ascending {
        ordered.reverse();
    }
    if let Some(after) = after {
        let position = ordered.iter().position(|item| id(item).as_ref() == Some(&after));
        let position = position.ok_or_else(|| invalid("after", "names no item of this list"))?;
        ordered.drain(..=position);
    }
    let has_more = ordered.len() > limit;
    ordered.truncate(limit);
    let page = InputItemPage {
        object: "list",
        first_id: ordered.first().and_then(|item| id(item)),
        last_id: ordered.last().and_then(|item| id(item)),
        data: ordered,
        has_more,
    };
    serde_json::to_vec(&page).map_err(|error| Error::new(ErrorClass::Internal, error.to_string()))
}

fn invalid(name: &'static str, what: impl AsRef<str>) -> Error {
    Error::new(ErrorClass::InvalidRequest, format!("{name}: {}", what.as_ref())).at(name)
}

/// The identifier of an item.
pub fn id(item: &RawValue) -> Option<String> {
    let id = SpliceNode::document(item.get().as_bytes())
        .ok()?
        .get("id")
        .ok()??;
    id.text().ok().map(std::borrow::Cow::into_owned)
}
