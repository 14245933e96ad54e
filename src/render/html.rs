//! The view as HTML for mail clients.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::mail::Mail;
use super::view::View;

pub fn html(_view: &View) -> String {
    String::new()
}

/// The page as one file: its pictures are inside it.
pub fn standalone(mail: &Mail) -> String {
    mail.pictures
        .iter()
        .fold(mail.html.clone(), |page, picture| {
            let data = format!("data:image/png;base64,{}", STANDARD.encode(&picture.png));
            page.replace(&format!("\"cid:{}\"", picture.name), &format!("\"{data}\""))
        })
}
