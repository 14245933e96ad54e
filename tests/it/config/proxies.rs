//! The proxies in front of the dashboard: addresses and networks.

use super::World;

fn with(proxies: &str) -> World {
    World::with(&format!("[serve]\nproxies = [{proxies}]\n"))
}

#[test]
fn a_network_holds_the_addresses_that_begin_like_it() {
    let config = with("'10.1.0.0/16', '192.0.2.7', '2001:db8::/33', '::1'").config();
    let is_proxy = |address: &str| {
        let address = address.parse().expect("an address");
        let mut proxies = config.serve.proxies.iter();
        proxies.any(|network| network.contains(address))
    };
    for inside in [
        "10.1.0.0",
        "10.1.255.255",
        "::ffff:10.1.2.3",
        "192.0.2.7",
        "::1",
        "2001:db8:7fff:ffff::1",
    ] {
        assert!(is_proxy(inside), "{inside}");
    }
    for outside in [
        "10.2.0.0",
        "10.0.255.255",
        "192.0.2.6",
        "127.0.0.1",
        "::",
        "::10.1.2.3",
        "2001:db8:8000::",
    ] {
        assert!(!is_proxy(outside), "{outside}");
    }
}

#[test]
fn a_network_is_written_in_one_way_and_never_means_everybody() {
    for (wrong, said) in [
        ("nginx", "neither an IP address nor a network"),
        ("10.0.0.0/33", "neither an IP address nor a network"),
        ("10.0.0.0/+8", "neither an IP address nor a network"),
        ("10.0.0.0/", "neither an IP address nor a network"),
        ("::ffff:10.0.0.0/104", "neither an IP address nor a network"),
        ("10.0.0.1/8", "`10.0.0.0/8`"),
        ("2001:db8::1/64", "`2001:db8::/64`"),
        ("0.0.0.0/0", "every address"),
        ("::/0", "every address"),
    ] {
        let mistakes = with(&format!("'{wrong}'")).mistakes();
        assert!(mistakes.contains("proxies = ["), "{mistakes}");
        assert!(mistakes.contains(wrong), "{mistakes}");
        assert!(mistakes.contains(said), "{mistakes}");
    }
}
