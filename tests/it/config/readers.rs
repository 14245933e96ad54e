//! Who gets the report, as the settings say it.

use daybook::config::{Recipient, When, recipient};
use daybook::locale::{Language, Locale, Numbers};

use super::World;

fn reader(address: &str, name: Option<&str>) -> Recipient {
    Recipient {
        address: address.to_owned(),
        name: name.map(str::to_owned),
        locale: Locale::default(),
        when: When::Daily,
    }
}

#[test]
fn every_reader_has_a_voice_and_a_wish() {
    let report = World::with(
        "[report]
language = 'de'
recipients = [
    'ada@example.org',
    'Bea <bea@example.org>',
    { address = 'chris@example.org', language = 'en', numbers = 'fr', when = 'alerts' },
    { address = 'Dan <dan@example.org>', when = 'changes' },
    'ADA@example.org',
]
",
    )
    .config()
    .report;
    let german = Locale {
        language: Language::German,
        numbers: Numbers::Swiss,
    };
    assert_eq!(report.locale, german);
    let expected = [
        Recipient {
            locale: german,
            ..reader("ada@example.org", None)
        },
        Recipient {
            locale: german,
            ..reader("bea@example.org", Some("Bea"))
        },
        Recipient {
            locale: Locale {
                language: Language::English,
                numbers: Numbers::French,
            },
            when: When::Alerts,
            ..reader("chris@example.org", None)
        },
        Recipient {
            locale: german,
            when: When::Changes,
            ..reader("dan@example.org", Some("Dan"))
        },
    ];
    assert_eq!(report.recipients, expected);
    assert_eq!(report.bad_addresses, []);
}

#[test]
fn a_bad_address_is_told_and_harms_no_other() {
    let config = World::with(
        "[report]\nrecipients = [\n'ada',\n\"bea@example.org\\r\\nBcc: x@example.org\",\n'chris@example.org',\n]\n",
    )
    .config();
    assert_eq!(
        config.report.recipients,
        [reader("chris@example.org", None)]
    );
    let bad = |text: &str, why: &str| (text.to_owned(), why.to_owned());
    assert_eq!(
        config.report.bad_addresses,
        [
            bad("ada", "the address has no `@`"),
            bad(
                "bea@example.org\\r\\nBcc: x@example.org",
                "it holds a line break or another control character"
            ),
        ]
    );
    assert_eq!(
        config.warnings,
        [
            "daybook.toml:3: skipping recipient `ada`: the address has no `@`",
            "daybook.toml:4: skipping recipient `bea@example.org\\r\\nBcc: x@example.org`: it holds a line break or another control character",
        ]
    );
}

#[test]
fn recipients_of_the_environment_replace_those_of_the_file() {
    let config = World::with("[report]\nrecipients = ['ada@example.org']\n")
        .set(
            "DAYBOOK_REPORT_RECIPIENTS",
            "bea@example.org, \"Lovelace, Chris\" <chris@example.org>,,dan",
        )
        .config();
    assert_eq!(
        config.report.recipients,
        [
            reader("bea@example.org", None),
            reader("chris@example.org", Some("Lovelace, Chris")),
        ]
    );
    assert_eq!(
        config.warnings,
        ["environment DAYBOOK_REPORT_RECIPIENTS: skipping recipient `dan`: the address has no `@`"]
    );
}

#[test]
fn addresses_are_understood_with_and_without_a_name() {
    let read = |text: &str| recipient::parse(text);
    let good =
        |name: Option<&str>, address: &str| Ok((name.map(str::to_owned), address.to_owned()));
    assert_eq!(read(" ada@example.org "), good(None, "ada@example.org"));
    assert_eq!(read("<ada@example.org>"), good(None, "ada@example.org"));
    assert_eq!(read("root@localhost"), good(None, "root@localhost"));
    assert_eq!(
        read("a.b+c'd@xn--zrich-kva.ch"),
        good(None, "a.b+c'd@xn--zrich-kva.ch")
    );
    assert_eq!(
        read("Zoë Łuk <z@example.org>"),
        good(Some("Zoë Łuk"), "z@example.org")
    );
    assert_eq!(
        read(r#""O\"Hara \\ Co" <o@example.org>"#),
        good(Some(r#"O"Hara \ Co"#), "o@example.org")
    );
}

#[test]
fn an_address_that_cannot_be_used_is_refused_with_a_reason() {
    let long = format!("{}@example.org", "a".repeat(243));
    let many = "a".repeat(101);
    for (text, why) in [
        ("", "it is empty"),
        ("  ", "it is empty"),
        ("ada", "the address has no `@`"),
        ("ada@", "no mail server takes such an address"),
        ("@example.org", "no mail server takes such an address"),
        ("ada@-", "no mail server takes such an address"),
        (".ada@example.org", "no mail server takes such an address"),
        ("ada@b@example.org", "the address has more than one `@`"),
        ("ada lovelace@example.org", "the address holds a space"),
        ("Ada <ada@ex ample.org>", "the address holds a space"),
        ("ada\u{a0}@example.org", "the address holds a space"),
        ("a@b.ch, c@d.ch", "the address holds a space"),
        (
            "a@b.ch>",
            "it ends with `>`, but no `<` stands before the address",
        ),
        ("Ada <b <a@b.ch>", "the address holds a space"),
        ("Ada> <a@b.ch>", "the name holds `<` or `>`"),
        (
            "a@b.ch\n",
            "it holds a line break or another control character",
        ),
        (
            "a@b.ch\0",
            "it holds a line break or another control character",
        ),
        (
            "A\u{7f}da <a@b.ch>",
            "it holds a line break or another control character",
        ),
        (
            "A\u{2028}da <a@b.ch>",
            "it holds a line break or another control character",
        ),
        (
            "zoë@example.org",
            "before the `@` stands a letter outside ASCII, which many mail servers refuse",
        ),
        (
            "ada@zürich.ch",
            "the domain has letters outside ASCII; write `ada@xn--zrich-kva.ch`",
        ),
        (
            "\"ada\"@example.org",
            "before the `@` stands a quote, a bracket or a separator",
        ),
        (
            "a,b@example.org",
            "before the `@` stands a quote, a bracket or a separator",
        ),
        (&long, "the address is longer than 254 letters"),
        (
            &format!("{many} <a@b.ch>"),
            "the name is longer than 100 letters",
        ),
    ] {
        assert_eq!(recipient::parse(text), Err(why.to_owned()), "{text:?}");
    }
}
