//! Uploads: real pictures are stored, photos as photos; decompression bombs, scripts and everything
//! else are refused; unused pictures are removed.

use std::io::Cursor;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use image::{DynamicImage, ImageFormat, RgbaImage};
use reqwest::multipart::{Form, Part};

use serde_json::{Value, json};
use sqlx::{AnyConnection, Connection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::clients::JsonClient;
use crate::harness::{Answer, Person, TestServer, text};

pub fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let image = RgbaImage::from_fn(width, height, |x, y| {
        image::Rgba([x as u8, y as u8, 9, 255])
    });
    let image = DynamicImage::ImageRgba8(image);
    let image = if format == ImageFormat::Jpeg {
        DynamicImage::ImageRgb8(image.into_rgb8())
    } else {
        image
    };
    let mut bytes = Vec::new();
    image
        .write_to(&mut Cursor::new(&mut bytes), format)
        .unwrap();
    bytes
}

pub async fn upload(server: &TestServer, who: &Person, kind: &str, bytes: Vec<u8>) -> Answer {
    let form = Form::new().part("file", Part::bytes(bytes).file_name("../../x.svg"));
    let request = server.request("POST".parse().unwrap(), &format!("/upload?kind={kind}"));
    server
        .send(request.bearer_auth(&who.token).multipart(form))
        .await
}

/// A PNG whose header states that size, without the data for it.
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
async fn each_kind_of_picture_is_stored_in_a_fitting_format() {
    let server = TestServer::start().await;
    let user = server.user("ada").await;
    let mut urls = std::collections::BTreeSet::new();
    for format in [
        ImageFormat::Png,
        ImageFormat::Jpeg,
        ImageFormat::WebP,
        ImageFormat::Gif,
    ] {
        let url = text(
            &upload(&server, &user, "avatar", picture(20, 10, format))
                .await
                .fine()["imageUrl"],
        );
        let kept = server
            .request("GET".parse().unwrap(), &format!("/{url}"))
            .send()
            .await
            .unwrap();
        let is_photo = format == ImageFormat::Jpeg;
        let content_type = if is_photo { "image/jpeg" } else { "image/png" };
        assert_eq!(kept.headers()["content-type"], content_type);
        let extension = if is_photo { "jpg" } else { "png" };
        assert!(url.rsplit('.').next() == Some(extension), "{url}");
        assert_eq!(kept.headers()["x-content-type-options"], "nosniff");
        assert!(
            kept.headers()["cache-control"]
                .to_str()
                .unwrap()
                .contains("immutable")
        );
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
        std::fs::read_dir(server.folder().join("uploads"))
            .unwrap()
            .count(),
        urls.len()
    );
    server.stop().await;
}

#[tokio::test]
async fn data_appended_to_a_picture_is_removed() {
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
async fn files_that_are_not_pictures_are_refused() {
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
        picture(3841, 1, ImageFormat::Png),
        claimed(60_000, 60_000),
    ] {
        upload(&server, &user, "avatar", bytes).await.refused(400);
    }
    upload(&server, &user, "avatar", claimed(2048, 2048))
        .await
        .refused(400);
    upload(&server, &user, "virus", png.clone())
        .await
        .refused(400);
    upload(&server, &user, "avatar", vec![0; 8 * 1024 * 1024 + 1])
        .await
        .refused(413);
    upload(&server, &user, "avatar", vec![0; 11 * 1024 * 1024])
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
    assert_eq!(files(&server).count(), 0);
    upload(&server, &user, "thumbnail", png).await.fine();
    server.stop().await;
}

async fn status_of(server: &TestServer, url: &str) -> u16 {
    server.get(&format!("/{url}"), None).await.status.as_u16()
}

async fn used(server: &TestServer, who: &Person) -> u64 {
    server.get("/upload", Some(who)).await.fine()["used"]
        .as_u64()
        .unwrap()
}

/// A picture that cannot be compressed, different for each number.
fn noise(number: u32) -> Vec<u8> {
    let shade = |x: u32, y: u32, z: u32| {
        let mixed = x.wrapping_mul(0x9E37_79B1)
            ^ y.wrapping_mul(0x85EB_CA77)
            ^ (z + 9 * number).wrapping_mul(0xC2B2_AE3D);
        let mixed = (mixed ^ (mixed >> 15)).wrapping_mul(0x2C1B_3C6D);
        (mixed ^ (mixed >> 12)) as u8
    };
    let image = RgbaImage::from_fn(200, 200, |x, y| {
        image::Rgba([shade(x, y, 0), shade(x, y, 1), shade(x, y, 2), 255])
    });
    let mut bytes = Vec::new();
    image
        .write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png)
        .unwrap();
    bytes
}

#[tokio::test]
async fn the_quota_holds_for_concurrent_uploads() {
    const QUOTA: u64 = 300 * 1024;
    let server = TestServer::start_with(|settings| settings.upload_quota = QUOTA).await;
    let (ada, bo) = (server.user("ada").await, server.user("bo").await);
    let all = (0..24).map(|number| upload(&server, &ada, "chat", noise(number)));
    let answers = futures_util::future::join_all(all).await;
    let fine = answers.iter().filter(|answer| answer.status == 200).count();
    assert!(fine >= 1, "one of them is first");
    for answer in &answers {
        assert!(
            [200, 400, 429].contains(&answer.status.as_u16()),
            "{answer:?}"
        );
    }
    let mut refused = None;
    for number in 24..40 {
        let answer = upload(&server, &ada, "chat", noise(number)).await;
        if answer.status != 200 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("there is an end");
    refused.refused(400);
    assert!(refused.text.contains("of the 0 MiB"), "{refused:?}");
    assert!(used(&server, &ada).await <= QUOTA);
    let on_disk: u64 = files(&server)
        .map(|file| file.metadata().unwrap().len())
        .sum();
    assert!(on_disk <= QUOTA, "{on_disk}");
    upload(&server, &bo, "avatar", picture(4, 4, ImageFormat::Png))
        .await
        .fine();
    server.stop().await;
}

#[tokio::test]
async fn no_picture_is_taken_when_the_disk_would_be_nearly_full() {
    let server = TestServer::start_with(|settings| settings.min_free_disk = u64::MAX).await;
    let ada = server.user("ada").await;
    // The second is not told to wait for the first, which left nothing reserved.
    for number in 0..2 {
        let refused = upload(&server, &ada, "chat", noise(number)).await;
        refused.refused(507);
        assert!(refused.text.contains("nearly full"), "{refused:?}");
    }
    assert_eq!(files(&server).count(), 0);
    server.stop().await;
}

#[tokio::test]
async fn decoding_is_limited_in_pixels_and_a_file_is_decoded_once() {
    let server = TestServer::start_with(|settings| settings.budgets.pixels = 1).await;
    let (ada, bo) = (server.user("ada").await, server.user("bo").await);
    let large = |shade: u8| {
        let image = image::GrayImage::from_pixel(1_500, 1_500, image::Luma([shade]));
        let mut bytes = Vec::new();
        image
            .write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png)
            .unwrap();
        bytes
    };
    let mut urls = Vec::new();
    for shade in 1..=3 {
        urls.push(upload(&server, &ada, "chat", large(shade)).await.fine()["imageUrl"].clone());
    }
    let refused = upload(&server, &ada, "chat", large(4)).await;
    refused.refused(429);
    assert!(refused.header("retry-after").parse::<u64>().unwrap() > 1);
    assert!(refused.text.contains("large pictures"), "{refused:?}");
    for (shade, url) in (1..=3).zip(&urls) {
        let again = upload(&server, &ada, "chat", large(shade)).await.fine();
        assert_eq!(&again["imageUrl"], url);
    }
    upload(&server, &bo, "chat", large(1)).await.fine();
    server.stop().await;
}

/// The files of the stored pictures.
fn files(server: &TestServer) -> impl Iterator<Item = std::fs::DirEntry> {
    let entries = std::fs::read_dir(server.folder().join("uploads")).unwrap();
    let files = entries.map(|entry| entry.unwrap());
    files.filter(|file| !file.file_name().to_string_lossy().starts_with('.'))
}

/// Begins an upload that announces a megabyte, and stops after its first lines.
async fn begin(server: &TestServer, token: &str) -> TcpStream {
    let host = server.address.strip_prefix("http://").unwrap();
    let mut socket = TcpStream::connect(host).await.unwrap();
    let head = format!(
        "POST /api/v1/upload?kind=chat HTTP/1.1\r\nhost: {host}\r\n{token}\
         content-length: 1000000\r\n\
         content-type: multipart/form-data; boundary=x\r\n\r\n\
         --x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nbytes"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    socket
}

#[tokio::test]
async fn the_reservation_of_an_aborted_upload_is_released() {
    let server = TestServer::start().await;
    let ada = server.user("ada").await;
    let stuck = begin(&server, &format!("authorization: Bearer {}\r\n", ada.token)).await;
    let small = || upload(&server, &ada, "chat", picture(4, 4, ImageFormat::Png));
    // Read from the database, since another upload could come first.
    let file = format!("sqlite:{}", server.folder().join("plaza.db").display());
    let mut database = AnyConnection::connect(&file).await.unwrap();
    let begun = "select count(*) from upload_accounts where ticket <> ''";
    while sqlx::query_scalar::<_, i64>(begun)
        .fetch_one(&mut database)
        .await
        .unwrap()
        == 0
    {}
    database.close().await.unwrap();
    small().await.refused(429);
    drop(stuck);
    while small().await.status != 200 {}
    server.stop().await;
}

#[tokio::test]
async fn drafts_of_a_crashed_process_are_removed() {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let uploads = folder.path().join("uploads");
    std::fs::create_dir(&uploads).unwrap();
    let draft = |name: &str| {
        let path = uploads.join(name);
        std::fs::write(&path, "half a picture").unwrap();
        path
    };
    let (left_over, running) = (draft(".left-over"), draft(".running"));
    let file = std::fs::File::options().write(true).open(&left_over);
    let years_ago = SystemTime::UNIX_EPOCH + Duration::from_hours(24);
    file.unwrap().set_modified(years_ago).unwrap();
    let server = TestServer::start_in(folder, |_| {}).await;
    while left_over.exists() {
        tokio::task::yield_now().await;
    }
    assert!(running.exists(), "another process may be writing it");
    server.stop().await;
}

#[tokio::test]
async fn uploads_without_permission_are_refused_before_the_body_is_read() {
    let server = TestServer::start().await;
    let mut socket = begin(&server, "").await;
    let mut answer = [0; 12];
    socket.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 403");
    server.stop().await;
}

#[tokio::test]
async fn a_user_lists_and_deletes_own_uploads() {
    let server = TestServer::start().await;
    let (ada, bo, admin) = (
        server.user("ada").await,
        server.user("bo").await,
        server.admin().await,
    );
    let mut urls = Vec::new();
    for number in 0..2 {
        urls.push(text(
            &upload(&server, &ada, "chat", noise(number)).await.fine()["imageUrl"],
        ));
    }
    let list = server.get("/upload", Some(&ada)).await.fine();
    let uploads = list["uploads"].as_array().unwrap();
    assert_eq!(uploads.len(), 2);
    assert_eq!(list["quota"], 64 * 1024 * 1024);
    let sum: u64 = uploads
        .iter()
        .map(|entry| entry["size"].as_u64().unwrap())
        .sum();
    assert_eq!(list["used"], sum);
    assert!(
        server.get("/upload", Some(&bo)).await.fine()["uploads"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    let name = text(&uploads[0]["name"]);
    let path = format!("/upload/{name}");
    server
        .call("DELETE", &path, Some(&bo), Value::Null)
        .await
        .refused(403);
    server
        .call("DELETE", &path, None, Value::Null)
        .await
        .refused(403);
    server
        .call("DELETE", &path, Some(&ada), Value::Null)
        .await
        .fine();
    server
        .call("DELETE", &path, Some(&ada), Value::Null)
        .await
        .refused(400);
    assert_eq!(status_of(&server, &format!("/files/{name}")).await, 404);
    assert_eq!(
        used(&server, &ada).await,
        sum - uploads[0]["size"].as_u64().unwrap()
    );
    // Pictures used by elements and maps stay, also when another user placed them.
    let other = text(&uploads[1]["imageUrl"]);
    let body = json!({"name": "Me", "imageUrl": other});
    let avatar = text(
        &server
            .post("/admin/avatar", Some(&admin), body)
            .await
            .fine()["avatarId"],
    );
    let path = format!("/upload/{}", text(&uploads[1]["name"]));
    server
        .call("DELETE", &path, Some(&ada), Value::Null)
        .await
        .refused(400);
    server
        .call(
            "DELETE",
            &format!("/admin/avatar/{avatar}"),
            Some(&admin),
            Value::Null,
        )
        .await
        .fine();
    assert_eq!(
        status_of(&server, &other).await,
        404,
        "it went with the avatar"
    );
    assert_eq!(used(&server, &ada).await, 0);
    server.stop().await;
}

#[tokio::test]
async fn a_picture_is_removed_with_its_last_use() {
    let server = TestServer::start().await;
    let (ada, bo) = (server.user("ada").await, server.user("bo").await);
    for chat in ["kept", "ephemeral"] {
        let body = json!({"name": "Album", "dimensions": "20x20", "chat": chat});
        let space = text(&server.post("/space", Some(&ada), body).await.fine()["spaceId"]);
        let mut urls = Vec::new();
        for number in 0..2 {
            urls.push(text(
                &upload(&server, &ada, "chat", noise(number)).await.fine()["imageUrl"],
            ));
        }
        let (mut seat, _) = JsonClient::join(&server.address, &ada, &space).await;
        let mut lines = Vec::new();
        for words in [&urls[0], &urls[0], &urls[1]] {
            seat.chat(&format!("![]({words})")).await;
            lines.push(text(&seat.expect("new-message").await["id"]));
        }
        if chat == "kept" {
            let path = |line: &String| format!("/space/{space}/chat/{line}");
            // HTTP knows of a message about a second after it was sent.
            while server
                .call("DELETE", &path(&lines[2]), Some(&ada), Value::Null)
                .await
                .status
                != 200
            {}
            assert_eq!(status_of(&server, &urls[1]).await, 404);
            server
                .call("DELETE", &path(&lines[0]), Some(&ada), Value::Null)
                .await
                .fine();
            assert_eq!(
                status_of(&server, &urls[0]).await,
                200,
                "the other message still shows it"
            );
            server
                .call(
                    "DELETE",
                    &format!("/space/{space}"),
                    Some(&ada),
                    Value::Null,
                )
                .await
                .fine();
            assert_eq!(status_of(&server, &urls[0]).await, 404);
        } else {
            let path = format!("/space/{space}/chat");
            server
                .call("DELETE", &path, Some(&ada), Value::Null)
                .await
                .fine();
            // The next checkpoint reports the pictures in use.
            while status_of(&server, &urls[0]).await != 404
                || status_of(&server, &urls[1]).await != 404
            {}
        }
        assert_eq!(used(&server, &ada).await, 0);
    }
    let url = text(&upload(&server, &ada, "chat", noise(3)).await.fine()["imageUrl"]);
    let body = json!({"text": format!("![]({url})"), "clientId": 1});
    server
        .post(&format!("/direct/{}", bo.id), Some(&ada), body)
        .await
        .fine();
    let list = server.get("/upload", Some(&ada)).await.fine();
    assert_eq!(list["uploads"][0]["uses"]["directs"], 1);
    server.stop().await;
}

#[tokio::test]
async fn uploads_of_one_address_leave_places_for_others() {
    let server = TestServer::start_with(|settings| {
        settings.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let from = |who: &Person, address: &str| {
        format!(
            "authorization: Bearer {}\r\nx-forwarded-for: {address}\r\n",
            who.token
        )
    };
    let mut stuck = Vec::new();
    for number in 0..8 {
        let person = server.user(&format!("greedy{number}")).await;
        stuck.push(begin(&server, &from(&person, "203.0.113.7")).await);
    }
    let (ada, bo) = (server.user("ada").await, server.user("bo").await);
    let send = async |who: &Person, address: &str| {
        let bytes = picture(4, 4, ImageFormat::Png);
        let form = Form::new().part("file", Part::bytes(bytes).file_name("a"));
        let request = server
            .request("POST".parse().unwrap(), "/upload?kind=chat")
            .header("x-forwarded-for", address);
        server
            .send(request.bearer_auth(&who.token).multipart(form))
            .await
    };
    let mut refused = send(&ada, "203.0.113.7").await;
    // The heads of the others may still be on their way.
    while refused.status == 200 {
        refused = send(&ada, "203.0.113.7").await;
    }
    refused.refused(503);
    assert!(refused.text.contains("from your address"), "{refused:?}");
    assert!(refused.header("retry-after").parse::<u64>().unwrap() >= 1);
    send(&bo, "203.0.113.8").await.fine();
    drop(stuck);
    while send(&ada, "203.0.113.7").await.status != 200 {}
    server.stop().await;
}
