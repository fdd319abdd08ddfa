//! What an image costs, from its size in pixels.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Model;
use crate::canonical::{Image, MediaSource};

/// The most base64 characters that are looked at for an image's size; it stands near the front of all formats.
const HEAD: usize = 256 * 1024;
/// The size of an image that is elsewhere or in a format that is not known.
const USUAL: (u64, u64) = (1024, 1024);

/// The tokens of an image.
pub fn tokens(image: &Image, model: Model) -> u64 {
    let (width, height) = size(&image.source).unwrap_or(USUAL);
    let detail = image.detail.as_ref().map(|detail| detail.0.as_str());
    match model {
        Model::OpenAi { tiles: true } => openai_tiles(width, height, detail),
        Model::OpenAi { tiles: false } => openai_patches(width, height, detail),
        Model::Claude { newer } => claude(width, height, newer),
    }
}

fn size(source: &MediaSource) -> Option<(u64, u64)> {
    let MediaSource::Base64 { data, .. } = source else {
        return None;
    };
    let head = data.as_bytes().get(..HEAD).unwrap_or(data.as_bytes());
    // A cut text may end within a group of four characters, and the last group may be padded.
    let whole = head.len() - head.len() % 4;
    let head = STANDARD.decode(head.get(..whole)?).ok()?;
    let size = imagesize::blob_size(&head).ok()?;
    let side = |pixels: usize| u64::try_from(pixels).ok().filter(|pixels| *pixels > 0);
    Some((side(size.width)?, side(size.height)?))
}

/// One token for each patch of 28 by 28 pixels, after the image is made to fit the model's limits of pixels on the long
/// side and of tokens: <https://platform.claude.com/docs/en/build-with-claude/vision>.
fn claude(width: u64, height: u64, newer: bool) -> u64 {
    let (long_side, most) = if newer { (2576, 4784) } else { (1568, 1568) };
    let (width, height) = fitted(width, height, long_side);
    (width.div_ceil(28) * height.div_ceil(28)).clamp(1, most)
}

/// 85 tokens, and 170 for each tile of 512 by 512 pixels of the image at 768 pixels on its short side:
/// <https://developers.openai.com/api/docs/guides/images-vision>.
fn openai_tiles(width: u64, height: u64, detail: Option<&str>) -> u64 {
    if detail == Some("low") {
        return 85;
    }
    let (width, height) = fitted(width, height, 2048);
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
fn openai_patches(width: u64, height: u64, detail: Option<&str>) -> u64 {
    let most = match detail {
        Some("low") => 256,
        Some("high") => 2_500,
        _ => 10_000,
    };
    // Sizes of more than 2^31 pixels a side are made up; the limit below decides then.
    let side = |pixels: u64| pixels.min(1 << 31).div_ceil(32);
    let patches = (side(width) * side(height)).clamp(1, most);
    (patches * 12).div_ceil(10)
}

/// The size with its long side at most so long, in proportion.
fn fitted(width: u64, height: u64, long_side: u64) -> (u64, u64) {
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
    fn images_cost_what_their_size_says() {
        let (old, new) = (Model::Claude { newer: false }, Model::Claude { newer: true });
        let (tiles, patches) = (Model::OpenAi { tiles: true }, Model::OpenAi { tiles: false });
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
                tokens(&png(width, height), model),
                expected,
                "{width}x{height} {model:?}"
            );
        }
        let mut low = png(4000, 3000);
        low.detail = Some(ImageDetail("low".to_owned()));
        assert_eq!(tokens(&low, tiles), 85);
    }

    #[test]
    fn images_of_no_known_size_cost_what_is_usual() {
        let model = Model::Claude { newer: true };
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
            assert_eq!(tokens(&image, model), 1369);
        }
        for side in [1, u32::MAX] {
            for model in [
                model,
                Model::OpenAi { tiles: true },
                Model::OpenAi { tiles: false },
            ] {
                let cost = tokens(&png(side, u32::MAX), model);
                assert!((1..=12_000).contains(&cost), "{cost}");
            }
        }
    }
}
