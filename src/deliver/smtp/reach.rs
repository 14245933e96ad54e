//! From the server's name to an open line.

use std::net::SocketAddr;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use crate::config::duration::spoken;
use crate::config::{MailSettings, SmtpServer, Tls};
use crate::text::plain::one_line;

use super::Refusal;

/// A name with more addresses than this is not worth waiting for all of them.
const MOST_TRIED: usize = 4;

/// How errors call the server; its settings hold more than everybody may read.
pub fn place(server: &SmtpServer) -> String {
    match server.host.contains(':') {
        true => format!("[{}]:{}", server.host, server.port),
        false => format!("{}:{}", server.host, server.port),
    }
}

pub async fn resolve(mail: &MailSettings) -> Result<Vec<SocketAddr>, Refusal> {
    let server = &mail.server;
    let found = timeout(
        mail.timeout,
        lookup_host((server.host.as_str(), server.port)),
    );
    let addresses: Vec<SocketAddr> = match found.await {
        Ok(Ok(addresses)) => addresses.take(MOST_TRIED).collect(),
        Ok(Err(error)) => {
            return Err(Refusal::passing(one_line(
                &format!("no address for the mail server `{}`: {error}", server.host),
                300,
            )));
        }
        Err(_) => {
            return Err(Refusal::passing(format!(
                "no address for the mail server `{}` within {}",
                server.host,
                spoken(mail.timeout)
            )));
        }
    };
    if addresses.is_empty() {
        return Err(Refusal::passing(format!(
            "no address for the mail server `{}`",
            server.host
        )));
    }
    let here = addresses.iter().all(|address| address.ip().is_loopback());
    if server.tls == Tls::None && !here {
        return Err(Refusal::passing(format!(
            "`tls=none` is only for a server on this machine, and {} is not: remove it",
            place(server)
        )));
    }
    Ok(addresses)
}

pub async fn reach(mail: &MailSettings, addresses: &[SocketAddr]) -> Result<TcpStream, Refusal> {
    let mut last = String::new();
    for address in addresses {
        match timeout(mail.timeout, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Commands are short and each waits for its answer.
                drop(stream.set_nodelay(true));
                return Ok(stream);
            }
            Ok(Err(error)) => last = error.to_string(),
            Err(_) => last = format!("no answer within {}", spoken(mail.timeout)),
        }
    }
    Err(Refusal::passing(format!(
        "cannot connect to {}: {last}",
        place(&mail.server)
    )))
}
