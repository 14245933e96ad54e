//! From the server's name to an open connection.

use std::net::SocketAddr;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use crate::config::{MailSettings, SmtpServer, Tls};
use crate::text::duration::spoken;
use crate::text::plain::one_line;

use super::Refusal;

/// The number of a name's addresses to try.
const MOST_TRIED: usize = 4;

/// The server in errors: its settings also hold secrets.
pub fn place(server: &SmtpServer) -> String {
    match server.host.contains(':') {
        true => format!("[{}]:{}", server.host, server.port),
        false => format!("{}:{}", server.host, server.port),
    }
}

pub async fn resolve(mail: &MailSettings) -> Result<Vec<SocketAddr>, Refusal> {
    let server = &mail.server;
    let none = |why: &str| {
        let none = format!("no address for the mail server `{}`{why}", server.host);
        Refusal::passing(one_line(&none, 300))
    };
    let found = lookup_host((server.host.as_str(), server.port));
    let found = timeout(mail.timeout, found).await;
    let found = found.map_err(|_| none(&format!(" within {}", spoken(mail.timeout))))?;
    let found = found.map_err(|error| none(&format!(": {error}")))?;
    let addresses: Vec<SocketAddr> = found.take(MOST_TRIED).collect();
    if addresses.is_empty() {
        return Err(none(""));
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
