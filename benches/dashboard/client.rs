//! A browser reduced to one connection that asks and reads.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::server::Server;

pub(crate) struct Client {
    host: String,
    line: BufReader<TcpStream>,
    body: Vec<u8>,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) tag: Option<String>,
    pub(crate) bytes: usize,
    pub(crate) took: Duration,
}

impl Client {
    pub(crate) fn connect(server: &Server) -> Result<Self> {
        let stream = TcpStream::connect(&server.address)?;
        stream.set_nodelay(true)?;
        Ok(Self {
            host: server.address.clone(),
            line: BufReader::with_capacity(64 * 1024, stream),
            body: Vec::new(),
        })
    }

    pub(crate) fn get(&mut self, path: &str, tag: Option<&str>) -> Result<Answer> {
        let known = tag.map_or_else(String::new, |tag| format!("If-None-Match: {tag}\r\n"));
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n{known}\r\n", self.host);
        self.ask(path, request.as_bytes())
    }

    pub(crate) fn post(&mut self, path: &str, kind: &str, body: &[u8]) -> Result<Answer> {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
            self.host,
            body.len()
        );
        self.ask(path, &[head.as_bytes(), body].concat())
    }

    fn ask(&mut self, path: &str, request: &[u8]) -> Result<Answer> {
        let begun = Instant::now();
        self.line.get_mut().write_all(request)?;
        let mut answer = Answer {
            status: 0,
            tag: None,
            bytes: 0,
            took: Duration::ZERO,
        };
        let mut head = String::new();
        loop {
            head.clear();
            self.line.read_line(&mut head)?;
            let text = head.trim_end();
            match text.split_once(": ") {
                _ if text.is_empty() => break,
                Some(("etag", value)) => answer.tag = Some(value.to_owned()),
                Some(("content-length", value)) => answer.bytes = value.parse()?,
                Some(_) => {}
                None => {
                    let code = text.split(' ').nth(1).context("an answer has a status")?;
                    answer.status = code.parse()?;
                }
            }
        }
        self.body.resize(answer.bytes, 0);
        if answer.status != 304 {
            self.line.read_exact(&mut self.body)?;
        }
        answer.took = begun.elapsed();
        anyhow::ensure!(
            matches!(answer.status, 200 | 304),
            "{path} was answered with {}",
            answer.status
        );
        Ok(answer)
    }
}
