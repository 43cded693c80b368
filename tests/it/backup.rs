//! Backups are complete although people play, and are restored completely or not at all.

use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use image::{DynamicImage, ImageFormat, RgbaImage};
use reqwest::multipart::{Form, Part};
use serde_json::json;

use crate::clients::JsonClient;
use crate::harness::{Person, TestServer, text};
use crate::services::Database;

fn plaza(words: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plaza"));
    command.args(words).arg("--data-dir").arg(folder);
    command.stdin(Stdio::null()).output().unwrap()
}

fn fine(words: &[&str], folder: &Path) -> String {
    let output = plaza(words, folder);
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn refused(words: &[&str], folder: &Path) -> String {
    let output = plaza(words, folder);
    assert_eq!(output.status.code(), Some(2), "{words:?}: {output:?}");
    String::from_utf8(output.stderr).unwrap()
}

async fn bring_picture(server: &TestServer, who: &Person, shade: u8) -> String {
    let image =
        DynamicImage::ImageRgba8(RgbaImage::from_pixel(8, 8, image::Rgba([shade, 9, 9, 255])));
    let mut bytes = Vec::new();
    image
        .write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png)
        .unwrap();
    let form = Form::new().part("file", Part::bytes(bytes).file_name("a.png"));
    let request = server.request("POST".parse().unwrap(), "/upload?kind=chat");
    let answer = server
        .send(request.bearer_auth(&who.token).multipart(form))
        .await;
    text(&answer.fine()["imageUrl"])
}

async fn sign_in(server: &TestServer, name: &str) -> Person {
    let body = json!({"username": name, "password": "secret"});
    let token = text(&server.post("/signin", None, body).await.fine()["token"]);
    let id = String::new();
    Person { id, token }
}

/// A small data folder with a user in it, and a backup of it.
async fn a_backup(home: &Path) -> std::path::PathBuf {
    let data = home.join("data");
    let store = plaza::store::Store::open(&data).await.unwrap();
    store
        .add_user("ada", "-", plaza::store::Role::User)
        .await
        .unwrap()
        .unwrap();
    fs::create_dir_all(data.join("uploads")).unwrap();
    fs::write(data.join("uploads/some.png"), [7; 4000]).unwrap();
    store.close().await;
    let file = home.join("backup.tar");
    fine(&["backup", file.to_str().unwrap()], &data);
    file
}

#[tokio::test]
async fn a_backup_made_while_people_play_restores_everything() {
    let server = Arc::new(TestServer::start().await);
    let folder = server.folder().to_owned();
    let ada = server.user("ada").await;
    let body = json!({"name": "Kept", "dimensions": "40x40", "chat": "kept"});
    let space = text(&server.post("/space", Some(&ada), body).await.fine()["spaceId"]);
    let picture = bring_picture(&server, &ada, 1).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let writers = (0..3).map(|number| {
        let (server, space, is_over) = (Arc::clone(&server), space.clone(), Arc::clone(&is_over));
        tokio::spawn(async move {
            let me = server.user(&format!("writer-{number}")).await;
            let (mut client, _) = JsonClient::join(&server.address, &me, &space).await;
            let mut round = 0_u8;
            while !is_over.load(Ordering::Relaxed) {
                client.chat("again").await;
                bring_picture(&server, &me, round).await;
                let body =
                    json!({"name": format!("Space {number}-{round}"), "dimensions": "10x10"});
                server.post("/space", Some(&me), body).await.fine();
                round = round.wrapping_add(1);
            }
            client.close().await;
        })
    });
    let writers: Vec<_> = writers.collect();
    let home = tempfile::tempdir().unwrap();
    let mut backups = Vec::new();
    for number in 0..3 {
        let file = home.path().join(format!("{number}.tar"));
        let (to, data) = (file.to_str().unwrap().to_owned(), folder.clone());
        let made = tokio::task::spawn_blocking(move || plaza(&["backup", &to], &data))
            .await
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        backups.push(file);
    }
    is_over.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    let left: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(
        !left
            .iter()
            .any(|name| name.to_str().unwrap().contains("backup")),
        "{left:?}"
    );
    let Ok(server) = Arc::try_unwrap(server) else {
        panic!("writers hold the server")
    };
    server.stop().await;
    for file in &backups {
        fine(&["backup", "--verify", file.to_str().unwrap()], home.path());
    }
    let restored = Arc::new(tempfile::tempdir().unwrap());
    let said = fine(&["restore", backups[2].to_str().unwrap()], restored.path());
    assert!(said.contains("sign in again"), "{said}");
    let server = TestServer::start_in(Arc::clone(&restored), |_| {}).await;
    server.get("/me", Some(&ada)).await.refused(401);
    let ada = sign_in(&server, "ada").await;
    sign_in(&server, "writer-2").await;
    let kept = server
        .get(&format!("/space/{space}"), Some(&ada))
        .await
        .fine();
    assert_eq!(kept["name"], "Kept");
    let picture = server.get(&format!("/{picture}"), None).await;
    assert_eq!(picture.status.as_u16(), 200);
    server.stop().await;
}

#[tokio::test]
async fn incomplete_backups_are_refused_without_traces() {
    let home = tempfile::tempdir().unwrap();
    let file = a_backup(home.path()).await;
    let whole = fs::read(&file).unwrap();
    let target = home.path().join("target");
    let broken = home.path().join("broken.tar");
    let middle = whole.len() / 2;
    let mut flipped = whole.clone();
    flipped[middle] ^= 1;
    let mut foreign = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(1);
    header.set_mode(0o600);
    foreign
        .append_data(&mut header, "uploads/x/../../outside", &b"x"[..])
        .unwrap_err();
    foreign
        .append_data(&mut header, "letters.txt", &b"x"[..])
        .unwrap();
    for (bytes, says) in [
        (&whole[..middle], "not a whole backup"),
        (&whole[..2048], "not a whole backup"),
        (&flipped, "not a whole backup"),
        (b"hello", "not a whole backup"),
        (b"", "no manifest"),
        (
            &foreign.into_inner().unwrap(),
            "`letters.txt` does not belong",
        ),
    ] {
        fs::write(&broken, bytes).unwrap();
        let said = refused(&["restore", broken.to_str().unwrap()], &target);
        assert!(said.contains(says) && said.lines().count() == 1, "{said}");
        assert_eq!(fs::read_dir(&target).unwrap().count(), 0);
        refused(&["backup", "--verify", broken.to_str().unwrap()], &target);
    }
    fine(&["restore", file.to_str().unwrap()], &target);
    assert!(target.join("uploads/some.png").exists());
}

#[tokio::test]
async fn nothing_is_overwritten() {
    let home = tempfile::tempdir().unwrap();
    let file = a_backup(home.path()).await;
    let data = home.path().join("data");
    let said = refused(&["backup", file.to_str().unwrap()], &data);
    assert!(said.contains("is there already"), "{said}");
    let said = refused(&["restore", file.to_str().unwrap()], &data);
    assert!(said.contains("is not empty"), "{said}");
    let said = refused(&["backup", "x.tar"], &home.path().join("nowhere"));
    assert!(said.contains("there is no database"), "{said}");
    let folder = home.path().join("many");
    fs::create_dir(&folder).unwrap();
    fine(&["backup", folder.to_str().unwrap()], &data);
    let named: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(named.len(), 1);
    fine(&["backup", "--verify", named[0].to_str().unwrap()], &data);
}

#[cfg(unix)]
#[tokio::test]
async fn other_users_cannot_read_a_backup() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().unwrap();
    let file = a_backup(home.path()).await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&file), 0o600);
    let target = home.path().join("target");
    fine(&["restore", file.to_str().unwrap()], &target);
    assert_eq!(
        (mode(&target), mode(&target.join("uploads"))),
        (0o700, 0o700)
    );
    for name in ["plaza.db", "uploads/some.png"] {
        assert_eq!(mode(&target.join(name)), 0o600, "{name}");
    }
}

#[tokio::test]
async fn for_postgresql_the_commands_to_run_are_printed() {
    let home = tempfile::tempdir().unwrap();
    let database = Database::new();
    let url = database.url();
    for (words, says) in [
        (
            ["backup", "x.tar", "--database-url", &url],
            ["pg_dump", "tar -C"],
        ),
        (
            ["restore", "x.tar", "--database-url", &url],
            ["pg_restore", "tar -C"],
        ),
    ] {
        let output = plaza(&words, home.path());
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(says.iter().all(|word| said.contains(word)), "{said}");
        assert!(!said.contains(&url), "no password is printed");
    }
}
