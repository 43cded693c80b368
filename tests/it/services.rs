//! Services: one PostgreSQL for the whole run with a database for each test, and Redis servers;
//! they all end with the tests.
//!
//! Their programs come from Debian's packages, which `scripts/need services` installs. Services
//! that already run on this machine are never used.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

/// Runs a server until its own standard input ends, which happens however the tests end; then
/// removes its folder.
const KEEPER: &str = r#"
"$@" </dev/null 2>&1 & server=$!
exec >/dev/null 2>&1
cat
kill -"$SIGNAL" "$server"
wait "$server"
[ -z "$FOLDER" ] || rm -rf "$FOLDER"
"#;

/// A running server, which ends when dropped.
struct Kept {
    keeper: Child,
}

impl Kept {
    /// Starts a server and waits until it reports that it is ready. When it ends instead, its
    /// output is the error.
    fn start(
        command: &[&str],
        folder: Option<&Path>,
        signal: &str,
        ready: &str,
    ) -> Result<Self, String> {
        let mut keeper = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .args(command)
            .env("FOLDER", folder.unwrap_or(Path::new("")))
            .env("SIGNAL", signal)
            .env("LC_ALL", "C")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(keeper.stdout.take().unwrap())
            .lines()
            .map_while(Result::ok);
        let kept = Self { keeper };
        let mut said = String::new();
        for line in &mut lines {
            if line.contains(ready) {
                // Later output is not needed, but must be read.
                std::thread::spawn(move || lines.for_each(drop));
                return Ok(kept);
            }
            said += &line;
            said.push('\n');
        }
        Err(said)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        self.keeper.wait().unwrap();
    }
}

/// Runs a program to its end, and returns its output.
fn run(command: &[&str]) -> String {
    let done = Command::new(command[0]).args(&command[1..]).output();
    let done =
        done.unwrap_or_else(|error| panic!("{}: {error}; run scripts/need services", command[0]));
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{command:?}: {said}");
    String::from_utf8_lossy(&done.stdout).into_owned()
}

struct Postgres {
    folder: PathBuf,
    psql: String,
    serve: Vec<String>,
    databases: AtomicU32,
    kept: Mutex<Option<Kept>>,
}

impl Postgres {
    /// The PostgreSQL server of this run.
    fn shared() -> Arc<Self> {
        static SHARED: OnceLock<Arc<Postgres>> = OnceLock::new();
        Arc::clone(SHARED.get_or_init(|| Arc::new(Self::start(true))))
    }

    /// With `is_shared`, it ends with the tests, and its folder is removed.
    fn start(is_shared: bool) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("plaza-test-")
            .tempdir()
            .unwrap()
            .keep();
        let (home, data) = (folder.to_str().unwrap(), folder.join("data"));
        let data = data.to_str().unwrap();
        // PostgreSQL does not run as root.
        let mut as_owner = Vec::new();
        if folder.metadata().unwrap().uid() == 0 {
            run(&["chown", "postgres", home]);
            as_owner.extend([
                "setpriv",
                "--reuid=postgres",
                "--regid=postgres",
                "--clear-groups",
            ]);
        }
        let program = |name: &str| programs().join(name).to_str().unwrap().to_owned();
        let (initdb, postgres) = (program("initdb"), program("postgres"));
        let mut init = as_owner.clone();
        init.extend([
            &*initdb,
            "-D",
            data,
            "-U",
            "postgres",
            "--no-sync",
            "-E",
            "UTF8",
            "--locale=C",
            "-A",
            "trust",
        ]);
        run(&init);
        let access = "local all postgres trust\nlocal all all scram-sha-256\n";
        std::fs::write(folder.join("data/pg_hba.conf"), access).unwrap();
        let mut serve = as_owner;
        serve.extend([
            &*postgres,
            "-D",
            data,
            "-k",
            home,
            "-c",
            "listen_addresses=",
        ]);
        serve.extend([
            "-c",
            "max_connections=500",
            "-c",
            "shared_buffers=32MB",
            "-c",
            "autovacuum=off",
        ]);
        if is_shared {
            // Durability is off: these data need not survive a crash of the machine.
            let hurried = [
                "fsync=off",
                "synchronous_commit=off",
                "full_page_writes=off",
            ];
            serve.extend(hurried.into_iter().flat_map(|setting| ["-c", setting]));
        }
        let postgres = Self {
            psql: program("psql"),
            serve: serve.into_iter().map(str::to_owned).collect(),
            databases: AtomicU32::new(0),
            kept: Mutex::default(),
            folder: folder.clone(),
        };
        postgres.serve(is_shared.then_some(&folder));
        postgres
    }

    fn serve(&self, to_remove: Option<&PathBuf>) {
        let serve: Vec<&str> = self.serve.iter().map(String::as_str).collect();
        let kept = Kept::start(
            &serve,
            to_remove.map(PathBuf::as_path),
            "QUIT",
            "ready to accept connections",
        );
        *self.kept.lock().unwrap() = Some(kept.unwrap());
    }

    fn ask(&self, statement: &str) -> String {
        let home = self.folder.to_str().unwrap();
        run(&[
            &self.psql, "-h", home, "-U", "postgres", "-d", "postgres", "-qXAtc", statement,
        ])
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        *self.kept.lock().unwrap() = None;
        std::fs::remove_dir_all(&self.folder).unwrap();
    }
}

/// Folder of the newest PostgreSQL's programs, which Debian keeps out of the path.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let number = |path: &PathBuf| {
        path.file_name()
            .and_then(|name| name.to_str()?.parse::<u32>().ok())
    };
    let newest = versions.map(|entry| entry.path()).max_by_key(number);
    newest.map_or_else(PathBuf::new, |version| version.join("bin"))
}

/// A PostgreSQL database of one test, deleted when dropped.
pub struct Database {
    name: String,
    server: Arc<Postgres>,
}

impl Database {
    pub fn new() -> Self {
        Self::on(Postgres::shared())
    }

    /// A database on its own server, which may be killed.
    pub fn alone() -> Self {
        Self::on(Arc::new(Postgres::start(false)))
    }

    /// Ends its server as a crash would.
    pub fn kill(&self) {
        *self.server.kept.lock().unwrap() = None;
    }

    /// Starts its server again after [`Database::kill`], with everything that was written.
    pub fn restart(&self) {
        self.server.serve(None);
    }

    fn on(server: Arc<Postgres>) -> Self {
        let number = server.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{number}");
        server.ask(&format!("create database {name}"));
        Self { name, server }
    }

    /// Its URL, with all permissions.
    pub fn url(&self) -> String {
        self.url_of("postgres")
    }

    /// Its URL for a user, with or without a password.
    pub fn url_of(&self, user: &str) -> String {
        let socket = self.server.folder.to_str().unwrap().replace('/', "%2F");
        format!("postgres://{user}@{socket}/{}", self.name)
    }

    /// Creates a user of the server who needs a password, and returns the name.
    pub fn make_user(&self, password: &str) -> String {
        let user = format!("user_of_{}", self.name);
        self.server.ask(&format!(
            "create role {user} superuser login password '{password}'"
        ));
        user
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.server.ask(&format!(
            "drop database if exists {} with (force)",
            self.name
        ));
    }
}

/// A Redis server that stores nothing on disk; it ends when dropped.
pub struct Redis {
    port: u16,
    kept: Option<Kept>,
}

impl Redis {
    /// Starts one on a free port.
    pub fn start() -> Self {
        Self::on_a_free_port(&[])
    }

    /// Its URL, which stays the same after a restart.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Ends it as a crash would: at once, with no goodbye to its clients.
    pub fn kill(&mut self) {
        self.kept = None;
    }

    /// Starts it again after [`Redis::kill`], empty.
    pub fn restart(&mut self) {
        self.kept = Some(Self::serve(self.port, &[]).unwrap());
    }

    /// Starts one that replicates to a second one, which a Sentinel promotes on failure.
    pub fn replica_of(master: &Self) -> Self {
        Self::on_a_free_port(&["--replicaof", "127.0.0.1", &master.port.to_string()])
    }

    /// Starts a Redis Cluster of one node, which stores its configuration in a folder.
    pub fn cluster(folder: &Path) -> Self {
        let folder = folder.to_str().unwrap();
        let announce = ["--cluster-announce-ip", "127.0.0.1"];
        let cluster = Self::on_a_free_port(
            &[
                &["--cluster-enabled", "yes", "--dir", folder],
                &announce[..],
            ]
            .concat(),
        );
        cluster.ask(&["cluster", "addslotsrange", "0", "16383"]);
        while !cluster
            .ask(&["cluster", "info"])
            .contains("cluster_state:ok")
        {}
        cluster
    }

    /// Sends a command and returns the answer.
    pub fn ask(&self, words: &[&str]) -> String {
        let port = self.port.to_string();
        run(&[&["redis-cli", "-p", &port], words].concat())
    }

    /// Whether it accepts writes; one that is being promoted closes its connections.
    pub fn is_master(&self) -> bool {
        let role = Command::new("redis-cli")
            .args(["-p", &self.port.to_string(), "role"])
            .output()
            .unwrap();
        role.stdout.starts_with(b"master")
    }

    fn on_a_free_port(more: &[&str]) -> Self {
        // Another process may take the port between finding and using it.
        for _ in 0..10 {
            let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let port = free.local_addr().unwrap().port();
            drop(free);
            if let Ok(kept) = Self::serve(port, more) {
                return Self {
                    port,
                    kept: Some(kept),
                };
            }
        }
        panic!("redis-server does not start; run scripts/need services");
    }

    fn serve(port: u16, more: &[&str]) -> Result<Kept, String> {
        let port = port.to_string();
        let command = ["redis-server", "--bind", "127.0.0.1", "--port", &port];
        let keeps_nothing = ["--save", "", "--appendonly", "no"];
        let command = [&command, &keeps_nothing[..], more].concat();
        Kept::start(&command, None, "KILL", "Ready to accept connections")
    }
}

/// A Sentinel that watches one master; it ends when dropped.
pub struct Sentinel {
    port: u16,
    _folder: tempfile::TempDir,
    _kept: Kept,
}

impl Sentinel {
    /// Starts one whose vote is enough, after half a second of silence.
    pub fn of(master: &Redis) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sentinel.conf");
        for _ in 0..10 {
            let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let port = free.local_addr().unwrap().port();
            drop(free);
            let words = format!(
                "port {port}\nbind 127.0.0.1\nsentinel monitor plaza 127.0.0.1 {} 1\n\
                 sentinel down-after-milliseconds plaza 500\n\
                 sentinel failover-timeout plaza 2000\n",
                master.port
            );
            std::fs::write(&file, words).unwrap();
            let command = ["redis-server", file.to_str().unwrap(), "--sentinel"];
            if let Ok(kept) = Kept::start(&command, None, "KILL", "+monitor master") {
                return Self {
                    port,
                    _folder: folder,
                    _kept: kept,
                };
            }
        }
        panic!("the sentinel does not start; run scripts/need services");
    }

    pub fn url(&self) -> String {
        format!("redis+sentinel://127.0.0.1:{}/plaza", self.port)
    }

    /// Waits until it knows this many replicas of its master.
    pub fn until_replicas(&self, count: usize) {
        let port = self.port.to_string();
        let ask = || run(&["redis-cli", "-p", &port, "sentinel", "replicas", "plaza"]);
        while ask()
            .lines()
            .filter(|line| *line == "slave-priority")
            .count()
            < count
        {}
    }
}

/// A TURN server with a shared secret and no users; it ends when dropped.
pub struct Turn {
    port: u16,
    _folder: tempfile::TempDir,
    _kept: Kept,
}

impl Turn {
    /// Starts one on a free port.
    pub fn start(secret: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().to_str().unwrap();
        for _ in 0..10 {
            let free = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
            let port = free.local_addr().unwrap().port();
            drop(free);
            let (number, secret) = (port.to_string(), format!("--static-auth-secret={secret}"));
            let (pid, db) = (
                format!("--pidfile={home}/pid"),
                format!("--userdb={home}/db"),
            );
            let mut command = vec![
                "turnserver",
                "-n",
                "-L",
                "127.0.0.1",
                "-E",
                "127.0.0.1",
                "-p",
                &number,
            ];
            command.extend([
                "--no-tls",
                "--no-dtls",
                "--no-cli",
                "--allow-loopback-peers",
                "--log-file=stdout",
            ]);
            command.extend(["--use-auth-secret", &secret, "--realm=plaza", &pid, &db]);
            if let Ok(kept) = Kept::start(&command, None, "KILL", "SQLite DB connection success") {
                return Self {
                    port,
                    _folder: folder,
                    _kept: kept,
                };
            }
        }
        panic!("turnserver does not start; run scripts/need services");
    }

    pub fn url(&self) -> String {
        format!("turn:127.0.0.1:{}?transport=udp", self.port)
    }

    /// Whether it relays a packet for a user with this name and password.
    pub fn carries(&self, username: &str, password: &str) -> bool {
        let port = self.port.to_string();
        let client = Command::new("turnutils_uclient")
            .args([
                "-y",
                "-c",
                "-n",
                "1",
                "-p",
                &port,
                "-u",
                username,
                "-w",
                password,
                "127.0.0.1",
            ])
            .output()
            .unwrap();
        client.status.success()
    }
}

#[test]
fn a_redis_server_can_be_killed_and_started_again() {
    use std::io::Write;
    use std::net::TcpStream;
    let mut redis = Redis::start();
    let address = redis.url().trim_start_matches("redis://").to_owned();
    let ping = || {
        let mut socket = TcpStream::connect(&address)?;
        socket.write_all(b"PING\r\n")?;
        let mut line = String::new();
        BufReader::new(socket).read_line(&mut line)?;
        std::io::Result::Ok(line)
    };
    assert_eq!(ping().unwrap(), "+PONG\r\n");
    redis.kill();
    assert!(ping().is_err());
    redis.restart();
    assert_eq!(ping().unwrap(), "+PONG\r\n");
}
