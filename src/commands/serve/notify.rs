//! Reports the server's state to systemd, for `Type=notify`.

use std::collections::BTreeMap;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Sends one datagram to the socket that the environment names, if any. Errors don't matter to the server.
pub(super) fn supervisor(environment: &BTreeMap<String, String>, state: &str) {
    let Some(name) = environment.get("NOTIFY_SOCKET") else {
        return;
    };
    let address = match name.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(name),
    };
    if let (Ok(address), Ok(socket)) = (address, UnixDatagram::unbound()) {
        drop(socket.send_to_addr(state.as_bytes(), &address));
    }
}
