//! Which addresses messages may be sent to.
//!
//! Whoever subscribes chooses an address that this server then calls: without a check the server could be made to
//! speak to machines that only it can reach. Names are resolved by us, every address of a name is checked, and the
//! connection goes to an address that was checked.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::Host;

/// Longest address of a webhook, in bytes.
const MAX_URL: usize = 2_000;

/// Reads the address of a webhook; `Err` says what was expected.
///
/// `private` allows plain http, and addresses of private networks and of this machine.
pub fn check_url(text: &str, private: bool) -> Result<Url, String> {
    let expected = if private {
        "a URL that begins with https:// or http://"
    } else {
        "a URL that begins with https://"
    };
    if text.len() > MAX_URL {
        return Err(format!("at most {MAX_URL} bytes"));
    }
    let url = Url::parse(text).map_err(|_| expected.to_owned())?;
    if url.scheme() != "https" && !(private && url.scheme() == "http") {
        return Err(expected.to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a URL without user name and password".to_owned());
    }
    let allowed = match url.host() {
        None => return Err(expected.to_owned()),
        Some(_) if private => true,
        Some(Host::Ipv4(address)) => is_public(address.into()),
        Some(Host::Ipv6(address)) => is_public(address.into()),
        Some(Host::Domain(name)) => !is_local_name(name),
    };
    match allowed {
        true => Ok(url),
        false => Err("an address on the public Internet".to_owned()),
    }
}

fn is_local_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost"
        || [".localhost", ".local", ".internal"].iter().any(|end| name.ends_with(end))
}

/// Tells whether an address belongs to a machine on the public Internet.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Everything but the registry of special-purpose addresses (RFC 6890 and its updates).
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(a == 0
        || a == 127
        || a >= 224
        || address.is_private()
        || address.is_link_local()
        || address.is_documentation()
        || (a == 100 && b & 0xc0 == 64)
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && b & 0xfe == 18))
}

/// Global unicast, without what stands for an IPv4 address or belongs to documentation.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let parts = address.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    if let Some(mapped) = address.to_ipv4_mapped() {
        return is_public_v4(mapped);
    }
    match parts {
        // NAT64 and 6to4 lead to the IPv4 address inside.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        [0x2002, high, low, ..] => embedded(high, low),
        // Protocol assignments (Teredo among them) and documentation.
        [0x2001, second, ..] if second < 0x200 || second == 0xdb8 => false,
        [0x3fff, second, ..] if second < 0x1000 => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

/// Resolves names to the addresses that may be called.
pub struct CheckedResolver {
    pub private: bool,
}

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let private = self.private;
        Box::pin(async move {
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            // One private address among public ones is enough to refuse the name: which one is called is chance.
            if !private && found.iter().any(|address| !is_public(address.ip())) {
                return Err(format!("{} leads to a private address", name.as_str()).into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_public_addresses() {
        let check = |text: &str, expected: bool| {
            assert_eq!(is_public(text.parse().unwrap()), expected, "{text}");
        };
        for public in
            ["8.8.8.8", "114.114.114.114", "2400:3200::1", "64:ff9b::808:808", "::ffff:8.8.8.8"]
        {
            check(public, true);
        }
        for private in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "192.0.0.8",
            "192.168.1.1",
            "198.18.0.1",
            "203.0.113.9",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "fec0::1",
            "ff02::1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "2001::1",
            "::7f00:1",
        ] {
            check(private, false);
        }
    }

    #[test]
    fn refuses_addresses_by_name() {
        let check = |text: &str, private: bool, good: bool| {
            assert_eq!(check_url(text, private).is_ok(), good, "{text}");
        };
        check("https://hooks.example.com/a?b=c", false, true);
        check("https://8.8.8.8/", false, true);
        check("http://hooks.example.com/", false, false);
        check("https://127.0.0.1/", false, false);
        check("https://[::1]/", false, false);
        check("https://2130706433/", false, false);
        check("https://0x7f.1/", false, false);
        check("https://localhost/", false, false);
        check("https://LOCALHOST./", false, false);
        check("https://metadata.google.internal/", false, false);
        check("https://user:secret@example.com/", false, false);
        check("ftp://example.com/", true, false);
        check("file:///etc/passwd", true, false);
        check("example.com", false, false);
        check("", false, false);
        check("http://127.0.0.1:8080/hook", true, true);
        check("http://localhost:8080/hook", true, true);
    }

    #[tokio::test]
    async fn a_name_with_a_private_address_is_not_resolved() {
        let name = || "localhost".parse::<Name>().unwrap();
        assert!(CheckedResolver { private: false }.resolve(name()).await.is_err());
        assert!(CheckedResolver { private: true }.resolve(name()).await.is_ok());
    }
}
