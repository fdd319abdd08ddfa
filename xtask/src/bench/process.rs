//! Starts and stops the programs of a measurement, and reads their processor time and memory.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Time limit for a program to start listening.
const START: Duration = Duration::from_secs(10);

/// A listening program. Dropping this value ends the program.
pub struct Program {
    child: Child,
    pub address: SocketAddr,
}

/// Finds a free port.
pub fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    Ok(listener.local_addr().map_err(|error| error.to_string())?.port())
}

impl Program {
    /// Starts a program and waits until it listens on the port.
    ///
    /// # Errors
    /// The program cannot be started, exits, or does not listen within 10 seconds.
    pub fn start(mut command: Command, port: u16) -> Result<Self, String> {
        let name = command.get_program().to_string_lossy().into_owned();
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = command.spawn().map_err(|error| format!("{name}: {error}"))?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut program = Self { child, address };
        let began = Instant::now();
        while TcpStream::connect(address).is_err() {
            if let Ok(Some(status)) = program.child.try_wait() {
                return Err(format!("{name} exited: {status}"));
            }
            if began.elapsed() > START {
                return Err(format!("{name} does not listen on port {port}"));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(program)
    }

    /// The process and its child processes.
    fn processes(&self) -> Vec<u32> {
        let own = self.child.id();
        let mut all = vec![own];
        let Ok(entries) = fs::read_dir("/proc") else {
            return all;
        };
        for id in entries
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        {
            let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
            // The program name in parentheses may contain any character. The parent is the second field after it.
            let parent = stat
                .rsplit_once(") ")
                .and_then(|(_, rest)| rest.split(' ').nth(1));
            if parent.and_then(|parent| parent.parse::<u32>().ok()) == Some(own) {
                all.push(id);
            }
        }
        all
    }

    /// Processor time of all threads, as the scheduler counts it.
    pub fn cpu(&self) -> Duration {
        let mut nanoseconds = 0;
        for id in self.processes() {
            let Ok(threads) = fs::read_dir(format!("/proc/{id}/task")) else {
                continue;
            };
            for thread in threads.flatten() {
                let text = fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
                nanoseconds += text
                    .split(' ')
                    .next()
                    .and_then(|time| time.parse::<u64>().ok())
                    .unwrap_or(0);
            }
        }
        Duration::from_nanos(nanoseconds)
    }

    /// Resident memory in KiB. For several processes, shared pages are divided among them (`Pss`), so that they count
    /// once.
    pub fn memory(&self) -> u64 {
        let processes = self.processes();
        let (file, key) = if processes.len() == 1 {
            ("status", "VmRSS:")
        } else {
            ("smaps_rollup", "Pss:")
        };
        let of = |id: &u32| {
            let text = fs::read_to_string(format!("/proc/{id}/{file}")).unwrap_or_default();
            let line = text
                .lines()
                .find_map(|line| line.strip_prefix(key))
                .unwrap_or_default();
            line.split_whitespace()
                .next()
                .and_then(|number| number.parse::<u64>().ok())
                .unwrap_or(0)
        };
        processes.iter().map(of).sum()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Send SIGTERM first: nginx's master then ends its workers. SIGKILL would leave them running.
        let asked = Command::new("kill").arg(self.child.id().to_string()).status();
        let began = Instant::now();
        while asked.is_ok() && began.elapsed() < Duration::from_secs(2) {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts nginx with `proxy_pass`. All its files are in `folder`.
pub fn nginx(folder: &Path, upstream: u16) -> Result<Program, String> {
    let port = free_port()?;
    let root = folder.join("nginx");
    fs::create_dir_all(&root).map_err(|error| format!("{}: {error}", root.display()))?;
    let text = format!(
        "worker_processes 2;\ndaemon off;\npid pid;\nerror_log stderr crit;\nevents {{ worker_connections 8192; }}\nhttp {{\n\
           access_log off;\n  client_body_temp_path body;\n  proxy_temp_path proxy;\n  fastcgi_temp_path fastcgi;\n\
           uwsgi_temp_path uwsgi;\n  scgi_temp_path scgi;\n  client_max_body_size 64m;\n  client_body_buffer_size 8m;\n\
           keepalive_requests 1000000;\n\
           upstream bench {{ server 127.0.0.1:{upstream}; keepalive 2048; keepalive_requests 1000000; }}\n\
           server {{\n    listen 127.0.0.1:{port} backlog=4096;\n    location / {{\n\
               proxy_pass http://bench;\n      proxy_http_version 1.1;\n      proxy_set_header Connection \"\";\n\
               proxy_buffering off;\n      proxy_request_buffering off;\n    }}\n  }}\n}}\n"
    );
    let file = root.join("nginx.conf");
    fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))?;
    let found = ["/usr/sbin/nginx", "/usr/bin/nginx"]
        .into_iter()
        .find(|path| Path::new(path).exists());
    let mut command = Command::new(found.unwrap_or("nginx"));
    command.arg("-p").arg(&root).arg("-c").arg(&file);
    Program::start(command, port).map_err(|error| format!("{error} (on Debian: apt-get install nginx-light)"))
}
