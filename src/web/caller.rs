//! The client's address: that of the peer, or the one that a trusted proxy names.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::http::{HeaderMap, HeaderName};

use crate::config::{Network, ServeSettings};

/// The trusted proxies, and the header in which they append their clients' addresses.
#[derive(Default)]
pub struct Proxies {
    networks: Vec<Network>,
    header: Option<HeaderName>,
}

impl Proxies {
    pub(super) fn new(settings: &ServeSettings) -> Self {
        let header = settings.address_header.as_deref();
        Self {
            networks: settings.proxies.clone(),
            header: header.and_then(|name| name.parse().ok()),
        }
    }

    pub(super) fn include(&self, address: IpAddr) -> bool {
        self.networks
            .iter()
            .any(|network| network.contains(address))
    }

    /// Reads from the right, where the nearest proxy appends, up to the first address that is no proxy's: that client
    /// may have written all before it.
    pub(super) fn caller(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut caller = peer;
        let Some(header) = &self.header else {
            return caller;
        };
        for hop in hops(headers, header).into_iter().rev() {
            if !self.include(caller) {
                break;
            }
            match hop {
                Some(address) => caller = address,
                // The proxy did not name its client.
                None => break,
            }
        }
        caller
    }
}

/// The address, or for IPv6 its network of 2^64 addresses, which one customer has.
pub(super) fn address_block(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address => address,
    }
}

/// The addresses in the order appended; none for a value that is no address.
fn hops(headers: &HeaderMap, header: &HeaderName) -> Vec<Option<IpAddr>> {
    let mut all = Vec::new();
    for line in headers.get_all(header) {
        let line = line.to_str().ok();
        let hops = match *header == "forwarded" {
            true => line.and_then(forwarded),
            false => line.map(|line| line.split(',').map(node).collect()),
        };
        all.extend(hops.unwrap_or_else(|| vec![None]));
    }
    all
}

/// A line of `Forwarded` (RFC 7239); none if quotes are unbalanced, since a client may have opened one to hide what
/// the proxy appends.
fn forwarded(line: &str) -> Option<Vec<Option<IpAddr>>> {
    let elements = split_unquoted(line, ',')?;
    elements.into_iter().map(forwarded_for).collect()
}

/// The `for` of one element.
fn forwarded_for(element: &str) -> Option<Option<IpAddr>> {
    let mut named = Vec::new();
    for pair in split_unquoted(element, ';')? {
        let Some((name, value)) = pair.split_once('=') else {
            continue;
        };
        let value = unquoted(value.trim())?;
        if name.trim().eq_ignore_ascii_case("for") {
            named.push(value);
        }
    }
    Some(match named.as_slice() {
        [one] => node(one),
        _ => None,
    })
}

fn split_unquoted(text: &str, separator: char) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    let mut begin = 0;
    let mut quoted = false;
    let mut escaped = false;
    for (at, letter) in text.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if letter == separator && !quoted => {
                parts.push(&text[begin..at]);
                begin = at + letter.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[begin..]);
    (!quoted).then_some(parts)
}

/// No address needs an escaped letter.
fn unquoted(value: &str) -> Option<&str> {
    let inside = value
        .strip_prefix('"')
        .map_or(Some(value), |rest| rest.strip_suffix('"'))?;
    (!inside.contains(['"', '\\'])).then_some(inside)
}

/// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:4711`.
fn node(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bracketed = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let address = match bracketed {
        Some(inside) => inside.parse().map(IpAddr::V6).ok(),
        None => text.parse().ok(),
    };
    let with_port = || Some(text.parse::<SocketAddr>().ok()?.ip());
    Some(address.or_else(with_port)?.to_canonical())
}
