//! Pictures: an uploaded picture is decoded within limits, turned upright and encoded again,
//! without metadata.

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Seek};
use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use super::error::ApiError;

/// Longest side of a picture, in pixels. A picture of the largest usual screen fits, upright or
/// not.
pub const LONG_SIDE: u32 = 3840;

/// Limit of the shorter side, in pixels.
pub const SHORT_SIDE: u32 = 2160;

/// Largest file of a picture, in bytes, as uploaded and as saved.
pub const FILE_LIMIT: usize = 8 * 1024 * 1024;

/// Most memory for decoding, in bytes: two pictures of the largest size, with 16 bits in each of
/// four channels.
const MEMORY_LIMIT: u64 = 2 * 8 * (LONG_SIDE as u64) * (SHORT_SIDE as u64);

/// JPEG quality of photos, of 100. A higher one makes re-encoded JPEG files larger without showing
/// more.
const QUALITY: u8 = 85;

/// A picture as it is saved.
#[derive(Debug)]
pub struct Picture {
    /// Content of the file.
    pub bytes: Vec<u8>,
    /// Extension of the file's name.
    pub format: &'static str,
    /// Width, in pixels.
    pub width: u32,
    /// Height, in pixels.
    pub height: u32,
}

/// Logs why the file of an upload cannot be read.
pub fn unreadable_file(error: &std::io::Error) -> ApiError {
    tracing::error!(%error, "failed to read an upload");
    ApiError::Internal
}

fn unreadable() -> ApiError {
    ApiError::bad("This is not a PNG, JPEG, WebP or GIF, or its file is damaged.")
}

/// Number of pixels of a picture, from its header; an error if it is too large.
pub fn pixels(file: &Path) -> Result<u64, ApiError> {
    let file = File::open(file).map_err(|error| unreadable_file(&error))?;
    let (decoder, _) = open(BufReader::new(file))?;
    let (width, height) = decoder.dimensions();
    Ok(u64::from(width) * u64::from(height))
}

/// Reads the header of a picture, and checks its format and size.
fn open<'a>(
    file: impl BufRead + Seek + 'a,
) -> Result<(impl ImageDecoder + 'a, ImageFormat), ApiError> {
    let mut limits = Limits::default();
    limits.max_alloc = Some(MEMORY_LIMIT);
    let mut reader = ImageReader::new(file)
        .with_guessed_format()
        .map_err(|_| unreadable())?;
    reader.limits(limits);
    let Some(
        format @ (ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP | ImageFormat::Gif),
    ) = reader.format()
    else {
        return Err(unreadable());
    };
    let decoder = reader.into_decoder().map_err(|_| unreadable())?;
    // Not every decoder checks the limits before it reserves memory, so the size is checked first.
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 || width.max(height) > LONG_SIDE || width.min(height) > SHORT_SIDE
    {
        return Err(ApiError::bad(format!(
            "The picture has {width} × {height} pixels. Make it smaller: at most {LONG_SIDE} × \
            {SHORT_SIDE}, or {SHORT_SIDE} × {LONG_SIDE}."
        )));
    }
    if decoder.total_bytes() > MEMORY_LIMIT {
        return Err(unreadable());
    }
    Ok((decoder, format))
}

/// Decodes a picture, turns it as its EXIF data says, and encodes it again: photos as JPEG,
/// everything else as PNG.
pub fn rewrite(bytes: &[u8]) -> Result<Picture, ApiError> {
    let (mut decoder, format) = open(Cursor::new(bytes))?;
    let orientation = decoder.orientation().map_err(|_| unreadable())?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(|_| unreadable())?;
    image.apply_orientation(orientation);
    let is_photo = format == ImageFormat::Jpeg || is_lossy_webp(bytes);
    let (bytes, format) = if is_photo && is_opaque(&image) {
        (jpeg(&image)?, "jpg")
    } else {
        let png = png(&image)?;
        // A photo that was saved as PNG.
        if png.len() > FILE_LIMIT && is_opaque(&image) {
            (jpeg(&image)?, "jpg")
        } else {
            (png, "png")
        }
    };
    if bytes.len() > FILE_LIMIT {
        return Err(ApiError::TooLarge(FILE_LIMIT));
    }
    Ok(Picture {
        bytes,
        format,
        width: image.width(),
        height: image.height(),
    })
}

/// The first chunk of a simple lossy WebP is `VP8 `; an extended one (`VP8X`) has it further in.
fn is_lossy_webp(bytes: &[u8]) -> bool {
    bytes.get(8..12) == Some(b"WEBP")
        && bytes
            .windows(4)
            .skip(12)
            .take(64 * 1024)
            .any(|chunk| chunk == b"VP8 ")
}

fn is_opaque(image: &DynamicImage) -> bool {
    !image.color().has_alpha() || image.to_rgba8().pixels().all(|pixel| pixel.0[3] == u8::MAX)
}

fn jpeg(image: &DynamicImage) -> Result<Vec<u8>, ApiError> {
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, QUALITY);
    let written = if image.color().has_color() {
        encoder.encode_image(&image.to_rgb8())
    } else {
        encoder.encode_image(&image.to_luma8())
    };
    written.map_err(|_| ApiError::Internal)?;
    Ok(bytes)
}

fn png(image: &DynamicImage) -> Result<Vec<u8>, ApiError> {
    let mut bytes = Vec::new();
    let encoder =
        PngEncoder::new_with_quality(&mut bytes, CompressionType::Default, FilterType::Adaptive);
    let written = if is_opaque(image) {
        image.to_rgb8().write_with_encoder(encoder)
    } else {
        image.to_rgba8().write_with_encoder(encoder)
    };
    written.map_err(|_| ApiError::Internal)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage, Rgba, RgbaImage};

    use super::*;

    /// A photo taken with a phone held upright: stored on its side, with a red top on its left, and
    /// EXIF orientation 6 or 8.
    fn lying(orientation: u8, format: ImageFormat) -> Vec<u8> {
        let is_red = |x: u32| if orientation == 6 { x < 32 } else { x >= 32 };
        let image = RgbImage::from_fn(64, 32, |x, _| {
            if is_red(x) {
                Rgb([250, 0, 0])
            } else {
                Rgb([0, 0, 250])
            }
        });
        let mut exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
        exif.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
        exif.extend(b"GPS 52.5 N");
        let mut bytes = Vec::new();
        if format == ImageFormat::Jpeg {
            use image::ImageEncoder;
            let mut encoder = JpegEncoder::new_with_quality(&mut bytes, 90);
            encoder.set_exif_metadata(exif).unwrap();
            encoder.encode_image(&image).unwrap();
        } else {
            use image::ImageEncoder;
            let mut encoder = PngEncoder::new(&mut bytes);
            encoder.set_exif_metadata(exif).unwrap();
            image.write_with_encoder(encoder).unwrap();
        }
        bytes
    }

    #[test]
    fn photos_are_upright_and_have_no_location() {
        for format in [ImageFormat::Jpeg, ImageFormat::Png] {
            for orientation in [6, 8] {
                let bytes = lying(orientation, format);
                assert!(bytes.windows(8).any(|part| part == b"GPS 52.5"));
                let kept = rewrite(&bytes).unwrap();
                assert_eq!((kept.width, kept.height), (32, 64));
                assert!(
                    !kept
                        .bytes
                        .windows(4)
                        .any(|part| part == b"GPS " || part == b"Exif")
                );
                let image = image::load_from_memory(&kept.bytes).unwrap().into_rgb8();
                assert!(image.get_pixel(16, 8).0[0] > 200, "the top is red");
                assert!(image.get_pixel(16, 56).0[2] > 200, "the bottom is blue");
            }
        }
    }

    #[test]
    fn photos_stay_photos_and_graphics_stay_sharp() {
        let noise = |x: u32, y: u32| (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503)) as u8;
        let photo = RgbImage::from_fn(400, 300, |x, y| {
            Rgb([noise(x, y) / 4 + (x / 3) as u8, (y / 2) as u8, 90])
        });
        let mut bytes = Vec::new();
        JpegEncoder::new_with_quality(&mut bytes, 80)
            .encode_image(&photo)
            .unwrap();
        let kept = rewrite(&bytes).unwrap();
        assert_eq!(kept.format, "jpg");
        assert!(
            kept.bytes.len() < bytes.len() * 2,
            "{} became {}",
            bytes.len(),
            kept.bytes.len()
        );
        let mut drawn = RgbaImage::from_pixel(40, 30, Rgba([0, 0, 0, 0]));
        drawn.put_pixel(3, 3, Rgba([1, 2, 3, 200]));
        let mut bytes = Vec::new();
        drawn
            .write_to(&mut Cursor::new(&mut bytes), ImageFormat::WebP)
            .unwrap();
        let kept = rewrite(&bytes).unwrap();
        assert_eq!(kept.format, "png");
        assert_eq!(
            image::load_from_memory(&kept.bytes).unwrap().into_rgba8(),
            drawn
        );
    }

    #[test]
    fn screen_sizes_fit_and_larger_pictures_are_refused_with_the_limit() {
        for (width, height) in [(3840, 2160), (2160, 3840)] {
            let mut bytes = Vec::new();
            let image = image::GrayImage::new(width, height);
            image
                .write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png)
                .unwrap();
            let kept = rewrite(&bytes).unwrap();
            assert_eq!((kept.width, kept.height), (width, height));
        }
        for (width, height) in [(3841, 1), (2161, 2161)] {
            let mut bytes = Vec::new();
            let image = image::GrayImage::new(width, height);
            image
                .write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png)
                .unwrap();
            let refused = format!("{:?}", rewrite(&bytes).unwrap_err());
            assert!(refused.contains("3840 × 2160"), "{refused}");
        }
    }
}
