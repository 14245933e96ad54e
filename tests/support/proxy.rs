//! A line between a program and a server that can be cut, and counts.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

#[derive(Default)]
struct Line {
    /// Times that the server's side was waited for.
    round_trips: AtomicUsize,
    /// Replies that do not arrive: the line is cut in their place.
    cut: AtomicUsize,
    /// Milliseconds that each reply takes.
    delay: AtomicU64,
}

pub struct Proxy {
    pub port: u16,
    line: Arc<Line>,
}

impl Proxy {
    /// To a port of this machine, until the test's process ends.
    pub fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let line = Arc::new(Line::default());
        let proxy = Self {
            port: listener.local_addr().unwrap().port(),
            line: Arc::clone(&line),
        };
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else {
                    continue;
                };
                client.set_nodelay(true).ok();
                server.set_nodelay(true).ok();
                let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                thread::spawn(move || carry(from, to, |_| true));
                let line = Arc::clone(&line);
                thread::spawn(move || carry(server, client, |_| line.lets_through()));
            }
        });
        proxy
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub fn round_trips(&self) -> usize {
        self.line.round_trips.load(SeqCst)
    }

    /// The next replies are lost, each with its connection.
    pub fn cut(&self, replies: usize) {
        self.line.cut.store(replies, SeqCst);
    }

    pub fn delay(&self, each: Duration) {
        self.line.delay.store(each.as_millis() as u64, SeqCst);
    }
}

impl Line {
    fn lets_through(&self) -> bool {
        self.round_trips.fetch_add(1, SeqCst);
        thread::sleep(Duration::from_millis(self.delay.load(SeqCst)));
        let less = |left: usize| left.checked_sub(1);
        self.cut.fetch_update(SeqCst, SeqCst, less).is_err()
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, lets_through: impl Fn(&[u8]) -> bool) {
    let mut bytes = vec![0; 1 << 16];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if !lets_through(&bytes[..count]) || to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    for line in [from, to] {
        line.shutdown(Shutdown::Both).ok();
    }
}
