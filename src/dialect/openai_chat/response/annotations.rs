//! Citations in the text of a response.

use crate::canonical::Annotation as CanonicalAnnotation;
use crate::dialect::openai_chat::types::*;

/// Reads a citation of a web page; `None` for one without an address.
pub fn read(annotation: Annotation) -> Option<CanonicalAnnotation> {
    let Annotation {
        url_citation,
        extra: _,
    } = annotation;
    let AnnotationUrlCitation {
        end_index,
        start_index,
        title,
        url,
        extra: _,
    } = url_citation?;
    let index = |index: Option<i64>| u64::try_from(index?).ok();
    Some(CanonicalAnnotation {
        url: url?,
        title: title.unwrap_or_default(),
        span: index(start_index).zip(index(end_index)),
    })
}

/// Writes a citation with its span in the joined text. `start` and `length` are those of the cited block, in Unicode
/// scalar values; a citation without a span is one of the whole block.
pub fn write(annotation: CanonicalAnnotation, start: u64, length: u64) -> Annotation {
    let CanonicalAnnotation { url, title, span } = annotation;
    let (from, to) = span.unwrap_or((0, length));
    let index = |index: u64| Some(i64::try_from(start.saturating_add(index)).unwrap_or(i64::MAX));
    Annotation {
        url_citation: Some(AnnotationUrlCitation {
            start_index: index(from),
            end_index: index(to),
            title: Some(title),
            url: Some(url),
            ..AnnotationUrlCitation::new()
        }),
        ..Annotation::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn citation(span: Option<(u64, u64)>) -> CanonicalAnnotation {
        CanonicalAnnotation {
            url: "https://x".to_owned(),
            title: String::new(),
            span,
        }
    }

    #[test]
    fn a_span_is_moved_to_where_its_block_starts() {
        let span = |span| read(write(citation(span), 10, 5)).and_then(|citation| citation.span);
        assert_eq!(span(Some((1, 3))), Some((11, 13)));
        assert_eq!(span(None), Some((10, 15)));
    }

    #[test]
    fn a_citation_without_an_address_or_with_a_broken_span_loses_that_alone() {
        let mut written = write(citation(Some((1, 3))), 0, 5);
        if let Some(citation) = &mut written.url_citation {
            citation.start_index = Some(-1);
        }
        assert_eq!(read(written.clone()), Some(citation(None)));
        if let Some(citation) = &mut written.url_citation {
            citation.url = None;
        }
        assert_eq!(read(written), None);
    }
}
