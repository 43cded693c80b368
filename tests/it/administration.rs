//! Actions of admins on users and spaces, over HTTP and from the command line: they take effect at
//! once and are in the audit log.

use std::path::Path;
use std::process::{Output, Stdio};

use image::ImageFormat;
use serde_json::{Value, json};

use crate::clients::{BinaryClient, JsonClient, Stranger, hello};
use crate::cluster::Shared;
use crate::harness::{Person, TestServer, text};
use crate::sessions::NEVER;
use crate::uploads::{picture, upload};
use plaza::net::protocol::ClientMessage;

async fn admin_command(folder: &Path, words: &[&str]) -> Output {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_plaza"));
    command
        .arg("admin")
        .args(words)
        .arg("--data-dir")
        .arg(folder);
    command.stdin(Stdio::null()).output().await.unwrap()
}

/// Output of a command that succeeds.
pub async fn fine(folder: &Path, words: &[&str]) -> String {
    let output = admin_command(folder, words).await;
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Error line of a command that is refused.
async fn refused(folder: &Path, words: &[&str]) -> String {
    let output = admin_command(folder, words).await;
    assert_eq!(output.status.code(), Some(2), "{words:?}: {output:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn sign_in(name: &str) -> Value {
    json!({"username": name, "password": "secret"})
}

async fn suspend(
    server: &TestServer,
    admin: &Person,
    who: &Person,
    body: Value,
) -> crate::harness::Answer {
    let path = format!("/admin/user/{}/suspend", who.id);
    server.post(&path, Some(admin), body).await
}

#[tokio::test]
async fn a_suspended_user_is_disconnected_everywhere_with_the_reason() {
    let server = TestServer::start_with(|settings| settings.sweep = NEVER).await;
    let (admin, ada) = (server.admin().await, server.user("ada").await);
    let space = server.space(&ada, "40x40").await;
    let other_space = server.space(&ada, "40x40").await;
    let mut game = BinaryClient::join(&server.address, &ada, &space).await;
    let (mut json_client, _) = JsonClient::join(&server.address, &ada, &other_space).await;
    let body = json!({"reason": "threw cake", "until": 4_000_000_000_000_i64});
    suspend(&server, &admin, &ada, body).await.fine();
    assert_eq!(game.ended().await, Some(4401));
    let told = json_client.expect("error").await;
    assert!(text(&told["message"]).contains("threw cake"), "{told}");
    assert_eq!(json_client.ended().await, Some(4401));
    for answer in [
        server.post("/signin", None, sign_in("ada")).await,
        server.get("/me", Some(&ada)).await,
        server.get(&format!("/space/{space}"), Some(&ada)).await,
    ] {
        answer.refused(403);
        let message = text(&answer.json()["message"]);
        assert_eq!(
            message,
            "Your account is suspended until 2096-10-02T07:06:40Z: threw cake"
        );
    }
    let wrong = json!({"username": "ada", "password": "wrong"});
    let answer = server.post("/signin", None, wrong).await;
    answer.refused(403);
    assert!(!answer.text.contains("suspended"), "strangers are not told");
    let mut stranger = Stranger::connect(&server.address).await;
    stranger
        .say(&ClientMessage::Hello(hello(&ada.token, &space)))
        .await;
    assert_eq!(stranger.refused().await, 4403);
    let mut json_client = JsonClient::connect(&server.address).await;
    json_client
        .say("join", json!({"spaceId": space, "token": ada.token}))
        .await;
    assert_eq!(json_client.expect_error().await, "forbidden");
    assert_eq!(json_client.ended().await, Some(4403));
    let path = format!("/admin/user/{}/unsuspend", ada.id);
    server.post(&path, Some(&admin), Value::Null).await.fine();
    server
        .post(&path, Some(&admin), Value::Null)
        .await
        .refused(400);
    server.post("/signin", None, sign_in("ada")).await.fine();
    BinaryClient::join(&server.address, &ada, &space).await;
    let log = server.get("/admin/audit-log", Some(&admin)).await.fine();
    let acts = log["entries"].as_array().unwrap().iter();
    let acts: Vec<_> = acts
        .map(|entry| {
            (
                text(&entry["actor"]),
                text(&entry["action"]),
                text(&entry["target"]),
            )
        })
        .collect();
    let act = |action: &str| ("the-admin".to_owned(), action.to_owned(), "ada".to_owned());
    assert_eq!(acts, [act("unsuspend"), act("suspend")]);
    let detail = text(&log["entries"][1]["detail"]);
    assert_eq!(detail, "until 2096-10-02T07:06:40Z: threw cake");
    server.stop().await;
}

#[tokio::test]
async fn only_admins_act_and_only_on_existing_other_users() {
    let server = TestServer::start().await;
    let (admin, ada) = (server.admin().await, server.user("ada").await);
    let reason = json!({"reason": "why not"});
    suspend(&server, &ada, &admin, reason.clone())
        .await
        .refused(403);
    suspend(&server, &admin, &admin, reason.clone())
        .await
        .refused(400);
    for wrong in [
        json!({}),
        json!({"reason": " "}),
        json!({"reason": "r".repeat(501)}),
        json!({"reason": "a\u{0}b"}),
        json!({"reason": "late", "until": 1000}),
    ] {
        suspend(&server, &admin, &ada, wrong).await.refused(400);
    }
    let unknown = Person {
        id: "018f0000-0000-7000-8000-000000000000".into(),
        token: String::new(),
    };
    suspend(&server, &admin, &unknown, reason)
        .await
        .refused(400);
    for path in ["/admin/users", "/admin/audit-log"] {
        server.get(path, Some(&ada)).await.refused(403);
    }
    server
        .get("/admin/audit-log?before=x", Some(&admin))
        .await
        .refused(400);
    let log = server.get("/admin/audit-log", Some(&admin)).await.fine();
    assert_eq!(
        log,
        json!({"entries": [], "before": null}),
        "refused actions are not in it"
    );
    server.get("/me", Some(&ada)).await.fine();
    server.stop().await;
}

#[tokio::test]
async fn users_are_searched_by_part_of_their_name_in_pages() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    for number in 0..60 {
        server.user(&format!("Bob_{number:02}")).await;
    }
    server.user("bobby").await;
    let first = server.get("/admin/users?q=bOB_", Some(&admin)).await.fine();
    let names = |page: &Value| -> Vec<String> {
        let users = page["users"].as_array().unwrap().iter();
        users.map(|user| text(&user["username"])).collect()
    };
    let mut all = names(&first);
    assert_eq!(all.len(), 50);
    let after = text(&first["after"]);
    let second = server
        .get(&format!("/admin/users?q=bob_&after={after}"), Some(&admin))
        .await
        .fine();
    assert!(second["after"].is_null());
    all.extend(names(&second));
    let expected: Vec<String> = (0..60).map(|number| format!("Bob_{number:02}")).collect();
    assert_eq!(all, expected, "each match once");
    let user = &first["users"][0];
    assert_eq!(
        (&user["role"], &user["sessions"]),
        (&json!("user"), &json!(1))
    );
    assert!(user["suspension"].is_null());
    server.stop().await;
}

#[tokio::test]
async fn an_admin_signs_a_user_out_in_every_process_of_a_cluster() {
    let shared = Shared::new();
    let (first, second) = (
        shared.server_without_sweep().await,
        shared.server_without_sweep().await,
    );
    let admin = first.admin().await;
    let (ada, bob) = (first.user("ada").await, first.user("bob").await);
    let space = first.space(&ada, "40x40").await;
    let mut ada_there = BinaryClient::join(&second.address, &ada, &space).await;
    let mut bob_there = BinaryClient::join(&second.address, &bob, &space).await;
    let path = format!("/admin/user/{}/sign-out", ada.id);
    first.post(&path, Some(&admin), Value::Null).await.fine();
    assert_eq!(ada_there.ended().await, Some(4401));
    first.get("/me", Some(&ada)).await.refused(401);
    suspend(&first, &admin, &bob, json!({"reason": "enough"}))
        .await
        .fine();
    assert_eq!(bob_there.ended().await, Some(4401));
    second.get("/me", Some(&bob)).await.refused(403);
    second.stop().await;
    first.stop().await;
}

#[tokio::test]
async fn the_command_line_works_while_the_server_runs() {
    let server = TestServer::start().await;
    let folder = server.folder().to_owned();
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let (space, doomed) = (
        server.space(&ada, "40x40").await,
        server.space(&ada, "40x40").await,
    );
    let mut ada_here = BinaryClient::join(&server.address, &ada, &space).await;
    let mut bob_here = BinaryClient::join(&server.address, &bob, &space).await;
    let mut doomed_client = BinaryClient::join(&server.address, &ada, &doomed).await;
    fine(&folder, &["delete-space", &doomed]).await;
    assert_eq!(doomed_client.ended().await, Some(4410));
    assert!(
        fine(
            &folder,
            &["suspend", "ada", "--reason", "loud", "--for", "7d"]
        )
        .await
        .contains("until")
    );
    assert_eq!(ada_here.ended().await, Some(4401));
    fine(&folder, &["sign-out", "bob"]).await;
    assert_eq!(bob_here.ended().await, Some(4401));
    server.get("/me", Some(&ada)).await.refused(403);
    let users = fine(&folder, &["users", "--search", "AD"]).await;
    assert!(
        users.contains("ada  suspended until") && users.contains(": loud"),
        "{users}"
    );
    assert_eq!(users.lines().count(), 1, "{users}");
    fine(&folder, &["unsuspend", "ada"]).await;
    server.get("/me", Some(&ada)).await.fine();
    let log = fine(&folder, &["audit-log"]).await;
    let acts: Vec<_> = log
        .lines()
        .map(|line| line.split("  ").nth(2).unwrap())
        .collect();
    assert_eq!(acts, ["unsuspend", "sign-out", "suspend", "delete-space"]);
    assert!(
        log.lines().all(|line| line.contains("  command line  ")),
        "{log}"
    );
    server.stop().await;
}

#[tokio::test]
async fn admins_list_and_delete_uploads_with_log_entries() {
    let server = TestServer::start().await;
    let folder = server.folder().to_owned();
    let (admin, ada, bob) = (
        server.admin().await,
        server.user("ada").await,
        server.user("bob").await,
    );
    let mut names = Vec::new();
    for (who, width) in [(&ada, 5), (&ada, 6), (&bob, 7)] {
        let brought = upload(&server, who, "chat", picture(width, 4, ImageFormat::Png))
            .await
            .fine();
        names.push(
            text(&brought["imageUrl"])
                .trim_start_matches("/files/")
                .to_owned(),
        );
    }
    let delete = async |picture: usize, who: &Person| {
        let path = format!("/upload/{}", names[picture]);
        server.call("DELETE", &path, Some(who), Value::Null).await
    };
    server
        .get("/admin/uploads?owner=ada", Some(&admin))
        .await
        .refused(400);
    server.get("/admin/uploads", Some(&ada)).await.refused(403);
    let all = server.get("/admin/uploads", Some(&admin)).await.fine();
    assert_eq!(all["uploads"].as_array().unwrap().len(), 3);
    assert_eq!(all["uploads"][0]["owner"], "bob", "the newest first: {all}");
    let of_ada = server
        .get(&format!("/admin/uploads?owner={}", ada.id), Some(&admin))
        .await
        .fine();
    assert!(
        of_ada["uploads"]
            .as_array()
            .unwrap()
            .iter()
            .all(|row| row["ownerId"] == ada.id)
    );
    let table = fine(&folder, &["uploads", "--of", "ada"]).await;
    assert_eq!(table.lines().count(), 3, "{table}");
    assert!(
        table.contains(&names[0]) && table.contains("5×4"),
        "{table}"
    );
    delete(0, &bob).await.refused(403);
    delete(0, &admin).await.fine();
    fine(&folder, &["uploads", "--delete", &names[2]]).await;
    delete(1, &ada).await.fine();
    let log = fine(&folder, &["audit-log"]).await;
    let rows: Vec<_> = log.lines().collect();
    let [by_command, by_admin] = rows[..] else {
        panic!("actions on own uploads are not in it: {log}")
    };
    assert!(
        by_command.contains("command line  delete-upload") && by_command.ends_with("of bob"),
        "{log}"
    );
    assert!(
        by_admin.contains("the-admin  delete-upload") && by_admin.ends_with("of ada"),
        "{log}"
    );
    assert_eq!(
        fine(&folder, &["uploads"]).await.trim(),
        "There are no uploads."
    );
    server.stop().await;
}

#[tokio::test]
async fn mistakes_are_one_line_and_the_last_admin_stays() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fine(folder, &["create", "root"]).await;
    for (words, says) in [
        (&["suspend", "root", "--reason", "x"][..], "last admin"),
        (&["suspend", "ada", "--reason", "x"], "there is no user ada"),
        (&["suspend", "root", "--reason", " "], "a reason has"),
        (&["unsuspend", "root"], "not suspended"),
        (&["uploads", "--of", "ada"], "there is no user ada"),
        (
            &["uploads", "--delete", "cat.png"],
            "there is no upload cat.png",
        ),
        (
            &["delete-space", "018f0000-0000-7000-8000-000000000000"],
            "no such space",
        ),
    ] {
        let said = refused(folder, words).await;
        assert!(said.contains(says) && said.lines().count() == 1, "{said}");
    }
    assert!(
        refused(folder, &["suspend", "root", "--reason", "x", "--for", "7w"])
            .await
            .contains("30m, 12h or 7d")
    );
    fine(folder, &["create", "second"]).await;
    fine(folder, &["suspend", "root", "--reason", "retired"]).await;
    let said = refused(folder, &["suspend", "second", "--reason", "x"]).await;
    assert!(
        said.contains("last admin"),
        "a suspended one does not count: {said}"
    );
    let log = fine(folder, &["audit-log", "--limit", "1"]).await;
    assert!(
        log.contains("suspend  root") && log.trim_end().ends_with("retired"),
        "{log}"
    );
}

#[tokio::test]
async fn a_suspended_user_is_told_what_the_server_says_about_appeals() {
    let server =
        TestServer::start_with(|settings| settings.appeals_text = "Call Olga.".into()).await;
    let (admin, ada) = (server.admin().await, server.user("ada").await);
    let space = server.space(&ada, "40x40").await;
    let (mut client, _) = JsonClient::join(&server.address, &ada, &space).await;
    let body = json!({"reason": "threw cake"});
    suspend(&server, &admin, &ada, body).await.fine();
    let expected = "Your account is suspended: threw cake\n\nCall Olga.";
    assert_eq!(client.expect("error").await["message"], expected);
    let mut again = JsonClient::connect(&server.address).await;
    again
        .say("join", json!({"spaceId": space, "token": ada.token}))
        .await;
    assert_eq!(again.expect("error").await["message"], expected);
    for answer in [
        server.post("/signin", None, sign_in("ada")).await,
        server.get("/me", Some(&ada)).await,
    ] {
        answer.refused(403);
        assert_eq!(answer.json()["message"], expected);
    }
    server.stop().await;
}
