//! Addresses and networks of proxies.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// One address, or all that begin with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    /// This machine itself.
    pub fn loopback() -> Vec<Self> {
        vec![
            Self::single(Ipv4Addr::LOCALHOST.into()),
            Self::single(Ipv6Addr::LOCALHOST.into()),
        ]
    }

    /// `10.0.0.1`, `10.0.0.0/8`, `2001:db8::/32`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let quoted = text.escape_debug();
        let wrong = || {
            format!(
                "`{quoted}` is neither an IP address nor a network, such as `127.0.0.1` or `10.0.0.0/8`"
            )
        };
        let Some((address, bits)) = text.split_once('/') else {
            return Ok(Self::single(text.parse().map_err(|_| wrong())?));
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let digits = !bits.is_empty() && bits.chars().all(|digit| digit.is_ascii_digit());
        let bits = bits.parse().ok().filter(|_| digits).ok_or_else(wrong)?;
        if bits > width(address) || address != address.to_canonical() {
            return Err(wrong());
        }
        if bits == 0 {
            return Err(format!(
                "`{quoted}` is every address: name the addresses of the proxies"
            ));
        }
        let network = Self { address, bits };
        match network.first() == address {
            true => Ok(network),
            false => Err(format!(
                "`{quoted}` is not a network: its first address is `{}/{bits}`",
                network.first()
            )),
        }
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        let same_bits = match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                (own.to_bits() ^ other.to_bits()).leading_zeros()
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                (own.to_bits() ^ other.to_bits()).leading_zeros()
            }
            _ => return false,
        };
        same_bits >= self.bits
    }

    fn single(address: IpAddr) -> Self {
        let address = address.to_canonical();
        let bits = width(address);
        Self { address, bits }
    }

    fn first(&self) -> IpAddr {
        match self.address {
            IpAddr::V4(address) => {
                let mask = u32::MAX << (32 - self.bits);
                Ipv4Addr::from_bits(address.to_bits() & mask).into()
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX << (128 - self.bits);
                Ipv6Addr::from_bits(address.to_bits() & mask).into()
            }
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.bits == width(self.address) {
            true => write!(out, "{}", self.address),
            false => write!(out, "{}/{}", self.address, self.bits),
        }
    }
}

fn width(address: IpAddr) -> u32 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}
