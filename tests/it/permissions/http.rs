//! Every route of the server, called by each role in a space and by an admin of the server. A new
//! route needs a row here.

use std::collections::{BTreeMap, BTreeSet};

use plaza::api::routes::openapi;
use serde_json::{Value, json};

use super::{Need, Staff, Table};
use crate::chat::until_kept;
use crate::clients::BinaryClient;
use crate::harness::{Answer, Person, text};

/// Calls by which people come to have an account or a session, and end them. No role counts there;
/// `accounts.rs`, `sessions.rs` and `guests.rs` test them.
const APART: [&str; 13] = [
    "changePassword",
    "endSession",
    "guest",
    "invite",
    "keepGuest",
    "setUp",
    "setupState",
    "sessions",
    "signIn",
    "signOut",
    "signOutEverywhere",
    "signUp",
    "signUpPolicy",
];

/// Who prepares a call.
#[derive(Clone, Copy)]
enum By {
    Owner,
    Admin,
}

/// A route, who may call it, and a call that succeeds. In paths and bodies `$space`, `$element`,
/// `$map`, `$avatar`, `$target` (a visitor) and `$line` (a message of the owner) stand for ids, and
/// `$made` for what was prepared.
struct Row {
    operation: &'static str,
    need: Need,
    body: &'static str,
    query: &'static str,
    /// What the first parameter of the path is, if not the space.
    first: &'static str,
    /// A call beforehand, and the field of its answer that is `$made`.
    before: Option<(By, &'static str, &'static str, &'static str)>,
    /// Status for those who may, and for those who may not.
    answers: (u16, u16),
}

const fn row(operation: &'static str, need: Need) -> Row {
    Row {
        operation,
        need,
        body: "",
        query: "",
        first: "$space",
        before: None,
        answers: (200, 403),
    }
}

impl Row {
    const fn body(self, body: &'static str) -> Self {
        Self { body, ..self }
    }

    const fn query(self, query: &'static str) -> Self {
        Self { query, ..self }
    }

    const fn first(self, first: &'static str) -> Self {
        Self { first, ..self }
    }

    const fn before(
        self,
        by: By,
        call: &'static str,
        body: &'static str,
        made: &'static str,
    ) -> Self {
        let before = Some((by, call, body, made));
        Self { before, ..self }
    }

    const fn answers(self, allowed: u16, refused: u16) -> Self {
        let answers = (allowed, refused);
        Self { answers, ..self }
    }
}

/// What no role changes.
fn for_everyone() -> Vec<Row> {
    vec![
        row("live", Need::Nothing),
        row("ready", Need::Nothing),
        row("avatars", Need::Nothing),
        row("elements", Need::Nothing),
        row("catalogue", Need::Nothing),
        row("maps", Need::Nothing),
        row("mapThumbnail", Need::Nothing).first("$map"),
        row("looksOfUsers", Need::Nothing).query("?ids=[]"),
        row("space", Need::Nothing),
        row("spaceMap", Need::Nothing),
        row("spaceThumbnail", Need::Nothing),
        row("accessPolicy", Need::Nothing),
        row("me", Need::Token),
        row("ice", Need::Token),
        row("lobby", Need::Token),
        row("mySpaces", Need::Token),
        row("chooseAvatar", Need::Token).body(r#"{"avatarId": "$avatar"}"#),
        row("chooseAvatarByPut", Need::Token).body(r#"{"avatarId": "$avatar"}"#),
        row("conversations", Need::Token),
        row("conversation", Need::Token).first("$target"),
        row("readDirect", Need::Token)
            .first("$target")
            .body(r#"{"upTo": "018f0000-0000-7000-8000-000000000000"}"#),
        row("uploads", Need::Token),
        row("ownReports", Need::Token),
        row("acceptInvite", Need::Token).first("$made").before(
            By::Owner,
            "POST /space/$space/invite",
            "{}",
            "token",
        ),
    ]
}

/// What is for people with an account.
fn for_accounts() -> Vec<Row> {
    let account = Need::InSpace("UseAccount");
    vec![
        row("addSpace", account).body(r#"{"name": "Mine", "dimensions": "5x5"}"#),
        row("writeDirect", account)
            .first("$target")
            .body(r#"{"text": "hi", "clientId": 1}"#),
        // A form is missing.
        row("upload", account)
            .query("?kind=chat")
            .body("{}")
            .answers(400, 403),
        // Others have no such picture.
        row("deleteUpload", Need::Token)
            .first("none.png")
            .answers(400, 403),
    ]
}

/// What is for those who may be in the space, and for some of them.
fn of_a_space() -> Vec<Row> {
    vec![
        row("spaceServer", Need::Token),
        row("spaceSettings", Need::Token),
        row("chat", Need::Token),
        row("livekit", Need::Token).answers(400, 403),
        row("enterSpace", Need::Token).body(r#"{"password": "sesame"}"#),
        // The space is open: there is nothing to ask for.
        row("askToJoin", Need::Token)
            .body(r#"{"text": ""}"#)
            .answers(400, 403),
        row("takeRequestBack", Need::Token).answers(400, 403),
        row("placeElement", Need::InSpace("Build"))
            .body(r#"{"spaceId": "$space", "elementId": "$element", "x": 1, "y": 1}"#)
            .answers(200, 400),
        row("removeElement", Need::InSpace("Build"))
            .body(r#"{"id": "$made"}"#)
            .before(By::Owner, "POST /space/element", PLACED, "id"),
        row("removeElementByPath", Need::InSpace("Build"))
            .first("$made")
            .before(By::Owner, "POST /space/element", PLACED, "id"),
        row("spaceInvites", Need::InSpace("Invite")),
        row("addSpaceInvite", Need::InSpace("Invite")).body("{}"),
        row("revokeSpaceInvite", Need::InSpace("Invite")).before(
            By::Owner,
            "POST /space/$space/invite",
            "{}",
            "id",
        ),
        row("joinRequests", Need::InSpace("AnswerJoinRequests")),
        // No one has asked.
        row("answerJoinRequest", Need::InSpace("AnswerJoinRequests"))
            .body(r#"{"answer": "no"}"#)
            .answers(400, 403),
        row("changeSpace", Need::InSpace("DescribeSpace")).body(r#"{"description": "Ours"}"#),
        row("exportChat", Need::InSpace("ExportChat")),
        row("changeChatRules", Need::InSpace("ManageChat")).body(r#"{"slowModeSeconds": 0}"#),
        row("changeSpaceSettings", Need::InSpace("ManageChat")).body(r#"{"rangeTiles": 5}"#),
        row("wordFilter", Need::InSpace("ManageChat")),
        row("changeWordFilter", Need::InSpace("ManageChat"))
            .body(r#"{"action": "redact", "words": ["darn"]}"#),
        // Only authors edit.
        row("editLine", Need::Author).body(r#"{"message": "changed"}"#),
        row("deleteLine", Need::InSpace("DeleteMessages")),
        row("clearChat", Need::InSpace("ManageChat")),
    ]
}

const PLACED: &str = r#"{"spaceId": "$space", "elementId": "$element", "x": 1, "y": 1}"#;

/// What is about the people of the space.
fn of_people() -> Vec<Row> {
    let (roles, moderate) = (Need::InSpace("AssignRoles"), Need::InSpace("Moderate"));
    let own = Need::InSpace("ManageAccess");
    let offer = r#"{"username": "the-target"}"#;
    vec![
        row("transfers", Need::Token),
        row("transfer", own),
        row("offerSpace", own).body(offer),
        // Others have no offer that they could decline.
        row("endOffer", own)
            .before(By::Owner, "POST /space/$space/transfer", offer, "")
            .answers(200, 400),
        // It is offered to no one.
        row("acceptSpace", Need::InSpace("UseAccount")).answers(400, 403),
        row("members", roles),
        row("member", roles),
        row("giveRole", roles).body(r#"{"role": "member"}"#),
        row("addMember", roles).body(r#"{"username": "the-target", "role": "member"}"#),
        row("takeRole", roles).before(
            By::Owner,
            "PUT /space/$space/member/$target",
            r#"{"role": "member"}"#,
            "",
        ),
        row("report", Need::InSpace("Report")).body(r#"{"aboutId": "$target", "kind": "spam"}"#),
        row("reports", moderate),
        // There is no such report.
        row("answerReport", moderate).body("{}").answers(400, 403),
        row("sanctions", moderate),
        row("spaceAuditLog", moderate),
        row("kick", moderate).body("{}"),
        row("liftKick", moderate).before(
            By::Owner,
            "POST /space/$space/user/$target/kick",
            "{}",
            "",
        ),
        row("mute", moderate).body(r#"{"what": ["chat", "voice", "video"]}"#),
        row("unmute", moderate).before(
            By::Owner,
            "POST /space/$space/user/$target/mute",
            r#"{"what": ["chat"]}"#,
            "",
        ),
        row("ban", moderate).body("{}"),
        row("liftBan", moderate).before(By::Owner, "POST /space/$space/user/$target/ban", "{}", ""),
        row("lockDown", moderate).body(r#"{"minutes": 15}"#),
        row("endLockdown", moderate),
    ]
}

/// What is for admins of the server; last what deletes the space.
fn of_the_server() -> Vec<Row> {
    let spare = r#"{"name": "Spare", "dimensions": "5x5"}"#;
    let avatar = r#"{"imageUrl": "https://example.org/a.png", "name": "Spare"}"#;
    vec![
        row("users", Need::Admin),
        row("auditLog", Need::Admin),
        row("adminReports", Need::Admin),
        // There is no such report.
        row("answerReportAsAdmin", Need::Admin)
            .first("none")
            .body("{}")
            .answers(400, 403),
        row("allUploads", Need::Admin),
        row("cluster", Need::Admin),
        // There is one process: nothing can move.
        row("drain", Need::Admin).first("none").answers(400, 403),
        row("undrain", Need::Admin).first("none").answers(400, 403),
        row("moveSpace", Need::Admin)
            .body(r#"{"node": "none"}"#)
            .answers(400, 403),
        row("addAvatar", Need::Admin).body(avatar),
        row("deleteAvatar", Need::Admin).first("$made").before(
            By::Admin,
            "POST /admin/avatar",
            avatar,
            "avatarId",
        ),
        row("addElement", Need::Admin).body(
            r#"{"imageUrl": "https://example.org/e.png", "width": 1, "height": 1, "static": true}"#,
        ),
        row("changeElement", Need::Admin)
            .first("$element")
            .body(r#"{"imageUrl": "https://example.org/e.png"}"#),
        row("addMap", Need::Admin).body(r#"{"name": "Yard", "dimensions": "5x5"}"#),
        row("suspend", Need::Admin)
            .first("$target")
            .body(r#"{"reason": "noise"}"#),
        row("unsuspend", Need::Admin).first("$target"),
        row("signUserOut", Need::Admin).first("$target"),
        row("deleteAnySpace", Need::Admin).first("$made").before(
            By::Owner,
            "POST /space",
            spare,
            "spaceId",
        ),
        row("deleteSpace", Need::InSpace("DeleteSpace")),
    ]
}

fn rows() -> Vec<Row> {
    let mut rows = for_everyone();
    rows.extend(for_accounts());
    rows.extend(of_a_space());
    rows.extend(of_people());
    rows.extend(of_the_server());
    rows
}

/// Methods and paths of the routes, by operation.
fn routes() -> BTreeMap<String, (String, String)> {
    let document = serde_json::to_value(openapi()).unwrap();
    let mut found = BTreeMap::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = text(&operation["operationId"]);
            found.insert(id, (method.to_uppercase(), path.clone()));
        }
    }
    found
}

#[test]
fn every_route_has_a_row() {
    let rows: Vec<Row> = rows();
    let named: BTreeSet<&str> = rows.iter().map(|row| row.operation).chain(APART).collect();
    assert_eq!(named.len(), rows.len() + APART.len(), "each has one");
    let routes = routes();
    let all: BTreeSet<&str> = routes.keys().map(String::as_str).collect();
    assert_eq!(named, all, "a row for each route, and a route for each row");
    for (operation, (_, path)) in &routes {
        let is_apart = APART.contains(&operation.as_str());
        let counts = path.contains("/space") || path.contains("/admin");
        assert!(!is_apart || !counts, "{operation} asks for a role");
    }
}

/// The space, with what the calls are about.
struct Scene {
    staff: Staff,
    names: BTreeMap<&'static str, String>,
    lines: Vec<String>,
}

impl Scene {
    async fn set() -> Self {
        let staff = Staff::hired().await;
        let server = &staff.server;
        let target = server.user("the-target").await;
        let admin = Some(&staff.admin);
        let made = async |path: &str, body: Value, field: &str| {
            text(&server.post(path, admin, body).await.fine()[field])
        };
        let map = json!({"name": "Yard", "dimensions": "5x5"});
        let avatar = json!({"imageUrl": "https://example.org/a.png", "name": "Fox"});
        let names = BTreeMap::from([
            ("$space", staff.space.clone()),
            ("$element", staff.element.clone()),
            ("$target", target.id.clone()),
            ("$map", made("/admin/map", map, "id").await),
            ("$avatar", made("/admin/avatar", avatar, "avatarId").await),
        ]);
        let lines = lines(&staff).await;
        Self {
            staff,
            names,
            lines,
        }
    }

    fn fill(&self, template: &str, made: &str, line: &str) -> String {
        let mut filled = template.replace("$made", made).replace("$line", line);
        for (name, value) in &self.names {
            filled = filled.replace(name, value);
        }
        filled
    }

    async fn call(&self, method: &str, path: &str, who: Option<&Person>, body: &str) -> Answer {
        let body = serde_json::from_str(body).unwrap_or(Value::Null);
        self.staff.server.call(method, path, who, body).await
    }

    /// Prepares the call; returns what was made.
    async fn prepare(&self, row: &Row) -> String {
        let Some((by, call, body, field)) = row.before else {
            return String::new();
        };
        let who = match by {
            By::Owner => self.staff.owner(),
            By::Admin => &self.staff.admin,
        };
        let (method, path) = call.split_once(' ').unwrap();
        let (path, body) = (self.fill(path, "", ""), self.fill(body, "", ""));
        let answer = self.call(method, &path, Some(who), &body).await.fine();
        answer[field].as_str().unwrap_or_default().to_owned()
    }

    async fn attempt(
        &self,
        row: &Row,
        (method, path): &(String, String),
        (who, line): (Option<&Person>, &str),
    ) -> Answer {
        let made = self.prepare(row).await;
        let mut filled = String::new();
        for (index, part) in path.split('/').enumerate() {
            let part = match part {
                "{line}" => "$line",
                "{user}" => "$target",
                "{invite}" => "$made",
                "{report}" => "none",
                part if part.starts_with('{') => row.first,
                part => part,
            };
            let slash = if index == 0 { "" } else { "/" };
            filled = format!("{filled}{slash}{part}");
        }
        let path = format!("/{}{}", self.fill(&filled, &made, line), row.query);
        let body = self.fill(row.body, &made, line);
        self.call(method, &path, who, &body).await
    }
}

/// Stored messages of the owner: one to be changed, the others to be deleted by those who may.
async fn lines(staff: &Staff) -> Vec<String> {
    const COUNT: usize = 4;
    let (server, owner) = (&staff.server, staff.owner());
    let mut client = BinaryClient::join(&server.address, owner, &staff.space).await;
    for number in 0..COUNT {
        staff.message(&mut client, &format!("line {number}")).await;
    }
    let page = until_kept(server, owner, &staff.space, COUNT).await;
    let lines = page["lines"].as_array().unwrap().iter();
    lines.map(|line| text(&line["id"])).collect()
}

#[tokio::test]
async fn each_role_may_call_what_the_table_says_and_nothing_else() {
    let mut scene = Scene::set().await;
    let (table, routes) = (Table::read(), routes());
    for row in rows() {
        let route = &routes[row.operation];
        let line = scene.lines[0].clone();
        let answer = scene.attempt(&row, route, (None, &line)).await;
        let expected = if matches!(row.need, Need::Nothing) {
            row.answers.0
        } else {
            403
        };
        let what = format!("{} without a token", row.operation);
        assert_eq!(answer.status.as_u16(), expected, "{what}: {answer:?}");
        for (who, person) in scene.staff.everyone() {
            let line = scene.lines[0].clone();
            let answer = scene.attempt(&row, route, (Some(&person), &line)).await;
            let is_allowed = table.allows(row.need, who);
            let expected = if is_allowed {
                row.answers.0
            } else {
                row.answers.1
            };
            let what = format!("{} by {}", row.operation, who.word());
            assert_eq!(answer.status.as_u16(), expected, "{what}: {answer:?}");
            if row.operation == "deleteLine" && is_allowed {
                scene.lines.remove(0);
            }
        }
    }
    scene.staff.server.stop().await;
}
