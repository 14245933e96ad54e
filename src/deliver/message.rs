//! Builds the bytes of a mail: `mixed(alternative(text, related(html, pictures)), csv)`, without empty levels. The same
//! mail gives the same bytes, so that a second attempt is the same message.

use chrono::{DateTime, Utc};
use lettre::Address;
use lettre::message::header::{
    ContentTransferEncoding, ContentType, Date, From as FromHeader, HeaderName, HeaderValue,
    Headers, MIME_VERSION_1_0, ReplyTo, Subject, To,
};
use lettre::message::{Attachment, Body, Mailbox, Mailboxes, MultiPart, SinglePart};
use sha2::{Digest, Sha256};
use url::Url;

use crate::config::Sender;
use crate::render::html::Picture;
use crate::render::mail::Mail;

use crate::text::plain::one_line;

/// The headers of a mail.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    pub from: &'a Sender,
    pub reply_to: Option<&'a Sender>,
    /// Address and name of the reader.
    pub to: (&'a str, Option<&'a str>),
    /// With or without its angle brackets.
    pub message_id: &'a str,
    pub date: DateTime<Utc>,
    /// The application's name.
    pub app: &'a str,
    pub unsubscribe: Option<&'a Url>,
    pub idempotency_key: Option<&'a str>,
    /// `en` or `de`.
    pub language: &'static str,
}

/// Sender and reader if none is configured: domains that no mail server will look up.
pub const NO_SENDER: &str = "daybook@daybook.invalid";
pub const NO_READER: &str = "reader@daybook.invalid";

/// The longest line of a message, without its end.
const LONGEST_LINE: usize = 998;
const LONGEST_NAME: usize = 100;
const LONGEST_SUBJECT: usize = 400;

pub fn message(mail: &Mail, head: &Head<'_>) -> Result<Vec<u8>, String> {
    let mut root = body(mail, head)?;
    let content_type = root.headers_mut().remove_raw("Content-Type");
    address(root.headers_mut(), head)?;
    label(root.headers_mut(), mail, head)?;
    if let Some(content_type) = content_type {
        root.headers_mut().insert_raw(content_type);
    }
    let bytes = root.formatted();
    let longest = bytes.split(|byte| *byte == b'\n').map(<[u8]>::len).max();
    match longest {
        Some(length) if length > LONGEST_LINE + 1 => Err(format!(
            "the message has a line of {length} bytes, mail servers take at most {LONGEST_LINE}"
        )),
        _ => Ok(bytes),
    }
}

/// The part after the `@`.
pub fn domain(address: &str) -> &str {
    address.rsplit_once('@').map_or("", |(_, domain)| domain)
}

/// An address that can neither end a header nor contain a command.
pub fn checked_address(text: &str) -> Result<Address, String> {
    let ascii = text.chars().all(|letter| letter.is_ascii_graphic());
    let parsed = text.parse().ok().filter(|_| ascii);
    parsed.ok_or_else(|| format!("`{}` is not an email address", one_line(text, LONGEST_NAME)))
}

/// A name as one label of a domain: `Beryl & Söhne` is `beryl-s-hne`.
pub fn dns_label(name: &str) -> String {
    let lower = name.to_lowercase();
    let words = lower.split(|letter: char| !letter.is_ascii_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let label: String = words.join("-").chars().take(63).collect();
    match label.trim_end_matches('-') {
        "" => "app".to_owned(),
        label => label.to_owned(),
    }
}

fn body(mail: &Mail, head: &Head<'_>) -> Result<MultiPart, String> {
    let boundary = boundary(mail, head);
    let html = html(&mail.html);
    let alternative =
        multipart("alternative", &boundary)?.singlepart(SinglePart::plain(with_crlf(&mail.text)));
    let alternative = if mail.pictures.is_empty() {
        alternative.singlepart(html)
    } else {
        let mut related = multipart("related", &boundary)?.singlepart(html);
        for one in &mail.pictures {
            related = related.singlepart(picture(one)?);
        }
        alternative.multipart(related)
    };
    let Some(csv) = &mail.csv else {
        return Ok(alternative);
    };
    let name = format!("{}.csv", dns_label(head.app));
    let csv = Attachment::new(name).body(with_crlf(csv), content_type("text/csv; charset=utf-8")?);
    Ok(multipart("mixed", &boundary)?
        .multipart(alternative)
        .singlepart(csv))
}

/// ASCII with short lines is sent unencoded: encoded, the page would grow towards the size that mail clients cut.
fn html(page: &str) -> SinglePart {
    let page = with_crlf(page);
    let fits = page.is_ascii() && page.lines().all(|line| line.len() <= LONGEST_LINE);
    let builder = SinglePart::builder().header(ContentType::TEXT_HTML);
    if fits {
        let seven_bit = ContentTransferEncoding::SevenBit;
        builder.body(Body::dangerous_pre_encoded(page.into_bytes(), seven_bit))
    } else {
        builder.body(page)
    }
}

fn picture(picture: &Picture) -> Result<SinglePart, String> {
    let name = token("the name of a picture", &picture.name)?;
    let file = format!("{}.png", name.trim_end_matches(".png"));
    let part = Attachment::new_inline_with_name(name.to_owned(), file);
    Ok(part.body(picture.png.clone(), content_type("image/png")?))
}

/// Boundaries are made from the content, so that they are the same every time and cannot occur in it.
fn boundary(mail: &Mail, head: &Head<'_>) -> String {
    let mut hash = Sha256::new();
    let csv = mail.csv.as_deref().unwrap_or_default();
    for text in [head.message_id, &mail.html, &mail.text, csv] {
        hash.update(text.len().to_be_bytes());
        hash.update(text);
    }
    let digest = hash.finalize();
    let digits = digest[..12].iter().map(|byte| format!("{byte:02x}"));
    digits.collect()
}

fn multipart(kind: &str, boundary: &str) -> Result<MultiPart, String> {
    let root = match kind {
        "related" => "; type=\"text/html\"",
        _ => "",
    };
    let text = format!("multipart/{kind}{root}; boundary=\"=_{kind}_{boundary}\"");
    Ok(MultiPart::builder().header(content_type(&text)?).build())
}

fn content_type(text: &str) -> Result<ContentType, String> {
    ContentType::parse(text).map_err(|error| format!("content type `{text}`: {error}"))
}

/// Sender, recipient, reply address and date.
fn address(headers: &mut Headers, head: &Head<'_>) -> Result<(), String> {
    let from = Mailboxes::from(mailbox(&head.from.address, head.from.name.as_deref())?);
    headers.set(FromHeader::from(from));
    headers.set(To::from(Mailboxes::from(mailbox(head.to.0, head.to.1)?)));
    if let Some(reply_to) = head.reply_to {
        let reply_to = mailbox(&reply_to.address, reply_to.name.as_deref())?;
        headers.set(ReplyTo::from(Mailboxes::from(reply_to)));
    }
    headers.set(Date::new(head.date.into()));
    Ok(())
}

/// Subject, ids, and headers for other programs.
fn label(headers: &mut Headers, mail: &Mail, head: &Head<'_>) -> Result<(), String> {
    headers.set(Subject::from(one_line(&mail.subject, LONGEST_SUBJECT)));
    let id = head.message_id.trim_matches(['<', '>']);
    let id = token("the message id", id)?;
    let list = format!(
        "<daily.{}.{}>",
        dns_label(head.app),
        domain(&head.from.address)
    );
    let mut say = |name: &'static str, value: String| {
        let name = HeaderName::new_from_ascii_str(name);
        headers.insert_raw(HeaderValue::dangerous_new_pre_encoded(
            name,
            value.clone(),
            value,
        ));
    };
    say("Message-ID", format!("<{id}>"));
    say("Auto-Submitted", "auto-generated".to_owned());
    say("X-Auto-Response-Suppress", "All".to_owned());
    say("List-Id", list);
    if let Some(unsubscribe) = head.unsubscribe {
        let url = unsubscribe.as_str().replace(' ', "%20");
        let url = url.replace('<', "%3C").replace('>', "%3E");
        say(
            "List-Unsubscribe",
            format!("<{}>", token("the unsubscribe address", &url)?),
        );
    }
    say("Content-Language", head.language.to_owned());
    if let Some(key) = head.idempotency_key {
        say(
            "Resend-Idempotency-Key",
            token("the idempotency key", key)?.to_owned(),
        );
    }
    headers.set(MIME_VERSION_1_0);
    Ok(())
}

fn mailbox(address: &str, name: Option<&str>) -> Result<Mailbox, String> {
    // lettre panics on a name with line breaks, which would end the header.
    let name = name.map(|name| one_line(name, LONGEST_NAME));
    let name = name.filter(|name| !name.is_empty());
    Ok(Mailbox::new(name, checked_address(address)?))
}

/// Fails unless the text may be in a header as it is.
fn token<'a>(what: &str, text: &'a str) -> Result<&'a str, String> {
    let sound = |letter: char| letter.is_ascii_graphic() && !matches!(letter, '<' | '>');
    if !text.is_empty() && text.len() <= 900 && text.chars().all(sound) {
        Ok(text)
    } else {
        Err(format!(
            "{what} cannot stand in a header: `{}`",
            one_line(text, LONGEST_NAME)
        ))
    }
}

/// Makes all line ends CR LF, and removes NUL, which mail does not allow.
fn with_crlf(text: &str) -> String {
    let lines = text
        .replace('\0', "")
        .replace("\r\n", "\n")
        .replace('\r', "\n");
    lines.replace('\n', "\r\n")
}
