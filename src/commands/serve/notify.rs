//! Tells the supervisor how far the server is, as services of systemd's `Type=notify` do.

use std::collections::BTreeMap;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// One datagram to the socket that the environment names, if it names one. A supervisor that does not listen
/// is no reason not to serve.
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
