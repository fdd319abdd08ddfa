//! The tokens of an image, from its size in pixels.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::CountedModel;
use crate::canonical::{Image, MediaSource};

/// The most base64 characters that are decoded for an image's size: all formats have it near the start.
const HEAD: usize = 256 * 1024;
/// The assumed size of an image at an address or in an unknown format.
const USUAL: (u64, u64) = (1024, 1024);

/// The tokens of an image.
pub fn count_tokens(image: &Image, model: CountedModel) -> u64 {
    let (width, height) = read_size(&image.source).unwrap_or(USUAL);
    let detail = image.detail.as_ref().map(|detail| detail.0.as_str());
    match model {
        CountedModel::OpenAi { tiles: true } => count_openai_tiles(width, height, detail),
        CountedModel::OpenAi { tiles: false } => count_openai_patches(width, height, detail),
        CountedModel::Claude { newer } => count_claude_patches(width, height, newer),
    }
}

fn read_size(source: &MediaSource) -> Option<(u64, u64)> {
    let MediaSource::Base64 { data, .. } = source else {
        return None;
    };
    let head = data.as_bytes().get(..HEAD).unwrap_or(data.as_bytes());
    // The cut may be within a group of four characters, which cannot be decoded.
    let whole = head.len() - head.len() % 4;
    let head = STANDARD.decode(head.get(..whole)?).ok()?;
    let size = imagesize::blob_size(&head).ok()?;
    let side = |pixels: usize| u64::try_from(pixels).ok().filter(|pixels| *pixels > 0);
    Some((side(size.width)?, side(size.height)?))
}

/// One token for each patch of 28 by 28 pixels, after the image has been scaled to the model's limits of pixels on the
/// long side and of tokens: <https://platform.claude.com/docs/en/build-with-claude/vision>.
fn count_claude_patches(width: u64, height: u64, newer: bool) -> u64 {
    let (long_side, most) = if newer { (2576, 4784) } else { (1568, 1568) };
    let (width, height) = scale_to_fit(width, height, long_side);
    (width.div_ceil(28) * height.div_ceil(28)).clamp(1, most)
}

/// 85 tokens, and 170 for each tile of 512 by 512 pixels of the image at 768 pixels on its short side:
/// <https://developers.openai.com/api/docs/guides/images-vision>.
fn count_openai_tiles(width: u64, height: u64, detail: Option<&str>) -> u64 {
    if detail == Some("low") {
        return 85;
    }
    let (width, height) = scale_to_fit(width, height, 2048);
    let short = width.min(height);
    let (width, height) = if short > 768 {
        (width * 768 / short, height * 768 / short)
    } else {
        (width, height)
    };
    85 + 170 * width.div_ceil(512) * height.div_ceil(512)
}

/// 1.2 tokens for each patch of 32 by 32 pixels, up to a number of patches that depends on the detail. From the same
/// guide; the factor differs between models.
fn count_openai_patches(width: u64, height: u64, detail: Option<&str>) -> u64 {
    let most = match detail {
        Some("low") => 256,
        Some("high") => 2_500,
        _ => 10_000,
    };
    // A side of more than 2^31 pixels is forged; the limit below decides then.
    let side = |pixels: u64| pixels.min(1 << 31).div_ceil(32);
    let patches = (side(width) * side(height)).clamp(1, most);
    (patches * 12).div_ceil(10)
}

/// The size, scaled in proportion so that its long side is at most so long.
fn scale_to_fit(width: u64, height: u64, long_side: u64) -> (u64, u64) {
    let long = width.max(height);
    if long <= long_side {
        return (width, height);
    }
    let scaled = |side: u64| {
        let side = u128::from(side) * u128::from(long_side) / u128::from(long);
        u64::try_from(side).unwrap_or(long_side).max(1)
    };
    (scaled(width), scaled(height))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::ImageDetail;

    /// The head of a PNG file.
    fn png(width: u32, height: u32) -> Image {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        bytes.extend(width.to_be_bytes());
        bytes.extend(height.to_be_bytes());
        bytes.extend([8, 6, 0, 0, 0, 0, 0, 0, 0]);
        Image {
            source: MediaSource::Base64 {
                media_type: "image/png".to_owned(),
                data: STANDARD.encode(bytes).into(),
            },
            detail: None,
            cache: None,
        }
    }

    #[test]
    fn an_image_has_tokens_for_its_size() {
        let (old, new) = (
            CountedModel::Claude { newer: false },
            CountedModel::Claude { newer: true },
        );
        let (tiles, patches) = (
            CountedModel::OpenAi { tiles: true },
            CountedModel::OpenAi { tiles: false },
        );
        for (width, height, model, expected) in [
            (256, 256, old, 100),
            (1024, 1024, new, 1369),
            (1920, 1080, new, 2691),
            (4000, 4000, old, 1568),
            (8000, 8000, new, 4784),
            (1024, 1024, tiles, 765),
            (2048, 4096, tiles, 1105),
            (1024, 1024, patches, 1229),
            (1920, 1080, patches, 2448),
        ] {
            assert_eq!(
                count_tokens(&png(width, height), model),
                expected,
                "{width}x{height} {model:?}"
            );
        }
        let mut low = png(4000, 3000);
        low.detail = Some(ImageDetail("low".to_owned()));
        assert_eq!(count_tokens(&low, tiles), 85);
    }

    #[test]
    fn an_image_without_a_known_size_has_the_tokens_of_the_usual_size() {
        let model = CountedModel::Claude { newer: true };
        for source in [
            MediaSource::Url {
                url: "https://example.com/a.png".into(),
            },
            MediaSource::Base64 {
                media_type: "image/png".to_owned(),
                data: "aGVsbG8=".into(),
            },
            MediaSource::Base64 {
                media_type: "image/png".to_owned(),
                data: "é!".into(),
            },
        ] {
            let image = Image {
                source,
                detail: None,
                cache: None,
            };
            assert_eq!(count_tokens(&image, model), 1369);
        }
        for side in [1, u32::MAX] {
            for model in [
                model,
                CountedModel::OpenAi { tiles: true },
                CountedModel::OpenAi { tiles: false },
            ] {
                let cost = count_tokens(&png(side, u32::MAX), model);
                assert!((1..=12_000).contains(&cost), "{cost}");
            }
        }
    }
}
