//! Uploads: real pictures are kept as PNG; bombs, scripts and everything else are refused.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, RgbaImage};
use reqwest::multipart::{Form, Part};

use crate::harness::{Answer, Person, TestServer, text};

fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let image = RgbaImage::from_fn(width, height, |x, y| image::Rgba([x as u8, y as u8, 9, 255]));
    let image = DynamicImage::ImageRgba8(image);
    let image = if format == ImageFormat::Jpeg {
        DynamicImage::ImageRgb8(image.into_rgb8())
    } else {
        image
    };
    let mut bytes = Vec::new();
    image.write_to(&mut Cursor::new(&mut bytes), format).unwrap();
    bytes
}

async fn upload(server: &TestServer, who: &Person, kind: &str, bytes: Vec<u8>) -> Answer {
    let form = Form::new().part("file", Part::bytes(bytes).file_name("../../x.svg"));
    let request = server.request("POST".parse().unwrap(), &format!("/upload?kind={kind}"));
    server.send(request.bearer_auth(&who.token).multipart(form)).await
}

/// A PNG that says it has that size, without the bytes for it.
fn claimed(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = picture(1, 1, ImageFormat::Png);
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let checksum = crc(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&checksum.to_be_bytes());
    bytes
}

/// The checksum of PNG chunks (ISO 3309).
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 {
                (crc >> 1) ^ 0xEDB8_8320
            } else {
                crc >> 1
            }
        })
    })
}

#[tokio::test]
async fn each_kind_of_picture_becomes_a_png() {
    let server = TestServer::start().await;
    let user = server.user("ada").await;
    let mut urls = std::collections::BTreeSet::new();
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Gif] {
        let url = text(&upload(&server, &user, "avatar", picture(20, 10, format)).await.fine()["imageUrl"]);
        let kept = server
            .request("GET".parse().unwrap(), &format!("/{url}"))
            .send()
            .await
            .unwrap();
        assert_eq!(kept.headers()["content-type"], "image/png");
        assert_eq!(kept.headers()["x-content-type-options"], "nosniff");
        assert!(kept.headers()["cache-control"].to_str().unwrap().contains("immutable"));
        assert!(
            kept.headers()["content-security-policy"]
                .to_str()
                .unwrap()
                .contains("default-src 'none'")
        );
        let image = image::load_from_memory(&kept.bytes().await.unwrap()).unwrap();
        assert_eq!((image.width(), image.height()), (20, 10));
        urls.insert(url);
    }
    let once = upload(&server, &user, "element", picture(5, 5, ImageFormat::Png))
        .await
        .fine();
    let twice = upload(&server, &user, "element", picture(5, 5, ImageFormat::Png))
        .await
        .fine();
    assert_eq!(once, twice);
    urls.insert(text(&once["imageUrl"]));
    assert!(urls.len() >= 3, "a lossless and a lossy picture differ");
    assert_eq!(
        std::fs::read_dir(server.folder().join("uploads")).unwrap().count(),
        urls.len()
    );
    server.stop().await;
}

#[tokio::test]
async fn what_hides_behind_a_picture_is_gone() {
    let server = TestServer::start().await;
    let user = server.user("ada").await;
    let mut bytes = picture(4, 4, ImageFormat::Png);
    bytes.extend_from_slice(b"<script>alert(1)</script>");
    let url = text(&upload(&server, &user, "avatar", bytes).await.fine()["imageUrl"]);
    let kept = server
        .request("GET".parse().unwrap(), &format!("/{url}"))
        .send()
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    assert!(!kept.windows(8).any(|part| part == b"<script>"));
    server.stop().await;
}

#[tokio::test]
async fn everything_else_is_refused() {
    let server = TestServer::start().await;
    let user = server.user("ada").await;
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>".to_vec();
    let png = picture(30, 30, ImageFormat::Png);
    let torn = png[..png.len() / 2].to_vec();
    for bytes in [
        svg,
        torn,
        Vec::new(),
        b"GIF89a".to_vec(),
        picture(2049, 1, ImageFormat::Png),
        claimed(60_000, 60_000),
    ] {
        upload(&server, &user, "avatar", bytes).await.refused(400);
    }
    upload(&server, &user, "avatar", claimed(2048, 2048)).await.refused(400);
    upload(&server, &user, "virus", png.clone()).await.refused(400);
    upload(&server, &user, "avatar", vec![0; 2 * 1024 * 1024 + 1])
        .await
        .refused(413);
    upload(&server, &user, "avatar", vec![0; 5 * 1024 * 1024])
        .await
        .refused(413);
    let request = server
        .request("POST".parse().unwrap(), "/upload?kind=avatar")
        .bearer_auth(&user.token);
    server.send(request.body("no form")).await.refused(400);
    let empty = Form::new().text("other", "x");
    let request = server
        .request("POST".parse().unwrap(), "/upload?kind=avatar")
        .bearer_auth(&user.token);
    server.send(request.multipart(empty)).await.refused(400);
    assert!(!server.folder().join("uploads").exists());
    upload(&server, &user, "thumbnail", png).await.fine();
    server.stop().await;
}

#[tokio::test]
async fn nobody_fills_the_disk() {
    let server = TestServer::start().await;
    let (ada, bo) = (server.user("ada").await, server.user("bo").await);
    let store = plaza::store::Store::open(server.folder()).await.unwrap();
    let upload_of = |size| plaza::store::uploads::Upload {
        hash: "0",
        kind: "avatar",
        width: 1,
        height: 1,
        size,
    };
    store
        .add_upload(ada.id.parse().unwrap(), upload_of(64 * 1024 * 1024))
        .await
        .unwrap();
    store.close().await;
    upload(&server, &ada, "avatar", picture(4, 4, ImageFormat::Png))
        .await
        .refused(400);
    upload(&server, &bo, "avatar", picture(4, 4, ImageFormat::Png))
        .await
        .fine();
    server.stop().await;
}
