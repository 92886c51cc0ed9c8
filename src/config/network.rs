//! A network that is trusted.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net};

/// An address with a prefix length, such as `10.0.12.0/24`; without one, the address alone.
///
/// An IPv4 address that is written as IPv6 (`::ffff:10.0.12.1`, as a socket listening on `[::]`
/// reports it) counts as the IPv4 address, on both sides.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Network(IpNet);

/// The text is no address and no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an address or a network, such as 10.0.12.7 or 10.0.12.0/24")]
pub struct NetworkError;

impl Network {
    /// Whether `address` lies in the network.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

/// The bits of an IPv6 prefix before a mapped IPv4 address (RFC 4291, 2.5.5.2).
const MAPPED_PREFIX: u8 = 96;

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let net = match text.parse::<IpAddr>() {
            Ok(address) => IpNet::from(address),
            Err(_) => text.parse().map_err(|_| NetworkError)?,
        };
        let mapped = match net {
            IpNet::V6(net) if net.prefix_len() >= MAPPED_PREFIX => {
                let address: Ipv6Addr = net.addr();
                address.to_ipv4_mapped().map(|v4| Ipv4Net::new(v4, net.prefix_len() - MAPPED_PREFIX))
            }
            _ => None,
        };
        match mapped {
            Some(v4) => v4.map(|v4| Self(IpNet::V4(v4.trunc()))).map_err(|_| NetworkError),
            None => Ok(Self(net.trunc())),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
