//! Several proxies that share their responses in a real Redis or Valkey server.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{StoreSetup, TestFolder, config_file, id};
use crate::support::PATIENCE;

const PASSWORD: &str = "a-password-of-the-test";
const PROGRAMS: [&str; 2] = ["redis-server", "valkey-server"];

/// A server on a port of its own.
struct RedisServer {
    child: Child,
    address: SocketAddr,
    folder: TestFolder,
    program: &'static str,
}

impl RedisServer {
    /// `None` where no server is installed, which is an error where all checks have to run.
    fn start(name: &str) -> Option<Self> {
        let program = PROGRAMS.into_iter().find(|program| {
            let version = Command::new(program)
                .arg("--version")
                .stdout(Stdio::null())
                .status();
            version.is_ok_and(|status| status.success())
        });
        let Some(program) = program else {
            let message =
                "no redis-server or valkey-server: install Debian's package redis-server (or valkey-server)";
            assert!(std::env::var_os("CI").is_none(), "{message}");
            eprintln!("not tested: {message}");
            return None;
        };
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = port.expect("a port");
        let folder = TestFolder::new(name);
        let child = spawn(program, address, &folder);
        let server = Self {
            child,
            address,
            folder,
            program,
        };
        server.wait();
        Some(server)
    }

    fn wait(&self) {
        let began = Instant::now();
        while !self.is_ready() {
            assert!(began.elapsed() < PATIENCE, "the server does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn is_ready(&self) -> bool {
        TcpStream::connect(self.address).is_ok_and(|_| self.ask("PING").contains("PONG"))
    }

    /// Ends the server and starts it anew, with nothing in it.
    fn restart(&mut self) {
        self.end();
        self.child = spawn(self.program, self.address, &self.folder);
        self.wait();
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn store(&self, more: &str) -> String {
        format!(
            "{{kind: redis, url: \"redis://:{PASSWORD}@{}/0\"{more}}}",
            self.address
        )
    }

    /// The server's response to a command, in its own protocol.
    fn ask(&self, command: &str) -> String {
        let mut stream = TcpStream::connect(self.address).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        write!(stream, "AUTH {PASSWORD}\r\n{command}\r\nQUIT\r\n").expect("a command");
        let mut response = String::new();
        // A server that is still starting may close early.
        let _ = stream.read_to_string(&mut response);
        response
    }
}

fn spawn(program: &str, address: SocketAddr, folder: &TestFolder) -> Child {
    let mut command = Command::new(program);
    command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
    command.args(["--requirepass", PASSWORD, "--port", &address.port().to_string()]);
    command.arg("--dir").arg(&folder.0);
    let command = command.stdin(Stdio::null()).stdout(Stdio::null());
    command.spawn().expect("a server")
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.end();
    }
}

#[tokio::test]
async fn another_replica_continues_the_conversation() {
    let Some(server) = RedisServer::start("replicas") else {
        return;
    };
    let one = StoreSetup::new(&server.store(", max_age: 1h")).await;
    let other = StoreSetup::new(&server.store(", max_age: 1h")).await;
    for stream in [false, true] {
        let first = one
            .create("claude", &json!({"input": "from the first", "stream": stream}))
            .await;
        assert_eq!(first["store"], true);
        let path = format!("/claude/v1/responses/{}", id(&first));
        assert_eq!(other.get(&path).await, (200, first.clone()));
        let next = json!({"input": "at the second", "previous_response_id": id(&first), "stream": stream});
        let second = other.create("claude", &next).await;
        assert_eq!(
            other.upstream_request()["messages"].as_array().map(Vec::len),
            Some(3)
        );
        let third = json!({"input": "at the first", "previous_response_id": id(&second), "stream": stream});
        one.create("claude", &third).await;
        assert_eq!(
            one.upstream_request()["messages"].as_array().map(Vec::len),
            Some(5)
        );
        assert_eq!(one.request_object(http::Method::DELETE, &path).await.0, 200);
        assert_eq!(other.get(&path).await.0, 404);
    }
    let text = server.ask("KEYS *");
    assert!(
        text.contains("llm-proxy:response:") && !text.contains("mine"),
        "{text}"
    );
}

#[tokio::test]
async fn entries_live_as_long_as_they_are_used() {
    let Some(server) = RedisServer::start("age") else {
        return;
    };
    let setup = StoreSetup::new(&server.store(", max_age: 2s")).await;
    let response = setup.create("chat", &json!({"input": "x"})).await;
    let path = format!("/chat/v1/responses/{}", id(&response));
    tokio::time::sleep(Duration::from_millis(1200)).await;
    setup
        .create(
            "chat",
            &json!({"input": "y", "previous_response_id": id(&response)}),
        )
        .await;
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(setup.get(&path).await.0, 200);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(setup.get(&path).await.0, 404);
    assert!(server.ask("DBSIZE").contains(":0"), "{}", server.ask("DBSIZE"));
}

#[tokio::test]
async fn a_server_that_was_down_is_used_again() {
    let Some(mut server) = RedisServer::start("away") else {
        return;
    };
    let setup = StoreSetup::new(&server.store("")).await;
    let mut earlier: Option<Value> = None;
    // Away from the outset, and once more in the middle.
    for _ in 0..2 {
        server.end();
        let away = setup.create("chat", &json!({"input": "x", "stream": true})).await;
        assert_eq!(away["store"], false);
        server.restart();
        let began = Instant::now();
        let response = loop {
            let response = setup.create("chat", &json!({"input": "x"})).await;
            if response["store"] == true {
                break response;
            }
            assert!(began.elapsed() < PATIENCE, "not connected again");
        };
        assert_eq!(
            setup
                .get(&format!("/chat/v1/responses/{}", id(&response)))
                .await
                .0,
            200
        );
        if let Some(lost) = earlier.replace(response) {
            assert_eq!(
                setup.get(&format!("/chat/v1/responses/{}", id(&lost))).await.0,
                404
            );
        }
    }
}

#[tokio::test]
async fn a_password_is_never_shown() {
    let url = format!("redis://:{PASSWORD}@127.0.0.1:1/0");
    let text = config_file(&format!("{{kind: redis, url: \"{url}\"}}"), "http://127.0.0.1:1");
    let loaded = llm_proxy::config::parse(&text, &|_| None).expect("a configuration");
    assert!(!format!("{loaded:?}").contains(PASSWORD));
    let store = loaded.config.response_store.expect("a store");
    let store = llm_proxy::store::Store::open(&store).await.expect("a store");
    let key = llm_proxy::store::StoreOwner::new("/a", "key").key("resp");
    let error = store.get(&key).await.expect_err("no server");
    assert!(
        !format!("{store:?} {error} {error:?}").contains(PASSWORD),
        "{error}"
    );
}
